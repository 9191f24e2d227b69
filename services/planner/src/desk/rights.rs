//! Which role may do what. Who may not decide about the own plan is the domain's business.

use relight_common::{Claims, Role};

use super::act::Act;
use crate::{domain::event::Event, error::Error};

/// Who writes plans.
pub const PLAN: [Role; 2] = [Role::Planner, Role::Manager];
const DECIDE: [Role; 1] = [Role::Manager];
const SWITCH: [Role; 2] = [Role::Dispatcher, Role::Manager];
/// Who tells customers, and sends others to.
pub const SERVE: [Role; 4] = [Role::Planner, Role::Manager, Role::Agent, Role::Dispatcher];

/// Everybody who may see outages and those affected.
pub const SEE: [Role; 5] = [
    Role::Planner,
    Role::Manager,
    Role::Dispatcher,
    Role::Agent,
    Role::UnitDesk,
];

/// Everybody who may do something to an outage: those, and the crew of its work order.
pub const ACT: [Role; 6] = [
    Role::Planner,
    Role::Manager,
    Role::Dispatcher,
    Role::Agent,
    Role::UnitDesk,
    Role::Crew,
];

/// What the crew of the outage's work order records itself, from the place.
fn is_on_the_spot(act: &Act) -> bool {
    matches!(
        act,
        Act::CheckIn { .. }
            | Act::Clear { .. }
            | Act::Event(
                Event::Permit { .. }
                    | Event::SwitchOff { .. }
                    | Event::Work
                    | Event::StartRestoring
                    | Event::Restore { .. }
            )
    )
}

/// Refuses callers who may not do `act` at `org_path`; `is_its_crew`: the caller is the crew of the outage's work order.
///
/// # Errors
/// [`Error::Denied`].
pub fn need(claims: &Claims, act: &Act, org_path: &str, is_its_crew: bool) -> Result<(), Error> {
    if is_its_crew && is_on_the_spot(act) {
        return Ok(());
    }
    let (roles, words): (&[Role], _) = match act {
        Act::Event(event) => of_event(event),
        Act::Escalate { closed: true, .. } => (&DECIDE, "only a manager closes an escalation"),
        Act::Negotiate { step: "decided", .. } => (&DECIDE, "only a manager decides against a customer"),
        Act::Evidence(_) | Act::Acknowledge { .. } | Act::Escalate { .. } => (
            &SERVE,
            "planner, manager, agent or dispatcher record what customers were told",
        ),
        Act::Gate | Act::Negotiate { .. } | Act::Refresh(_) => (&PLAN, "planner or manager"),
        Act::Isolate { .. } | Act::CheckIn { .. } | Act::Clear { .. } => {
            (&SWITCH, "the dispatcher records what people at work say")
        }
    };
    if claims.has_at(roles, org_path) {
        Ok(())
    } else {
        Err(Error::Denied(words))
    }
}

fn of_event(event: &Event) -> (&'static [Role], &'static str) {
    match event {
        Event::Approve { .. } | Event::Convert { .. } | Event::Move { .. } | Event::StartLate { .. } => {
            (&DECIDE, "only a manager decides this")
        }
        Event::Submit
        | Event::Balance { .. }
        | Event::Negotiate
        | Event::Reword
        | Event::Announce
        | Event::Notice
        | Event::Remind
        | Event::Gate
        | Event::Archive { .. } => (&PLAN, "planner or manager"),
        Event::Permit { .. }
        | Event::SwitchOff { .. }
        | Event::Work
        | Event::StartRestoring
        | Event::Restore { .. } => (&SWITCH, "the dispatcher records switching"),
        Event::HandOver { .. } => (&SWITCH, "the dispatcher or a manager hands it over to a fault"),
        Event::Extend { .. } | Event::Cancel | Event::Abort => (
            &[Role::Planner, Role::Manager, Role::Dispatcher],
            "planner, manager or dispatcher",
        ),
    }
}
