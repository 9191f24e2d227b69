//! Visits: somebody is sent to tell customers whom no channel reached (operations.md O22, domain.md P8, P20). A visit is done by
//! its proof, which is recorded as any other.

use relight_common::{Claims, Invalid, Work};
use serde_json::json;

use super::rights::SERVE;
use crate::{
    domain::{ids::OutageId, outage::State},
    error::Error,
    store::{
        outage, people,
        task::{self, Task},
    },
};

/// Sends somebody to customers; none named: to everybody who was not told. Who has been sent to one of them already is
/// replaced.
///
/// # Errors
/// [`Error::Denied`], [`Error::Unfit`], [`Error::Common`].
pub async fn assign(work: &mut Work, claims: &Claims, id: OutageId, mut task: Task) -> Result<u32, Error> {
    let one = outage::lock(work.conn(), id).await?;
    if !claims.has_at(&SERVE, &one.place.org_path) {
        return Err(Error::Denied(
            "planner, manager, agent or dispatcher of the area send people",
        ));
    }
    if one.life.announced_at.is_none()
        || !matches!(one.life.state, State::Approved | State::Noticed | State::Ready)
    {
        return Err(Error::Unfit(
            "people are told between the announcement and the start",
        ));
    }
    if task.due_at <= work.at() || task.due_at > one.life.starts_at() {
        return Err(Invalid::new("due_at", "must be from now on and before supply goes off").into());
    }
    for customer in &task.customers {
        people::affected(work.conn(), id, *customer).await?;
    }
    (task.by, task.at) = (work.actor().to_owned(), work.at());
    let assigned = task::assign(work.conn(), (id, one.life.plan_no), &task).await?;
    let detail = json!({ "channel": task.channel, "assignee": task.assignee, "due_at": task.due_at, "customers": assigned });
    work.audit("outage.visit_assigned", id, detail);
    Ok(assigned)
}
