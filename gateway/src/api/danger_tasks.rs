//! What danger asks for beside the repair: somebody guards the place, the control room is asked to switch off there, the emergency
//! services know of it.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Params, Problem, Segment, at, order::Place},
    wire::uuid,
};
use relight_proto::intake::v1::{self as w, ListDangerTasksRequest, SettleDangerTaskRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::list::List;
use crate::app::App;

const HELPERS: [Role; 3] = [Role::Agent, Role::Dispatcher, Role::ControlRoom];
const SEEN_BY: [Role; 4] = [Role::Agent, Role::Dispatcher, Role::ControlRoom, Role::Manager];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(settle))
}

/// One task of a report of danger.
#[derive(Debug, Serialize, ToSchema)]
struct DangerTask {
    report_id: String,
    /// Spoken number of the report.
    report_number: String,
    /// `guard_site`, `switching`, `emergency_services`
    kind: String,
    /// `open`, `done`, `not_needed`
    state: String,
    opened_at: Option<DateTime<Utc>>,
    /// An open one is on the list of the managers too from then.
    climbs_at: Option<DateTime<Utc>>,
    /// Of `switching`: the nearest device above the place that can be switched; empty: nobody knows the place.
    device_id: String,
    /// What is dangerous.
    danger_note: String,
    org_path: String,
    position: Option<Place>,
    /// Who guards; the switching or who was asked; which service was called and who took it.
    reference: String,
    note: String,
    settled_by: String,
    settled_at: Option<DateTime<Utc>>,
}

impl From<w::DangerTask> for DangerTask {
    fn from(one: w::DangerTask) -> Self {
        Self {
            report_id: one.report_id,
            report_number: one.report_number,
            kind: one.kind,
            state: one.state,
            opened_at: at(one.opened_at),
            climbs_at: at(one.climbs_at),
            device_id: one.device_id,
            danger_note: one.danger_note,
            org_path: one.org_path,
            position: one.position.map(Place::from),
            reference: one.reference,
            note: one.note,
            settled_by: one.settled_by,
            settled_at: at(one.settled_at),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Only open ones; else those settled within two days too.
    #[serde(default)]
    open: bool,
}

/// The tasks of the area, open ones first; managers see what nobody did in time. At most 500.
#[utoipa::path(get, path = "/api/v1/danger-tasks", tag = "reports", params(ListParams), security(("session" = [])),
    responses((status = 200, description = "The tasks", body = List<DangerTask>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<Json<List<DangerTask>>, Problem> {
    let claims = caller.need(&SEEN_BY)?;
    let message = ListDangerTasksRequest {
        settled: !params.open,
    };
    let reply = ask!(app.edge(), claims, app.to().danger, list, message).await?;
    Ok(Json(List::of(reply.tasks, String::new())))
}

/// How a task ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Settling {
    /// `guard_site`, `switching`, `emergency_services`
    kind: String,
    /// `done`, `not_needed`
    outcome: String,
    /// Must be given when it is done.
    #[serde(default)]
    #[schema(max_length = 200)]
    reference: String,
    /// Must be given when it is not needed.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// Notes that a task is done, and by whom, or why it is not needed.
#[utoipa::path(post, path = "/api/v1/danger-tasks/{id}/settle", tag = "reports", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Report id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Settling, responses((status = 200, description = "The task", body = DangerTask)))]
async fn settle(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Settling>,
) -> Result<Json<DangerTask>, Problem> {
    let claims = caller.need(&HELPERS)?;
    let message = SettleDangerTaskRequest {
        command_id: key.to_string(),
        report_id: uuid("id", &id)?.to_string(),
        kind: body.kind,
        outcome: body.outcome,
        reference: body.reference,
        note: body.note,
    };
    let one = ask!(app.edge(), claims, app.to().danger, settle, message).await?;
    Ok(Json(one.into()))
}
