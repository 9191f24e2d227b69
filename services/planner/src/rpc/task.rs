//! The contract of visits.

use chrono::DateTime;
use relight_common::{Begun, Claims, Invalid, Work, command::Meta, wire, wire::timestamp};
use relight_proto::planner::v1::{
    AssignTasksReply, AssignTasksRequest, ListTasksReply, ListTasksRequest, NoticeTask,
    notice_tasks_server::NoticeTasks,
};
use serde_json::json;
use tonic::{Request, Response, Status};

use super::{
    Api, answer, outage_id,
    parse::{TEXT_MAX, one_of},
    taken,
    view::{Page, next},
};
use crate::{
    desk::{
        rights::{SEE, SERVE},
        task as desk,
    },
    error::Error,
    store::task::{self, Listed, Task, Wanted},
};

const CUSTOMERS_MAX: usize = 500;
const NAME_MAX: usize = 100;

fn task(request: &AssignTasksRequest) -> Result<Task, Error> {
    if request.customer_ids.len() > CUSTOMERS_MAX {
        return Err(Invalid::new("customer_ids", "must name at most 500 customers").into());
    }
    let customers = request.customer_ids.iter();
    let customers = customers.map(|id| wire::uuid("customer_ids", id));
    Ok(Task {
        customers: customers.collect::<Result<_, _>>()?,
        channel: one_of("channel", &request.channel, &["visit", "community", "call"])?,
        assignee: wire::text_required("assignee", &request.assignee, NAME_MAX)?,
        due_at: wire::instant("due_at", request.due_at)?,
        note: wire::text("note", &request.note, TEXT_MAX)?,
        by: String::new(),
        at: DateTime::UNIX_EPOCH,
    })
}

impl Api {
    async fn assigned(
        &self,
        claims: &Claims,
        request: AssignTasksRequest,
    ) -> Result<AssignTasksReply, Error> {
        let meta = Meta::new(&request.command_id, claims, &request, self.clock.now())?;
        let (id, task) = (outage_id(&request.outage_id)?, task(&request)?);
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let assigned = desk::assign(&mut work, claims, id, task).await?;
        Ok(work.commit(AssignTasksReply { assigned }).await?)
    }

    /// A list of customers to visit is a view of personal data (operations.md O33).
    async fn tasks(&self, claims: &Claims, request: ListTasksRequest) -> Result<ListTasksReply, Error> {
        let page = Page::read(request.page.as_ref())?;
        let wanted = Wanted {
            outage: wire::uuid_opt("outage_id", &request.outage_id)?,
            assignee: wire::text("assignee", &request.assignee, NAME_MAX)?,
            open: request.open,
        };
        let org = claims.org_patterns(&SEE);
        let rows = task::list(self.db.pool(), &wanted, &org, page.after_window()?, page.limit).await?;
        let next_cursor = next(&rows, page.limit, |one| {
            format!("{}/{}", one.due_at.timestamp_micros(), one.id)
        });
        let mut work = Work::internal(&self.db, claims.request_id.to_string(), self.clock.now()).await?;
        let subject = wanted.outage.map_or_else(String::new, |id| id.to_string());
        work.audit(
            "outage.visits_seen",
            subject,
            json!({ "by": claims.actor, "rows": rows.len() }),
        );
        work.done().await?;
        Ok(ListTasksReply {
            tasks: rows.into_iter().map(shown).collect(),
            next_cursor,
        })
    }
}

fn shown(one: Listed) -> NoticeTask {
    NoticeTask {
        task_id: one.id.to_string(),
        outage_id: one.outage_id.to_string(),
        number: one.number,
        plan_no: one.plan_no.unsigned_abs(),
        org_path: one.org_path,
        customer_id: one.customer_id.to_string(),
        channel: one.channel,
        assignee: one.assignee,
        due_at: Some(timestamp(one.due_at)),
        note: one.note,
        assigned_by: one.assigned_by,
        assigned_at: Some(timestamp(one.assigned_at)),
        done_at: one.done_at.map(timestamp),
        done_by: one.done_by,
    }
}

#[tonic::async_trait]
impl NoticeTasks for Api {
    async fn assign(
        &self,
        request: Request<AssignTasksRequest>,
    ) -> Result<Response<AssignTasksReply>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SERVE)?;
        answer(self.assigned(&claims, request).await)
    }

    async fn list(&self, request: Request<ListTasksRequest>) -> Result<Response<ListTasksReply>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.tasks(&claims, request).await)
    }
}
