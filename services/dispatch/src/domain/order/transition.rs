//! The machine. Every move is written out; the catch-all may only refuse.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Arrival, Back, CallBackResult, Event, Finding, FreedBy, Kind, Refusal, SafeStep, SafeWork, Section,
    State, Team, course,
};
use crate::domain::{ids::CrewId, place::Place};

/// Arrival is at the work: so near, metres (O28).
pub const ARRIVAL_RADIUS_M: f64 = 200.0;
/// A suspension is looked at again within this time.
pub const REVIEW_MAX: TimeDelta = TimeDelta::hours(2);
/// Nobody repairs alone.
const PEOPLE_MIN: u32 = 2;
/// Said when an incident ended before anybody went.
const INCIDENT_CLOSED: &str = "the incident is closed";

/// How long units and crews have to take an offer; from the policy pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A unit takes or returns.
    pub unit_take: TimeDelta,
    /// A crew takes.
    pub crew_take: TimeDelta,
}

/// What the machine has to know beside the state.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// What the order is about.
    pub kind: Kind,
    /// Where the work is, when known.
    pub place: Option<Place>,
    /// Of a child order: where those who are still off are supplied.
    pub supply: Vec<Place>,
    /// Corrected time of the last step.
    pub last_step_at: DateTime<Utc>,
    /// How often units gave the order back.
    pub returns: u32,
    /// The caller decides for the control room: may force a second return.
    pub may_force: bool,
    /// The caller belongs to the crew that closed the order.
    pub is_closing_crew: bool,
    /// How long offers last.
    pub limits: Limits,
}

/// What `event` does to `from` at `now`, the corrected time of the event.
///
/// Repeating the event that led to `from` changes nothing: a phone that lost our reply sends again.
///
/// # Errors
/// [`Refusal`], which says what would be right.
pub fn transition(
    from: &State,
    event: &Event,
    context: &Context,
    now: DateTime<Utc>,
) -> Result<State, Refusal> {
    if !context.kind.has(event) {
        return Err(Refusal::NotItsKind {
            kind: context.kind.word(),
            event: event.word(),
            instead: context.kind.instead(),
        });
    }
    if repeats(from, event) {
        return Ok(from.clone());
    }
    if now < context.last_step_at {
        let last_step_at = context.last_step_at;
        return Err(Refusal::BeforeLastStep {
            at: now,
            last_step_at,
        });
    }
    step(from, event, context, now)
}

/// Whether `event` is the one that led to `from`.
fn repeats(from: &State, event: &Event) -> bool {
    match (from, event) {
        (
            State::Triaged {
                back: Some(Back::Returned(was)),
            },
            Event::Return { reason },
        ) => was == reason,
        (
            State::Triaged {
                back: Some(Back::UnitLapsed(_)),
            },
            Event::LapseUnit,
        )
        | (
            State::Triaged {
                back: Some(Back::Reopened),
            },
            Event::Reopen,
        )
        | (State::UnitTaken { freed: None, .. }, Event::TakeUnit)
        | (
            State::UnitTaken {
                freed: Some(FreedBy::CrewLapsed(_)),
                ..
            },
            Event::LapseCrew,
        )
        | (
            State::UnitTaken {
                freed: Some(FreedBy::Resumed),
                ..
            },
            Event::Resume,
        )
        | (State::Taken { .. }, Event::Take)
        | (State::EnRoute { .. }, Event::Leave { .. })
        | (State::Arrived { .. }, Event::Arrive(_))
        | (State::Repairing { .. }, Event::Repair(_))
        | (State::Suspended { .. }, Event::Suspend { .. })
        | (State::Restored { .. }, Event::Restore(Section::All { .. }))
        | (State::Archived { .. }, Event::Archive { .. })
        | (State::Withdrawn { .. }, Event::Withdraw) => true,
        (state, Event::Subject(course)) => course.led_to(state),
        (
            State::Triaged {
                back: Some(Back::StillOff),
            },
            Event::CallBack { result },
        ) => *result == CallBackResult::StillOff,
        (State::Dispatched { unit: was, .. }, Event::Dispatch { unit }) => was == unit,
        (State::Assigned { team, .. }, Event::Assign { crew } | Event::Reassign { crew }) => {
            team.crew == *crew
        }
        (State::Surveyed { finding: was, .. }, Event::Survey(finding)) => was == finding,
        (State::Repairing { restored, .. }, Event::Restore(Section::Part { set_id, .. })) => {
            restored.contains(set_id)
        }
        (State::Replied { reply: was, .. }, Event::Reply(reply)) => was == reply,
        (State::CalledBack { result: was, .. }, Event::CallBack { result }) => was == result,
        (State::Merged { into: was }, Event::Merge { into }) => was == into,
        _ => false,
    }
}

