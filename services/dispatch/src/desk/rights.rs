//! Who may do what to which order. Deny by default.

use relight_common::{Claims, Role};

use crate::{
    desk::Act,
    domain::{etr::Source, ids::UnitId, order::Event},
    error::Error,
    store::{crew::Crew, order::Order, unit::Scope},
};

const READERS: [Role; 5] = [
    Role::Dispatcher,
    Role::Agent,
    Role::Admin,
    Role::Manager,
    Role::ControlRoom,
];

/// What the caller is to an order.
struct Standing {
    dispatcher: bool,
    agent: bool,
    desk: bool,
    crew: bool,
}

fn standing(claims: &Claims, order: &Order) -> Standing {
    let crew = order.state.team().map(|team| team.crew.uuid());
    Standing {
        dispatcher: is_dispatcher(claims, &order.org_path),
        agent: claims.has_at(&[Role::Agent], &order.org_path),
        desk: is_desk(claims, order.state.unit()),
        crew: claims.has(&[Role::Crew]) && claims.crew_id.is_some() && claims.crew_id == crew,
    }
}

fn is_dispatcher(claims: &Claims, org_path: &str) -> bool {
    claims.has_at(&[Role::Dispatcher], org_path)
}

fn is_desk(claims: &Claims, unit: Option<UnitId>) -> bool {
    claims.has(&[Role::UnitDesk]) && claims.unit_id.is_some() && claims.unit_id == unit.map(UnitId::uuid)
}

/// Whether the caller may do `act`; whether it decides for the control room.
pub(super) fn authorise(claims: &Claims, order: &Order, act: &Act, on_behalf: bool) -> Result<bool, Error> {
    let who = standing(claims, order);
    if on_behalf && !who.dispatcher {
        return Err(Error::Denied(
            "only a dispatcher of that area records on behalf of others",
        ));
    }
    // A dispatcher does the work of units and crews only in their name, and marked (O27).
    let (allowed, otherwise) = match act {
        Act::SetEtr { .. } => (
            who.crew || who.dispatcher,
            "the crew of the order or a dispatcher of that area sets its estimate",
        ),
        Act::Event(event) => match event {
            Event::Dispatch { .. } | Event::Reassign { .. } | Event::Resume => {
                (who.dispatcher, "a dispatcher of that area decides this")
            }
            Event::TakeUnit | Event::Return { .. } | Event::Assign { .. } => (
                who.desk || on_behalf,
                "the desk of the order's unit does this, or a dispatcher of that area with on_behalf",
            ),
            Event::Take
            | Event::Leave { .. }
            | Event::Arrive(_)
            | Event::Survey(_)
            | Event::Repair(_)
            | Event::Suspend { .. }
            | Event::Restore(_)
            | Event::Reply(_) => (
                who.crew || on_behalf,
                "the crew of the order does this, or a dispatcher of that area with on_behalf",
            ),
            Event::CallBack { .. } | Event::Archive { .. } => (
                who.dispatcher || who.agent,
                "an agent or a dispatcher of that area does this",
            ),
            Event::LapseUnit
            | Event::LapseCrew
            | Event::Merge { .. }
            | Event::Withdraw
            | Event::Reopen
            | Event::Subject(_) => (false, "dispatch does this by itself"),
        },
    };
    if allowed {
        Ok(who.dispatcher)
    } else {
        Err(Error::Denied(otherwise))
    }
}

/// Whose estimate it is: a dispatcher speaks for the crew only with `on_behalf`.
pub(super) fn source_of(claims: &Claims, order: &Order, on_behalf: bool) -> Source {
    if on_behalf || standing(claims, order).crew {
        Source::Crew
    } else {
        Source::Dispatcher
    }
}

/// Whether the caller decides about an order at `org_path` that `unit` has: a dispatcher of its area, or its unit's desk.
/// They ask for crews and acknowledge alarms.
pub fn may_decide(claims: &Claims, org_path: &str, unit: Option<UnitId>) -> bool {
    is_dispatcher(claims, org_path) || is_desk(claims, unit)
}

/// Whether the caller may see an order.
pub fn may_see(claims: &Claims, order: &Order) -> bool {
    let who = standing(claims, order);
    claims.has(&[Role::Service]) || claims.has_at(&READERS, &order.org_path) || who.desk || who.crew
}

/// Whether the caller may see a crew; the phone number only with `true` in the answer.
pub fn may_see_crew(claims: &Claims, crew: &Crew) -> Option<bool> {
    let own = claims.crew_id == Some(crew.id.uuid()) && claims.has(&[Role::Crew]);
    let desk = claims.unit_id == Some(crew.unit.uuid()) && claims.has(&[Role::UnitDesk]);
    let office = claims.has_at(&[Role::Dispatcher, Role::Admin], &crew.org_path);
    // The sheet on paper has to say whom to call when nothing else works (operations.md O35).
    let sheet = claims.is_service("gateway");
    if own || desk || office || sheet {
        Some(true)
    } else {
        let others = [Role::Agent, Role::Manager, Role::ControlRoom];
        (claims.has(&[Role::Service]) || claims.has_at(&others, &crew.org_path)).then_some(false)
    }
}

/// Which rows of a list the caller may see.
pub fn scope(claims: &Claims) -> Scope {
    let org_patterns = if claims.has(&[Role::Service]) {
        vec!["%".to_owned()]
    } else {
        claims.org_patterns(&READERS)
    };
    Scope {
        org_patterns,
        unit: claims.unit_id.filter(|_| claims.has(&[Role::UnitDesk])),
        crew: claims.crew_id.filter(|_| claims.has(&[Role::Crew])),
    }
}
