//! Who is sent to tell customers in person; done by the proof of it (`evidence` of the outage).

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Params, Problem, Segment, at},
    wire::{timestamp, uuid},
};
use relight_proto::planner::v1::{AssignTasksRequest, ListTasksRequest, NoticeTask as WireTask};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    list::{List, page},
    outages_planned::PLANNERS,
};
use crate::app::App;

/// Who sends people.
const SERVE: [Role; 4] = [Role::Planner, Role::Manager, Role::Agent, Role::Dispatcher];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(assign))
}

/// Somebody goes to tell a customer.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct NoticeTask {
    /// UUID.
    task_id: String,
    /// The outage.
    outage_id: String,
    /// Its spoken number.
    number: String,
    /// Of which plan.
    plan_no: u32,
    /// Where in the organisation.
    org_path: String,
    /// To whom.
    customer_id: String,
    /// `visit`, `community`, `call`
    channel: String,
    /// Who goes.
    assignee: String,
    /// Until when.
    due_at: Option<DateTime<Utc>>,
    /// What to know.
    note: String,
    /// Who sent them.
    assigned_by: String,
    /// When.
    assigned_at: Option<DateTime<Utc>>,
    /// When a proof was recorded.
    done_at: Option<DateTime<Utc>>,
    /// Who recorded it; empty: nobody yet.
    done_by: String,
}

impl From<WireTask> for NoticeTask {
    fn from(one: WireTask) -> Self {
        Self {
            task_id: one.task_id,
            outage_id: one.outage_id,
            number: one.number,
            plan_no: one.plan_no,
            org_path: one.org_path,
            customer_id: one.customer_id,
            channel: one.channel,
            assignee: one.assignee,
            due_at: at(one.due_at),
            note: one.note,
            assigned_by: one.assigned_by,
            assigned_at: at(one.assigned_at),
            done_at: at(one.done_at),
            done_by: one.done_by,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TaskParams {
    /// Only of this outage.
    outage_id: Option<Uuid>,
    /// Only those not done, of plans that stand.
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

/// Who is to be told in person, what is due first first; every look is audited.
#[utoipa::path(get, path = "/api/v1/notice-tasks", tag = "planned outages", params(TaskParams), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<NoticeTask>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<TaskParams>,
) -> Result<Json<List<NoticeTask>>, Problem> {
    let claims = caller.need(&PLANNERS)?;
    let message = ListTasksRequest {
        outage_id: params.outage_id.map_or(String::new(), |id| id.to_string()),
        assignee: String::new(),
        open: params.open,
        page: Some(page(params.cursor, params.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().notice_tasks, list, message).await?;
    Ok(Json(List::of(reply.tasks, reply.next_cursor)))
}

/// Sends somebody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Assign {
    /// At most 500; left out: everybody who was not told.
    #[serde(default)]
    customer_ids: Vec<Uuid>,
    /// `visit`, `community`, `call`
    channel: String,
    /// Who goes.
    #[schema(max_length = 100)]
    assignee: String,
    /// Before supply goes off.
    due_at: DateTime<Utc>,
    /// What to know.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// How many customers were given to somebody.
#[derive(Debug, Serialize, ToSchema)]
struct Assigned {
    /// Customers.
    assigned: u32,
}

/// Sends somebody to customers of a planned outage; a visit that is not done yet is given to them instead.
#[utoipa::path(post, path = "/api/v1/planned-outages/{id}/notice-tasks", tag = "planned outages",
    security(("session" = [])),
    params(("id" = Uuid, Path, description = "Outage id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Assign, responses((status = 200, description = "Given", body = Assigned)))]
async fn assign(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Assign>,
) -> Result<Json<Assigned>, Problem> {
    let claims = caller.need(&SERVE)?;
    let message = AssignTasksRequest {
        command_id: key.to_string(),
        outage_id: uuid("id", &id)?.to_string(),
        customer_ids: body.customer_ids.iter().map(Uuid::to_string).collect(),
        channel: body.channel,
        assignee: body.assignee,
        due_at: Some(timestamp(body.due_at)),
        note: body.note,
    };
    let reply = ask!(app.edge(), claims, app.to().notice_tasks, assign, message).await?;
    Ok(Json(Assigned {
        assigned: reply.assigned,
    }))
}