/// Every move there is.
fn step(from: &State, event: &Event, context: &Context, now: DateTime<Utc>) -> Result<State, Refusal> {
    let limits = context.limits;
    match (from.clone(), event.clone()) {
        (
            State::Triaged { .. } | State::Dispatched { .. } | State::UnitTaken { .. },
            Event::Dispatch { unit },
        ) => {
            if matches!(from, State::UnitTaken { unit: has, .. } if *has == unit) {
                return Err(not_allowed(from, event.word()));
            }
            Ok(State::Dispatched {
                unit,
                take_by: now + limits.unit_take,
            })
        }
        (State::Dispatched { take_by, .. }, Event::TakeUnit) if take_by <= now => {
            Err(Refusal::TooLate { take_by })
        }
        (State::Dispatched { unit, .. }, Event::TakeUnit) => Ok(State::UnitTaken { unit, freed: None }),
        (State::Dispatched { unit, .. }, Event::LapseUnit) => Ok(State::Triaged {
            back: Some(Back::UnitLapsed(unit)),
        }),
        (State::Dispatched { .. } | State::UnitTaken { .. }, Event::Return { reason }) => {
            may_return(context)?;
            Ok(State::Triaged {
                back: Some(Back::Returned(reason)),
            })
        }

        (State::UnitTaken { unit, .. }, Event::Assign { crew }) => Ok(State::Assigned {
            team: Team { unit, crew },
            take_by: now + limits.crew_take,
        }),
        (
            State::Assigned { team, .. }
            | State::Taken { team }
            | State::EnRoute { team, .. }
            | State::Arrived { team, .. }
            | State::Surveyed { team, .. },
            Event::Reassign { crew },
        ) => relieve(team, crew, now + limits.crew_take),
        // Planned work outlasts shifts; a fault under repair is suspended first. Who is at work clears on the outage.
        (State::Repairing { team, .. }, Event::Reassign { crew }) if context.kind != Kind::Fault => {
            relieve(team, crew, now + limits.crew_take)
        }
        (State::Assigned { team, .. }, Event::LapseCrew) => Ok(State::UnitTaken {
            unit: team.unit,
            freed: Some(FreedBy::CrewLapsed(team.crew)),
        }),
        (State::Assigned { take_by, .. }, Event::Take) if take_by <= now => Err(Refusal::TooLate { take_by }),
        (State::Assigned { team, .. }, Event::Take) => Ok(State::Taken { team }),

        (State::Taken { team }, Event::Leave { eta_at }) => Ok(State::EnRoute { team, eta_at }),
        (State::EnRoute { team, .. }, Event::Arrive(arrival)) => {
            is_there(&arrival, context)?;
            Ok(State::Arrived {
                team,
                arrived_at: now,
            })
        }
        (State::Arrived { team, .. } | State::Surveyed { team, .. }, Event::Survey(finding)) => {
            is_whole(&finding, now)?;
            Ok(State::Surveyed { team, finding })
        }
        (State::Surveyed { team, finding }, Event::Repair(work)) => {
            is_safe(&work)?;
            Ok(State::Repairing {
                team,
                finding,
                restored: Vec::new(),
            })
        }
        (
            State::Arrived { team, .. } | State::Surveyed { team, .. } | State::Repairing { team, .. },
            Event::Suspend { reason, review_at },
        ) => {
            is_near(review_at, now)?;
            Ok(State::Suspended {
                unit: team.unit,
                reason,
                review_at,
            })
        }
        (State::Suspended { unit, .. }, Event::Resume) => Ok(State::UnitTaken {
            unit,
            freed: Some(FreedBy::Resumed),
        }),

        (
            State::Repairing {
                team,
                finding,
                mut restored,
            },
            Event::Restore(Section::Part { set_id, .. }),
        ) => {
            restored.push(set_id);
            Ok(State::Repairing {
                team,
                finding,
                restored,
            })
        }
        (State::Repairing { team, finding, .. }, Event::Restore(Section::All { .. })) => {
            Ok(State::Restored {
                team,
                restored_at: now,
                finding,
            })
        }
        (State::Restored { team, .. }, Event::Reply(reply)) => {
            if reply.cause_code.is_empty() {
                return Err(Refusal::NoCause);
            }
            Ok(State::Replied { team, reply })
        }

        (State::Replied { .. } | State::CalledBack { .. }, Event::CallBack { .. })
            if context.is_closing_crew =>
        {
            Err(Refusal::OwnCallBack)
        }
        (
            State::Replied { .. } | State::CalledBack { .. },
            Event::CallBack {
                result: CallBackResult::StillOff,
            },
        ) => Ok(State::Triaged {
            back: Some(Back::StillOff),
        }),
        (State::Replied { team, .. } | State::CalledBack { team, .. }, Event::CallBack { result }) => {
            Ok(State::CalledBack { team, result })
        }
        (State::CalledBack { team, result }, Event::Archive { .. }) => Ok(State::Archived {
            team,
            result: Some(result),
            no_call_back_reason: None,
        }),
        (
            State::Replied { team, .. },
            Event::Archive {
                no_call_back_reason: Some(reason),
            },
        ) if !reason.is_empty() => Ok(State::Archived {
            team,
            result: None,
            no_call_back_reason: Some(reason),
        }),
        (State::Replied { .. }, Event::Archive { .. }) => Err(Refusal::NoCallBack),

        (free, Event::Merge { into }) if free.is_free() => Ok(State::Merged { into }),
        (free, Event::Withdraw) if free.is_free() => Ok(State::Withdrawn {
            because: INCIDENT_CLOSED.to_owned(),
        }),
        (State::Merged { .. } | State::Withdrawn { .. }, Event::Reopen) => Ok(State::Triaged {
            back: Some(Back::Reopened),
        }),

        (from, Event::Subject(course)) => course::follow(from, &course, now),

        // The catch-all may only refuse; every move is written out above.
        (from, event) => Err(not_allowed(&from, event.word())),
    }
}

