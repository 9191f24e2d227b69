//! Every (state, event) pair: the moves there are, and a refusal that leaves everything alone for all the others.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::domain::{
    ids::{CrewId, OrderId, UnitId},
    place::Place,
};

pub(super) const WORK: Place = Place {
    lon: 120.15,
    lat: 30.28,
};

pub(super) fn t0() -> DateTime<Utc> {
    "2026-03-01T02:10:00Z".parse().expect("a test's own instant")
}

fn id(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(n)
}
pub(super) fn unit(n: u128) -> UnitId {
    UnitId::from_uuid(id(n))
}
pub(super) fn crew(n: u128) -> CrewId {
    CrewId::from_uuid(id(n))
}
pub(super) fn order(n: u128) -> OrderId {
    OrderId::from_uuid(id(n))
}

pub(super) fn context() -> Context {
    Context {
        kind: Kind::Fault,
        place: Some(WORK),
        supply: Vec::new(),
        last_step_at: t0(),
        returns: 0,
        may_force: false,
        is_closing_crew: false,
        limits: Limits {
            unit_take: TimeDelta::minutes(3),
            crew_take: TimeDelta::minutes(3),
        },
    }
}

pub(super) fn team() -> Team {
    Team {
        unit: unit(1),
        crew: crew(1),
    }
}
pub(super) fn finding() -> Finding {
    Finding {
        cause_code: "tree".to_owned(),
        etr_at: Some(t0() + TimeDelta::hours(1)),
    }
}
pub(super) fn safe_work() -> SafeWork {
    SafeWork {
        permission_no: "DD-7".to_owned(),
        ticket_no: "T-1".to_owned(),
        people: 2,
        steps: SafeStep::ALL.to_vec(),
    }
}
pub(super) fn reply() -> Reply {
    Reply {
        cause_code: "tree".to_owned(),
        owner: Owner::Utility,
    }
}

/// One of each state.
pub(super) fn states() -> Vec<State> {
    let (team, take_by) = (team(), t0() + TimeDelta::minutes(3));
    vec![
        State::Triaged { back: None },
        State::Dispatched {
            unit: unit(1),
            take_by,
        },
        State::UnitTaken {
            unit: unit(1),
            freed: None,
        },
        State::Assigned { team, take_by },
        State::Taken { team },
        State::EnRoute { team, eta_at: None },
        State::Arrived {
            team,
            arrived_at: t0(),
        },
        State::Surveyed {
            team,
            finding: finding(),
        },
        State::Repairing {
            team,
            finding: finding(),
            restored: vec!["a".to_owned()],
        },
        State::Suspended {
            unit: unit(1),
            reason: "weather".to_owned(),
            review_at: t0() + REVIEW_MAX,
        },
        State::Restored {
            team,
            restored_at: t0(),
            finding: finding(),
        },
        State::Replied { team, reply: reply() },
        State::CalledBack {
            team,
            result: CallBackResult::Unreachable,
        },
        State::Archived {
            team,
            result: Some(CallBackResult::Satisfied),
            no_call_back_reason: None,
        },
        State::Merged { into: order(9) },
        State::Withdrawn {
            because: "called off".to_owned(),
        },
    ]
}

