//! Cuts without right and late reconnections: what the supervisor is told of.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Caller, Params, Problem, at},
};
use relight_proto::arrears::v1::{Breach as WireBreach, ListBreachesRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::list::{List, page};
use crate::app::App;

/// Who answers for it.
const DESK: [Role; 3] = [Role::Agent, Role::Manager, Role::Admin];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A cut without right, or supply that came back late; kept when its case is over.
#[derive(Debug, Serialize, ToSchema)]
struct Breach {
    /// The case.
    case_id: String,
    /// Its spoken number.
    number: String,
    /// Account.
    account: String,
    /// Place in the organisation.
    org_path: String,
    /// IANA zone of the place.
    zone: String,
    /// `wrongful_cut`, `late_reconnection`
    kind: String,
    /// Since when supply was off.
    off_at: Option<DateTime<Utc>>,
    /// When it was back; absent: still off.
    on_at: Option<DateTime<Utc>>,
    /// How long it was off, seconds; absent: still off.
    off_s: Option<i64>,
    /// By when supply had to be back.
    due_at: Option<DateTime<Utc>>,
    /// Who cut; empty when nobody reported a cut on this case.
    cut_by: String,
    /// When it was found.
    found_at: Option<DateTime<Utc>>,
    /// Who found or reported it.
    found_by: String,
    /// Why; empty for a late reconnection.
    reason: String,
    /// When the apology was ordered; of a wrongful cut.
    apology_ordered_at: Option<DateTime<Utc>>,
    /// When it reached the customer.
    apologised_at: Option<DateTime<Utc>>,
}

impl From<WireBreach> for Breach {
    fn from(breach: WireBreach) -> Self {
        let (off_at, on_at) = (at(breach.off_at), at(breach.on_at));
        Self {
            case_id: breach.case_id,
            number: breach.number,
            account: breach.account,
            org_path: breach.org_path,
            zone: breach.zone,
            kind: breach.kind,
            off_at,
            on_at,
            off_s: off_at.zip(on_at).map(|(off, on)| (on - off).num_seconds()),
            due_at: at(breach.due_at),
            cut_by: breach.cut_by,
            found_at: at(breach.found_at),
            found_by: breach.found_by,
            reason: breach.reason,
            apology_ordered_at: at(breach.apology_ordered_at),
            apologised_at: at(breach.apologised_at),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// `wrongful_cut` or `late_reconnection`; left out: both.
    #[serde(default)]
    which: String,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// Wrongful cuts and late reconnections of the caller's area, the newest first, those of closed cases too.
#[utoipa::path(get, path = "/api/v1/arrears/breaches", tag = "arrears", params(ListParams), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<Breach>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<Json<List<Breach>>, Problem> {
    let claims = caller.need(&DESK)?;
    let message = ListBreachesRequest {
        kind: params.which,
        page: Some(page(params.cursor, params.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().breaches, list_breaches, message).await?;
    Ok(Json(List::of(reply.breaches, reply.next_cursor)))
}
