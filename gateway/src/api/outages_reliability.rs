//! Reliability warnings: important customers with one supply left, what they answered, who took silence on.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Params, Problem, Segment, at},
    wire::uuid,
};
use relight_proto::planner::v1::{
    AcknowledgeWarningRequest, CloseWarningRequest, GetWarningRequest, ListWarningsRequest,
    ReliabilityWarning,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    list::{List, page},
    outages_planned::PLANNERS,
};
use crate::app::App;

/// Who notes what the customer said.
const SERVE: [Role; 4] = [Role::Planner, Role::Manager, Role::Agent, Role::Dispatcher];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(acknowledge))
        .routes(routes!(close))
}

/// An important customer with several supplies is down to one, or is off by a fault. Kept as the archive of who was told and what they said.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Warning {
    /// UUID.
    warning_id: String,
    /// Spoken number.
    number: String,
    /// Where in the organisation.
    org_path: String,
    /// IANA zone of the place.
    zone: String,
    /// Whose supplies.
    customer_id: String,
    /// Supplies as the network is drawn.
    supplies: u32,
    /// Of them with supply when last looked at.
    supplied: u32,
    /// Streets of those that are off, Chinese; of all when those left hang on one feeder.
    area_zh: String,
    /// And English.
    area_en: String,
    /// What was switched.
    device_id: String,
    /// `incident`, `outage`, `safety`, `customer_request`; empty: not known
    basis_kind: String,
    /// The incident or outage.
    basis_id: String,
    /// One supply left since.
    since_at: Option<DateTime<Utc>>,
    /// When the notice was ordered: at once of a fault, else once a switching had time to become a transfer.
    told_at: Option<DateTime<Utc>>,
    /// Proof that it reached them.
    served_at: Option<DateTime<Utc>>,
    /// By which channel.
    served_channel: String,
    /// When they answered.
    acknowledged_at: Option<DateTime<Utc>>,
    /// Who noted it.
    acknowledged_by: String,
    /// `call`, `visit`, `esign`
    acknowledged_channel: String,
    /// What they said, verbatim.
    text: String,
    /// Where silence is: `account_manager`, then `duty_manager`, after the times of the policy pack.
    escalated_to: String,
    /// Since when.
    escalated_at: Option<DateTime<Utc>>,
    /// When the duty manager took it on.
    closed_at: Option<DateTime<Utc>>,
    /// Who.
    closed_by: String,
    /// Why.
    note: String,
    /// When it was over.
    ended_at: Option<DateTime<Utc>>,
    /// `restored`, `off` (none is left), `gone`
    ended_as: String,
    /// `supply` (one supply is left), `fault` (off by the incident of `basis_id`)
    kind: String,
    /// Of a fault: when supply is expected back, as far as anybody knows.
    etr_at: Option<DateTime<Utc>>,
}

impl From<ReliabilityWarning> for Warning {
    fn from(one: ReliabilityWarning) -> Self {
        Self {
            warning_id: one.warning_id,
            number: one.number,
            org_path: one.org_path,
            zone: one.zone,
            customer_id: one.customer_id,
            supplies: one.supplies,
            supplied: one.supplied,
            area_zh: one.area_zh,
            area_en: one.area_en,
            device_id: one.device_id,
            basis_kind: one.basis_kind,
            basis_id: one.basis_id,
            since_at: at(one.since_at),
            told_at: at(one.told_at),
            served_at: at(one.served_at),
            served_channel: one.served_channel,
            acknowledged_at: at(one.acknowledged_at),
            acknowledged_by: one.acknowledged_by,
            acknowledged_channel: one.acknowledged_channel,
            text: one.text,
            escalated_to: one.escalated_to,
            escalated_at: at(one.escalated_at),
            closed_at: at(one.closed_at),
            closed_by: one.closed_by,
            note: one.note,
            ended_at: at(one.ended_at),
            ended_as: one.ended_as,
            kind: one.kind,
            etr_at: at(one.etr_at),
        }
    }
}

/// Which warnings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Only those that are not over.
    #[serde(default)]
    open: bool,
    /// `next_cursor` of the page before; left out: the first page.
    #[serde(default)]
    #[param(max_length = 1000)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Reliability warnings of the caller's area, the last one first.
#[utoipa::path(get, path = "/api/v1/reliability-warnings", tag = "planned outages", params(Which),
    security(("session" = [])), responses((status = 200, description = "A page", body = List<Warning>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(which): Params<Which>,
) -> Result<Json<List<Warning>>, Problem> {
    let claims = caller.need(&PLANNERS)?;
    let message = ListWarningsRequest {
        open: which.open,
        page: Some(page(which.cursor, which.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().reliability, list, message).await?;
    Ok(Json(List::of(reply.warnings, reply.next_cursor)))
}

/// One reliability warning.
#[utoipa::path(get, path = "/api/v1/reliability-warnings/{id}", tag = "planned outages", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Id of the warning")),
    responses((status = 200, description = "The warning", body = Warning)))]
async fn get(State(app): State<App>, caller: Caller, Segment(id): Segment) -> Result<Json<Warning>, Problem> {
    let claims = caller.need(&PLANNERS)?;
    let message = GetWarningRequest {
        warning_id: uuid("id", &id)?.to_string(),
    };
    let one = ask!(app.edge(), claims, app.to().reliability, get, message).await?;
    Ok(Json(one.into()))
}

/// What the customer said, and how it came.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Acknowledged {
    /// Verbatim.
    #[schema(max_length = 500)]
    text: String,
    /// `call`, `visit`, `esign`
    channel: String,
}

/// The customer answered; the first answer stays.
#[utoipa::path(post, path = "/api/v1/reliability-warnings/{id}/acknowledgement", tag = "planned outages",
    security(("session" = [])),
    params(("id" = Uuid, Path, description = "Id of the warning"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Acknowledged, responses((status = 200, description = "The warning", body = Warning)))]
async fn acknowledge(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Acknowledged>,
) -> Result<Json<Warning>, Problem> {
    let claims = caller.need(&SERVE)?;
    let message = AcknowledgeWarningRequest {
        command_id: key.to_string(),
        warning_id: uuid("id", &id)?.to_string(),
        text: body.text,
        channel: body.channel,
    };
    let one = ask!(app.edge(), claims, app.to().reliability, acknowledge, message).await?;
    Ok(Json(one.into()))
}

/// Why the silence is taken on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TakenOn {
    /// What was done instead.
    #[schema(max_length = 500)]
    note: String,
}

/// The duty manager takes the silence on; the first one stays.
#[utoipa::path(post, path = "/api/v1/reliability-warnings/{id}/close", tag = "planned outages",
    security(("session" = [])),
    params(("id" = Uuid, Path, description = "Id of the warning"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = TakenOn, responses((status = 200, description = "The warning", body = Warning)))]
async fn close(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<TakenOn>,
) -> Result<Json<Warning>, Problem> {
    let claims = caller.need(&[Role::Manager])?;
    let message = CloseWarningRequest {
        command_id: key.to_string(),
        warning_id: uuid("id", &id)?.to_string(),
        note: body.note,
    };
    let one = ask!(app.edge(), claims, app.to().reliability, close, message).await?;
    Ok(Json(one.into()))
}
