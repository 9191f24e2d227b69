//! A command of a person on an order: rights, time, step.

use relight_common::{Claims, Work};
use relight_policy::Pack;
use serde_json::json;

use super::{By, Change, rights};
use crate::{
    domain::{
        device_time::{DeviceTime, Stamp},
        etr::Estimate,
        ids::{CrewId, OrderId},
        order::{Course, Event, Section, transition},
    },
    error::Error,
    store::{order, order::Order, unit},
};

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A move of the machine.
    Event(Event),
    /// A new estimate.
    SetEtr {
        /// When supply is expected back.
        at: chrono::DateTime<chrono::Utc>,
        /// Cause as far as known; empty keeps the one there.
        cause_code: String,
    },
}

/// A command on an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The order.
    pub order: OrderId,
    /// What is asked for.
    pub act: Act,
    /// Words for the list of steps.
    pub note: String,
    /// The phone's times.
    pub device_time: Option<DeviceTime>,
    /// A dispatcher records it for the crew or the unit.
    pub on_behalf: bool,
}

/// Carries a command out in the transaction of `work`.
///
/// # Errors
/// [`Error::Denied`], [`Error::Refused`], [`Error::Rule`], [`Error::Estimate`], [`Error::NoSuchOrder`] and others.
pub async fn apply(work: &mut Work, pack: &Pack, claims: &Claims, command: &Command) -> Result<(), Error> {
    let mut change = Change::of(work, pack, command.order).await?;
    let by = by(change.work, claims, &change.order, command)?;
    match &command.act {
        Act::Event(event) => {
            if let Event::Dispatch { unit } = event {
                unit::get(change.work.conn(), *unit)
                    .await?
                    .ok_or(Error::NoSuchUnit(*unit))?;
            }
            change.step(event, &by).await?;
            change.catch_up().await?;
        }
        Act::SetEtr { at, cause_code } => {
            let source = rights::source_of(claims, &change.order, command.on_behalf);
            if !cause_code.is_empty() {
                change.order.cause_code.clone_from(cause_code);
            }
            change.estimate(Estimate { at: *at, source }, "set", &by).await?;
        }
    }
    change.finish().await.map(drop)
}

/// Asks, without changing anything, whether a command would be carried out now: before other services are asked to do
/// their part. Returns the order as it stands. The answer may change until the command itself holds the lock.
///
/// # Errors
/// As [`apply`].
pub async fn rehearse(
    work: &mut Work,
    pack: &Pack,
    claims: &Claims,
    command: &Command,
) -> Result<Order, Error> {
    let order = order::get(work.conn(), command.order)
        .await?
        .ok_or_else(|| Error::NoSuchOrder(command.order.to_string()))?;
    let by = by(work, claims, &order, command)?;
    if let Act::Event(event) = &command.act {
        let context = Change::context(work, pack, &order, &by).await?;
        transition(&order.state, event, &context, by.stamp.at)?;
    }
    Ok(order)
}

/// Checks the caller's rights and settles the time of the step.
fn by(work: &Work, claims: &Claims, order: &Order, command: &Command) -> Result<By, Error> {
    let may_force = rights::authorise(claims, order, &command.act, command.on_behalf)?;
    let now = work.at();
    let stamp = match command.device_time {
        Some(said) => said.bounded(order.last_step_at, now),
        None => Stamp {
            at: now.max(order.last_step_at),
            skewed: false,
        },
    };
    Ok(By {
        actor: claims.actor.clone(),
        stamp,
        received_at: now,
        on_behalf: command.on_behalf,
        may_force,
        crew: claims.crew_id.map(CrewId::from_uuid),
        note: command.note.clone(),
    })
}

/// What a step recorded, beside its words.
pub(super) fn detail(event: &Event) -> serde_json::Value {
    match event {
        Event::Dispatch { unit } => json!({ "unit": unit }),
        Event::Return { reason } => json!({ "reason": reason }),
        Event::Assign { crew } | Event::Reassign { crew } => json!({ "crew": crew }),
        Event::Leave { eta_at } => json!({ "eta_at": eta_at }),
        Event::Arrive(arrival) => {
            let (reason, photo_sha256) = arrival.explained.clone().unzip();
            json!({ "position": arrival.position, "reason": reason, "photo_sha256": photo_sha256 })
        }
        Event::Survey(finding) => json!(finding),
        Event::Repair(work) => {
            let steps: Vec<_> = work.steps.iter().map(|step| step.word()).collect();
            json!({ "permission_no": work.permission_no, "ticket_no": work.ticket_no, "people": work.people, "safe_steps": steps })
        }
        Event::Suspend { reason, review_at } => json!({ "reason": reason, "review_at": review_at }),
        Event::Restore(Section::Part {
            set_id,
            customers,
            verified_by,
        }) => {
            json!({ "set_id": set_id, "customers": customers, "verified_by": verified_by })
        }
        Event::Restore(Section::All { verified_by }) => json!({ "all": true, "verified_by": verified_by }),
        Event::Reply(reply) => json!(reply),
        Event::CallBack { result } => json!({ "result": result }),
        Event::Archive { no_call_back_reason } => json!({ "no_call_back_reason": no_call_back_reason }),
        Event::Merge { into } => json!({ "into": into }),
        Event::Subject(Course::Ended { because }) => json!({ "because": because }),
        Event::TakeUnit
        | Event::LapseUnit
        | Event::LapseCrew
        | Event::Take
        | Event::Resume
        | Event::Withdraw
        | Event::Reopen
        | Event::Subject(_) => {
            json!({})
        }
    }
}
