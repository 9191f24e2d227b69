//! Alarms of the arrears desk: a reconnection that is late, a cut that may be wrong, until somebody says that they have seen it.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Caller, CommandKey, Params, Problem, Segment, at},
    wire::uuid,
};
use relight_proto::arrears::v1::{AcknowledgeAlarmRequest, Alarm as WireAlarm, ListAlarmsRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::list::{List, page};
use crate::app::App;

/// Who sees them and acknowledges: the arrears desk and its managers.
pub(crate) const ARREARS_DESK: [Role; 3] = [Role::Agent, Role::Manager, Role::Admin];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(acknowledge))
}

/// A case that somebody at the desk has to look at now.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct ArrearsAlarm {
    /// UUID.
    alarm_id: String,
    /// The case.
    case_id: String,
    /// Its spoken number.
    number: String,
    /// Where in the organisation.
    org_path: String,
    /// `watch`, `at_risk`, `breach` (70 %, 90 % and the end of a reconnection's limit, at once after a wrongful cut),
    /// `wrong_person` (a proof the cut rests on reached somebody else), `wrong_meter` (a crew cut another meter: its customer has
    /// a case of its own), `unknown_meter` (a crew cut a meter nobody knows: find it by the place),
    /// `vulnerable` (somebody vulnerable may come to be cut: visit them first)
    level: String,
    /// By when it is due.
    due_at: Option<DateTime<Utc>>,
    /// When it was raised.
    raised_at: Option<DateTime<Utc>>,
    /// Meter that was cut by mistake.
    meter_no: String,
    /// Where the crew was sent, Chinese.
    address_zh: String,
    /// The same, English.
    address_en: String,
    /// Where the phone was, (lon, lat) WGS84 degrees.
    position: Option<(f64, f64)>,
    /// When somebody said that they have seen it.
    acknowledged_at: Option<DateTime<Utc>>,
    /// Who; empty while nobody has.
    acknowledged_by: String,
}

impl From<WireAlarm> for ArrearsAlarm {
    fn from(one: WireAlarm) -> Self {
        Self {
            alarm_id: one.alarm_id,
            case_id: one.case_id,
            number: one.number,
            org_path: one.org_path,
            level: one.level,
            due_at: at(one.due_at),
            raised_at: at(one.raised_at),
            meter_no: one.meter_no,
            address_zh: one.address_zh,
            address_en: one.address_en,
            position: one.position.map(|point| (point.lon, point.lat)),
            acknowledged_at: at(one.acknowledged_at),
            acknowledged_by: one.acknowledged_by,
        }
    }
}

/// Which alarms.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WhichAlarms {
    /// Only those nobody acknowledged.
    #[serde(default)]
    open: bool,
    /// Only of this case.
    case_id: Option<Uuid>,
    /// `next_cursor` of the page before; left out: the first page.
    #[serde(default)]
    #[param(max_length = 1000)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Alarms of arrears cases in the caller's area, the newest first.
#[utoipa::path(get, path = "/api/v1/arrears/alarms", tag = "arrears", params(WhichAlarms), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<ArrearsAlarm>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(which): Params<WhichAlarms>,
) -> Result<Json<List<ArrearsAlarm>>, Problem> {
    let claims = caller.need(&ARREARS_DESK)?;
    let message = ListAlarmsRequest {
        open: which.open,
        case_id: which.case_id.map_or(String::new(), |id| id.to_string()),
        page: Some(page(which.cursor, which.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().arrears_alarms, list, message).await?;
    Ok(Json(List::of(reply.alarms, reply.next_cursor)))
}

/// The caller has seen an alarm; who was first stays.
#[utoipa::path(post, path = "/api/v1/arrears/alarms/{id}/acknowledgement", tag = "arrears",
    security(("session" = [])),
    params(("id" = Uuid, Path, description = "Id of the alarm"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    responses((status = 200, description = "The alarm", body = ArrearsAlarm)))]
async fn acknowledge(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
) -> Result<Json<ArrearsAlarm>, Problem> {
    let claims = caller.need(&ARREARS_DESK)?;
    let message = AcknowledgeAlarmRequest {
        command_id: key.to_string(),
        alarm_id: uuid("id", &id)?.to_string(),
    };
    let one = ask!(app.edge(), claims, app.to().arrears_alarms, acknowledge, message).await?;
    Ok(Json(one.into()))
}
