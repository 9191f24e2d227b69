//! Payments whose account nobody knows: kept until somebody does.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Caller, Params, Problem, at},
};
use relight_proto::arrears::v1::{ListUnplacedRequest, UnplacedPayment as WirePayment};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::list::{List, page};
use crate::app::App;

/// Such a payment has no area: who answers for billing looks after it.
const BILLING: [Role; 2] = [Role::Manager, Role::Admin];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A payment of an account that registry does not know, or that has no single supply. It counts as soon as that is known; the
/// same line of the source with another account puts it right.
#[derive(Debug, Serialize, ToSchema)]
struct UnplacedPayment {
    /// System it comes from.
    source: String,
    /// The source's id of it.
    external_id: String,
    /// As the source writes it.
    account: String,
    /// Hundredths of the currency.
    amount_cents: i64,
    /// When it was paid.
    paid_at: Option<DateTime<Utc>>,
    /// When it came here.
    received_at: Option<DateTime<Utc>>,
    /// Why it has no place.
    why: String,
}

impl From<WirePayment> for UnplacedPayment {
    fn from(one: WirePayment) -> Self {
        Self {
            source: one.source,
            external_id: one.external_id,
            account: one.account,
            amount_cents: one.amount_cents,
            paid_at: at(one.paid_at),
            received_at: at(one.received_at),
            why: one.why,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// Payments without an account, the newest first.
#[utoipa::path(get, path = "/api/v1/arrears/unplaced-payments", tag = "arrears", params(ListParams), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<UnplacedPayment>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<Json<List<UnplacedPayment>>, Problem> {
    let claims = caller.need(&BILLING)?;
    let message = ListUnplacedRequest {
        page: Some(page(params.cursor, params.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().unplaced, list, message).await?;
    Ok(Json(List::of(reply.payments, reply.next_cursor)))
}