/// One of each event (two where the answer decides).
pub(super) fn events() -> Vec<Event> {
    let verified_by = Verification::Call;
    vec![
        Event::Dispatch { unit: unit(2) },
        Event::TakeUnit,
        Event::LapseUnit,
        Event::Return {
            reason: ReturnReason::Area,
        },
        Event::Assign { crew: crew(2) },
        Event::Reassign { crew: crew(2) },
        Event::LapseCrew,
        Event::Take,
        Event::Leave { eta_at: None },
        Event::Arrive(Arrival {
            position: Some(WORK),
            explained: None,
        }),
        Event::Survey(Finding {
            cause_code: "wind".to_owned(),
            ..finding()
        }),
        Event::Repair(safe_work()),
        Event::Suspend {
            reason: "material".to_owned(),
            review_at: t0() + TimeDelta::hours(1),
        },
        Event::Resume,
        Event::Restore(Section::Part {
            set_id: "b".to_owned(),
            customers: 3,
            verified_by,
        }),
        Event::Restore(Section::All { verified_by }),
        Event::Reply(Reply {
            owner: Owner::Customer,
            ..reply()
        }),
        Event::CallBack {
            result: CallBackResult::Satisfied,
        },
        Event::CallBack {
            result: CallBackResult::StillOff,
        },
        Event::Archive {
            no_call_back_reason: Some("storm".to_owned()),
        },
        Event::Merge { into: order(8) },
        Event::Withdraw,
        Event::Reopen,
        Event::Subject(Course::Works),
        Event::Subject(Course::Back),
        Event::Subject(Course::Done),
        Event::Subject(Course::Ended {
            because: "moved".to_owned(),
        }),
    ]
}

/// Word of the state after a fault's event, for the pairs that are moves; `=` means nothing changes.
fn of_a_fault(state: &str, event: &str) -> Option<&'static str> {
    Some(match (state, event) {
        ("triaged" | "dispatched" | "unit_taken", "dispatch") => "dispatched",
        ("dispatched", "unit_take") => "unit_taken",
        ("dispatched", "unit_lapse") => "triaged",
        ("dispatched" | "unit_taken", "unit_return") => "triaged",
        ("unit_taken", "assign") => "assigned",
        ("assigned" | "taken" | "en_route" | "arrived" | "surveyed", "reassign") => "assigned",
        ("assigned", "crew_lapse") => "unit_taken",
        ("assigned", "take") => "taken",
        ("taken", "leave") => "en_route",
        ("en_route", "arrive") => "arrived",
        ("arrived" | "surveyed", "survey") => "surveyed",
        ("surveyed", "repair") => "repairing",
        ("arrived" | "surveyed" | "repairing", "suspend") => "suspended",
        ("suspended", "resume") => "unit_taken",
        ("repairing", "restore_section part") => "repairing",
        ("repairing", "restore_section all") => "restored",
        ("restored", "reply") => "replied",
        ("replied" | "called_back", "call_back") => "called_back",
        ("replied" | "called_back", "call_back still_off") => "triaged",
        ("replied" | "called_back", "archive") => "archived",
        ("triaged" | "dispatched" | "unit_taken" | "suspended", "merge") => "merged",
        ("triaged" | "dispatched" | "unit_taken" | "suspended", "withdraw") => "withdrawn",
        ("merged" | "withdrawn", "reopen") => "triaged",
        ("unit_taken", "unit_take")
        | ("taken", "take")
        | ("en_route", "leave")
        | ("arrived", "arrive")
        | ("repairing", "repair")
        | ("suspended", "suspend")
        | ("restored", "restore_section all")
        | ("archived", "archive")
        | ("withdrawn", "withdraw") => "=",
        _ => return None,
    })
}

/// The same of an order that follows a subject.
fn of_another(state: &str, event: &str) -> Option<&'static str> {
    let is_waiting = matches!(
        state,
        "triaged" | "dispatched" | "unit_taken" | "assigned" | "suspended"
    );
    let is_at_it = matches!(state, "taken" | "en_route" | "arrived" | "surveyed" | "repairing");
    Some(match (state, event) {
        ("arrived", "work") => "repairing",
        ("repairing", "reassign") => "assigned",
        (_, "work") if is_waiting || is_at_it => "=",
        (_, "be restored") if is_at_it => "restored",
        (_, "be filed") if is_at_it || state == "restored" => "archived",
        (_, "be restored" | "be filed") if is_waiting => "withdrawn",
        (_, "be withdrawn") if is_waiting || is_at_it => "withdrawn",
        ("restored", "be restored")
        | ("archived", "be filed")
        | ("withdrawn", "be restored" | "be filed" | "be withdrawn") => "=",
        (_, "work" | "be restored" | "be filed" | "be withdrawn") => return None,
        _ => return of_a_fault(state, event),
    })
}

