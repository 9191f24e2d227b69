//! Alarms about outages: what is not where it has to be, until somebody says that they have seen it.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Caller, CommandKey, Params, Problem, Segment, at},
    wire::uuid,
};
use relight_proto::planner::v1::{AcknowledgeAlarmRequest, Alarm as WireAlarm, ListAlarmsRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::list::{List, page};
use crate::app::App;

/// Who sees them and acknowledges.
const DESK: [Role; 4] = [Role::Planner, Role::Dispatcher, Role::Manager, Role::ControlRoom];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(acknowledge))
}

/// An outage is not where it has to be by now.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct OutageAlarm {
    /// UUID.
    alarm_id: String,
    /// Planned or temporary outage, safety switch-off, or reliability warning.
    outage_id: String,
    /// Its spoken number.
    number: String,
    /// Where in the organisation.
    org_path: String,
    /// `notice`, `reminder`, `gate`, `account_manager`, `duty_manager`, `network`, `late_joiner`, `wrong_person`,
    /// `safety` (recorded late), `safety_untold` (somebody has no proof of being told of a safety switch-off), `not_begun` (nobody
    /// switched off), `not_begun_late` (nor may it be by now), `not_begun_over` (the announced end passed),
    /// `longer_limits` (a later end passes a yearly limit), `longer_calls` (a much later end: call important and life-support
    /// customers), `countersign` (a department is silent), `undecided` (nobody has decided), `archive` (nobody wrote it up),
    /// `outside_permit` (entered later: switched off without leave), `reliability` (an important customer has one supply left),
    /// `fault` (an important customer is off by a fault),
    /// `locked` (a lock was put in its window after people were told: move it, or a manager lifts the lock)
    what: String,
    /// Why, in English.
    because: String,
    /// Why, in Chinese; empty: raised before it was said in Chinese too.
    because_zh: String,
    /// When supply goes off, or went off.
    off_at: Option<DateTime<Utc>>,
    /// When it was raised.
    raised_at: Option<DateTime<Utc>>,
    /// When somebody said that they have seen it.
    acknowledged_at: Option<DateTime<Utc>>,
    /// Who; empty while nobody has.
    acknowledged_by: String,
}

impl From<WireAlarm> for OutageAlarm {
    fn from(one: WireAlarm) -> Self {
        Self {
            alarm_id: one.alarm_id,
            outage_id: one.outage_id,
            number: one.number,
            org_path: one.org_path,
            what: one.what,
            because: one.because,
            because_zh: one.because_zh,
            off_at: at(one.off_at),
            raised_at: at(one.raised_at),
            acknowledged_at: at(one.acknowledged_at),
            acknowledged_by: one.acknowledged_by,
        }
    }
}

/// Which alarms.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Only those nobody acknowledged.
    #[serde(default)]
    open: bool,
    /// Only of this outage.
    outage_id: Option<Uuid>,
    /// `next_cursor` of the page before; left out: the first page.
    #[serde(default)]
    #[param(max_length = 1000)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Alarms of the caller's area, the newest first.
#[utoipa::path(get, path = "/api/v1/outage-alarms", tag = "planned outages", params(Which), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<OutageAlarm>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(which): Params<Which>,
) -> Result<Json<List<OutageAlarm>>, Problem> {
    let claims = caller.need(&DESK)?;
    let message = ListAlarmsRequest {
        open: which.open,
        outage_id: which.outage_id.map_or(String::new(), |id| id.to_string()),
        page: Some(page(which.cursor, which.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().outage_alarms, list, message).await?;
    Ok(Json(List::of(reply.alarms, reply.next_cursor)))
}

/// The caller has seen an alarm; who was first stays.
#[utoipa::path(post, path = "/api/v1/outage-alarms/{id}/acknowledgement", tag = "planned outages",
    security(("session" = [])),
    params(("id" = Uuid, Path, description = "Id of the alarm"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    responses((status = 200, description = "The alarm", body = OutageAlarm)))]
async fn acknowledge(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
) -> Result<Json<OutageAlarm>, Problem> {
    let claims = caller.need(&DESK)?;
    let message = AcknowledgeAlarmRequest {
        command_id: key.to_string(),
        alarm_id: uuid("id", &id)?.to_string(),
    };
    let one = ask!(app.edge(), claims, app.to().outage_alarms, acknowledge, message).await?;
    Ok(Json(one.into()))
}
