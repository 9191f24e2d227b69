//! Calls by telephone about planned outages: by which number a customer is called, who called whom, what became of it.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Caller, Params, Problem, Segment, at},
    wire::uuid,
};
use relight_proto::{
    common::v1::Language as WireLanguage,
    planner::v1::{ListCallsRequest, RecordedCall},
    registry::v1::{ListNumbersRequest, Number as WireNumber},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    list::{List, page},
    outages_planned::PLANNERS,
};
use crate::app::App;

/// Who calls customers.
const CALL: [Role; 4] = [Role::Planner, Role::Manager, Role::Agent, Role::Dispatcher];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(numbers))
        .routes(routes!(list))
}

/// A telephone number of a customer, without its value.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Number {
    /// UUID, for `call.contact_id`.
    contact_id: String,
    /// Its last digits: `***0042`
    masked: String,
    /// `zh-CN`, `en`
    language: String,
    /// `customer`, `carer`
    role: String,
    /// When it was last confirmed as theirs; absent: never.
    confirmed_at: Option<DateTime<Utc>>,
    /// Who asked: person id, or `import`; empty: nobody.
    confirmed_by: String,
    /// Never confirmed, or too long ago: ask who is speaking before relying on it.
    stale: bool,
}

impl From<WireNumber> for Number {
    fn from(one: WireNumber) -> Self {
        let language = match one.language() {
            WireLanguage::ZhCn => "zh-CN",
            _ => "en",
        };
        Self {
            language: language.to_owned(),
            contact_id: one.contact_id,
            masked: one.masked,
            role: one.role,
            confirmed_at: at(one.confirmed_at),
            confirmed_by: one.confirmed_by,
            stale: one.stale,
        }
    }
}

/// By which numbers a customer is called; every look is audited.
#[utoipa::path(get, path = "/api/v1/customers/{id}/numbers", tag = "customers", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Customer id")),
    responses((status = 200, description = "The numbers", body = List<Number>)))]
async fn numbers(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<List<Number>>, Problem> {
    let claims = caller.need(&CALL)?;
    let message = ListNumbersRequest {
        customer_id: uuid("id", &id)?.to_string(),
    };
    let reply = ask!(app.edge(), claims, app.to().numbers, list, message).await?;
    Ok(Json(List::of(reply.numbers, String::new())))
}

/// A call as it was recorded. The number lies sealed beside it and is never shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct OutageCall {
    /// UUID.
    call_id: String,
    /// Who was called.
    customer_id: String,
    /// About which plan.
    plan_no: u32,
    /// `notice`, `late_start`, `acknowledgement`
    purpose: String,
    /// Which number.
    contact_id: String,
    /// `reached`, `no_answer`, `wrong_person`, `invalid_number`
    outcome: String,
    /// Who called.
    called_by: String,
    /// When.
    at: Option<DateTime<Utc>>,
}

impl From<RecordedCall> for OutageCall {
    fn from(one: RecordedCall) -> Self {
        Self {
            call_id: one.call_id,
            customer_id: one.customer_id,
            plan_no: one.plan_no,
            purpose: one.purpose,
            contact_id: one.contact_id,
            outcome: one.outcome,
            called_by: one.called_by,
            at: at(one.at),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CallParams {
    /// Only about this customer.
    customer_id: Option<Uuid>,
    /// `next_cursor` of the page before; left out: the first page.
    #[serde(default)]
    #[param(max_length = 1000)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Calls about a planned outage, the newest first; every look is audited.
#[utoipa::path(get, path = "/api/v1/planned-outages/{id}/calls", tag = "planned outages", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Outage id"), CallParams),
    responses((status = 200, description = "A page", body = List<OutageCall>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<CallParams>,
) -> Result<Json<List<OutageCall>>, Problem> {
    let claims = caller.need(&PLANNERS)?;
    let message = ListCallsRequest {
        outage_id: uuid("id", &id)?.to_string(),
        customer_id: params.customer_id.map_or(String::new(), |id| id.to_string()),
        page: Some(page(params.cursor, params.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().calls, list, message).await?;
    Ok(Json(List::of(reply.calls, reply.next_cursor)))
}