/// Events a fault has and the others do not.
const A_FAULTS: [&str; 11] = [
    "survey",
    "repair",
    "suspend",
    "resume",
    "restore_section part",
    "restore_section all",
    "reply",
    "call_back",
    "call_back still_off",
    "archive",
    "merge",
];

fn name(event: &Event) -> String {
    let detail = match event {
        Event::Restore(Section::Part { .. }) => " part",
        Event::Restore(Section::All { .. }) => " all",
        Event::CallBack {
            result: CallBackResult::StillOff,
        } => " still_off",
        _ => "",
    };
    format!("{}{detail}", event.word())
}

/// Of every kind.
fn every_pair() -> impl Iterator<Item = (State, Event, Context)> {
    let of = |kind| {
        let context = Context { kind, ..context() };
        states().into_iter().flat_map(move |state| {
            let context = context.clone();
            let pairs = events().into_iter();
            pairs.map(move |event| (state.clone(), event, context.clone()))
        })
    };
    Kind::ALL.into_iter().flat_map(of)
}

#[test]
fn every_pair_moves_as_the_table_says_or_is_refused() {
    for kind in Kind::ALL {
        let (mut moves, mut refused, mut foreign) = (0, 0, 0);
        let context = Context { kind, ..context() };
        for state in states() {
            for event in events() {
                let after = transition(&state, &event, &context, t0());
                let pair = format!("{}: {} + {}", kind.word(), state.word(), name(&event));
                match (expected(kind, state.word(), &name(&event)), after) {
                    (Some("="), Ok(after)) => assert_eq!(after, state, "{pair}"),
                    (Some("another kind's"), Err(Refusal::NotItsKind { instead, .. })) => {
                        assert_eq!(instead, kind.instead(), "{pair}");
                        foreign += 1;
                    }
                    (Some(word), Ok(after)) => {
                        assert_eq!(after.word(), word, "{pair}");
                        assert_ne!(after, state, "{pair}");
                        moves += 1;
                    }
                    (None, Err(Refusal::NotAllowed { .. })) => refused += 1,
                    (expected, after) => panic!("{pair}: {after:?}, expected {expected:?}"),
                }
            }
        }
        let counted = match kind {
            Kind::Fault => (43, 16 * 23 - 43 - 9, 16 * 4),
            Kind::Planned | Kind::Disconnect | Kind::Reconnect => (52, 16 * 27 - 52 - 18 - 16 * 12, 16 * 12),
        };
        assert_eq!((moves, refused, foreign), counted, "{}", kind.word());
    }
}

/// What the table says of an event for an order of this kind.
fn expected(kind: Kind, state: &str, event: &str) -> Option<&'static str> {
    let is_a_subjects = matches!(event, "work" | "be restored" | "be filed" | "be withdrawn");
    match kind {
        Kind::Fault if is_a_subjects => Some("another kind's"),
        Kind::Fault => of_a_fault(state, event),
        _ if event == "withdraw" || A_FAULTS.contains(&event) => Some("another kind's"),
        _ => of_another(state, event),
    }
}

#[test]
fn the_event_that_led_to_a_state_changes_nothing_when_it_comes_again() {
    for (state, event, context) in every_pair() {
        if let Ok(after) = transition(&state, &event, &context, t0()) {
            let later = t0() + TimeDelta::minutes(1);
            let again = transition(&after, &event, &context, later);
            assert_eq!(again, Ok(after), "{} + {}", state.word(), event.word());
        }
    }
}

#[test]
fn steps_before_the_last_step_are_refused_except_repeats() {
    let before = t0() - TimeDelta::seconds(1);
    for (state, event, context) in every_pair() {
        match transition(&state, &event, &context, before) {
            Ok(after) => assert_eq!(after, state),
            Err(Refusal::BeforeLastStep { .. } | Refusal::NotItsKind { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}