pub(super) fn not_allowed(from: &State, event: &'static str) -> Refusal {
    Refusal::NotAllowed {
        state: from.word(),
        event,
    }
}

/// Another crew of the same unit gets the order.
fn relieve(team: Team, crew: CrewId, take_by: DateTime<Utc>) -> Result<State, Refusal> {
    if team.crew == crew {
        return Err(Refusal::SameCrew);
    }
    let team = Team {
        unit: team.unit,
        crew,
    };
    Ok(State::Assigned { team, take_by })
}

fn may_return(context: &Context) -> Result<(), Refusal> {
    if context.returns == 0 || context.may_force {
        Ok(())
    } else {
        Err(Refusal::ReturnedBefore)
    }
}

/// O28: at the device, or at a supply point of a child order. Where nobody knows the place of the work, no position proves arrival: a reason and a photo are asked for there too.
fn is_there(arrival: &Arrival, context: &Context) -> Result<(), Refusal> {
    if arrival.explained.is_some() {
        return Ok(());
    }
    let here = arrival.position.ok_or(Refusal::NoPosition)?;
    let places = context.place.iter().chain(&context.supply);
    let metres_off = places.map(|place| place.distance_m(here)).min_by(f64::total_cmp);
    let metres_off = metres_off.ok_or(Refusal::PlaceUnknown)?;
    if metres_off <= ARRIVAL_RADIUS_M {
        return Ok(());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most half the earth's girth"
    )]
    Err(Refusal::NotThere {
        metres_off: metres_off.ceil() as u32,
    })
}

fn is_whole(finding: &Finding, now: DateTime<Utc>) -> Result<(), Refusal> {
    if finding.cause_code.is_empty() {
        return Err(Refusal::NoCause);
    }
    finding
        .etr_at
        .filter(|etr| *etr > now)
        .map(drop)
        .ok_or(Refusal::NoEtr)
}

/// O4: all four steps, in their order; O7: the permission's number.
fn is_safe(work: &SafeWork) -> Result<(), Refusal> {
    let missing = |field, missing: &str| {
        Err(Refusal::Unsafe {
            field,
            missing: missing.to_owned(),
        })
    };
    if work.permission_no.is_empty() {
        return missing(
            "permission_no",
            "the number of the switching permission must be given",
        );
    }
    if work.ticket_no.is_empty() {
        return missing("ticket_no", "the number of the work ticket must be given");
    }
    if work.people < PEOPLE_MIN {
        return missing("people", "at least two people must be at the work");
    }
    if work.steps != SafeStep::ALL {
        return missing(
            "safe_steps",
            "must be off, tested_dead, earthed, signs, all of them in that order",
        );
    }
    Ok(())
}

fn is_near(review_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Refusal> {
    if now < review_at && review_at <= now + REVIEW_MAX {
        Ok(())
    } else {
        Err(Refusal::ReviewTooFar)
    }
}
