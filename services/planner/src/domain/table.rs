//! Every (state, event) pair, and every guard of domain.md 5.2 as a row.

mod entered;
mod more;

use std::borrow::Cow;

use chrono::{TimeDelta, Utc};
use chrono_tz::Tz;
use relight_policy::Pack;

use super::{
    event::{Effect, Event, Kind},
    facts::{Balance, Coverage, Facts},
    form::Lacks,
    ids::PermitId,
    law::Law,
    outage::{Class, Decision, Mark, Outage, Permit, State},
    refusal::Refusal,
    transition::{Moved, PERMIT_TTL, transition},
    window::{Fault, Instant, Window},
};

const ZONE: Tz = chrono_tz::Asia::Shanghai;

/// 09:00 on 1 March in Shanghai: when the announcement is up.
fn announced_at() -> Instant {
    "2026-03-01T01:00:00Z".parse().unwrap()
}

/// Exactly seven days later, to the minute.
fn off_at() -> Instant {
    announced_at() + TimeDelta::days(7)
}

fn h(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}

fn min(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

fn window() -> Window {
    Window {
        off_at: off_at(),
        on_at: off_at() + h(6),
    }
}

fn permit(at: Instant) -> Permit {
    Permit {
        id: PermitId::from_uuid(uuid::Uuid::from_u128(1)),
        number: "D-7".to_owned(),
        by: "desk".to_owned(),
        at,
    }
}

/// An outage that went the whole lawful way up to `state`.
fn outage(state: State) -> Outage {
    let mut outage = Outage::draft("author".to_owned(), window());
    outage.state = state;
    let decision = Decision {
        by: "boss".to_owned(),
        at: announced_at() - h(1),
    };
    if state >= State::Approved {
        outage.approval = Some(decision);
        outage.announced_at = Some(announced_at());
    }
    if state >= State::Noticed {
        outage.noticed_at = Some(announced_at());
        outage.reminded_at = Some(off_at() - h(24));
    }
    if state >= State::Ready {
        outage.ready_at = Some(off_at() - h(4));
        outage.permit = Some(permit(off_at()));
    }
    if state >= State::Off {
        outage.switched_off_at = Some(off_at());
    }
    outage
}

/// Everybody told in time, everything in order.
fn facts() -> Facts {
    Facts {
        coverage: Coverage {
            required: 2,
            served: 2,
            individual_at: Some(announced_at()),
            told_late_start: 2,
            ..Coverage::default()
        },
        leaders: 1,
        ..Facts::default()
    }
}

fn run(outage: &Outage, event: &Event, by: &str, facts: &Facts, now: Instant) -> Result<Moved, Refusal> {
    let pack = Pack::load("CN-SGCC").unwrap();
    let law = Law {
        pack: Cow::Borrowed(&pack),
        zone: ZONE,
        others: Vec::new(),
        ruled_at: outage.ruled_at(),
    };
    transition(outage, event, by, facts, &law, now)
}

fn words(text: &str) -> String {
    text.to_owned()
}

fn events() -> Vec<Event> {
    let later = Window {
        off_at: off_at() + TimeDelta::days(30),
        on_at: off_at() + TimeDelta::days(30) + h(6),
    };
    vec![
        Event::Submit,
        Event::Balance {
            justification: words(""),
        },
        Event::Negotiate,
        Event::Approve {
            justification: words(""),
        },
        Event::Reword,
        Event::Announce,
        Event::Notice,
        Event::Remind,
        Event::Gate,
        Event::Permit {
            id: permit(off_at()).id,
            number: words("D-7"),
            read_back: true,
            at: None,
        },
        Event::SwitchOff {
            permit: permit(off_at()).id,
            at: None,
        },
        Event::StartLate {
            off_at: off_at() + h(1),
        },
        Event::Work,
        Event::StartRestoring,
        Event::Restore { all: true, at: None },
        Event::HandOver { without_fault: 0 },
        Event::Archive {
            note: words("as planned"),
        },
        Event::Extend {
            on_at: off_at() + h(8),
        },
        Event::Move {
            window: later,
            justification: words(""),
        },
        Event::Cancel,
        Event::Abort,
        Event::Convert {
            why: words("a defect"),
        },
    ]
}

/// Which words are taken in which state; everything else is `NotAllowed` and nothing else.
#[test]
fn every_pair_of_state_and_event_is_allowed_or_refused_as_written() {
    let allowed = |state: State| -> &'static [&'static str] {
        match state {
            State::Draft => &["outage.submitted", "outage.cancelled"],
            State::Submitted => &["outage.balanced", "outage.cancelled"],
            State::Balanced | State::Negotiating => {
                &["outage.negotiated", "outage.approved", "outage.cancelled"]
            }
            State::Approved => &[
                "outage.negotiated",
                "outage.reworded",
                "outage.announced",
                "outage.noticed",
                "outage.converted",
                "outage.moved",
                "outage.cancelled",
            ],
            State::Noticed => &[
                "outage.negotiated",
                "outage.reminded",
                "outage.ready",
                "outage.moved",
                "outage.cancelled",
                "outage.aborted",
                "outage.converted",
            ],
            State::Ready => &[
                "outage.negotiated",
                "outage.permitted",
                "outage.switched_off",
                "outage.start_moved",
                "outage.moved",
                "outage.cancelled",
                "outage.aborted",
            ],
            State::Off => &[
                "outage.work_begun",
                "outage.restoring",
                "outage.extended",
                "outage.handed_over",
            ],
            State::Working => &["outage.restoring", "outage.extended", "outage.handed_over"],
            State::Restoring => &["outage.restored", "outage.extended", "outage.handed_over"],
            State::Restored => &["outage.archived"],
            State::Archived | State::Cancelled | State::Aborted => &[],
        }
    };
    for &state in State::ALL {
        for event in events() {
            let refused = matches!(
                run(&outage(state), &event, "boss", &facts(), off_at()),
                Err(Refusal::NotAllowed { .. })
            );
            assert_eq!(
                !refused,
                allowed(state).contains(&event.word()),
                "{state:?} {event:?}"
            );
        }
    }
}

#[test]
fn the_author_decides_nothing_about_the_own_plan() {
    let decided = [
        (
            State::Balanced,
            Event::Approve {
                justification: words(""),
            },
        ),
        (
            State::Approved,
            Event::Convert {
                why: words("a defect"),
            },
        ),
        (
            State::Ready,
            Event::StartLate {
                off_at: off_at() + h(1),
            },
        ),
        (
            State::Noticed,
            Event::Move {
                window: Window {
                    off_at: off_at() + h(1),
                    on_at: off_at() + h(7),
                },
                justification: words(""),
            },
        ),
    ];
    for (state, event) in decided {
        let now = off_at() - h(5);
        assert_eq!(
            run(&outage(state), &event, "author", &facts(), now),
            Err(Refusal::OwnPlan),
            "{event:?}"
        );
    }
}

/// domain.md 5.5 no. 1: 167.9 hours are not 168, though seven dates lie between.
#[test]
fn the_notice_needs_168_hours_and_seven_dates() {
    let late = |minutes: i64| {
        let mut one = outage(State::Approved);
        one.announced_at = Some(announced_at() + min(minutes));
        run(&one, &Event::Notice, "clerk", &facts(), announced_at() + h(2))
    };
    assert_eq!(late(0).unwrap().0.state, State::Noticed);
    let Err(Refusal::Law(because)) = late(6) else {
        panic!("167.9 h were let through")
    };
    assert!(
        because.en.contains("167.9") && because.zh.contains("167.9小时"),
        "{because:?}"
    );
}

/// domain.md 5.5 no. 2: the last of those who must be told decides, not the announcement.
#[test]
fn one_notice_that_came_later_makes_the_whole_notice_late() {
    let mut late = facts();
    late.coverage.individual_at = Some(announced_at() + min(6));
    let refused = run(
        &outage(State::Approved),
        &Event::Notice,
        "clerk",
        &late,
        announced_at() + h(2),
    );
    assert!(matches!(refused, Err(Refusal::Law(_))), "{refused:?}");
    let mut missing = facts();
    missing.coverage.served = 1;
    let refused = run(
        &outage(State::Approved),
        &Event::Notice,
        "clerk",
        &missing,
        announced_at() + h(2),
    );
    assert_eq!(refused.unwrap_err(), Refusal::NotTold(1));
}

/// What nobody considered holds back the submission, who has not signed the approval and the announcement (O31).
#[test]
fn a_form_that_lacks_something_holds_the_plan_back() {
    let lacks = |alternatives: &[&str], unsigned: &[&str], refused: &[&str]| Facts {
        form: Lacks {
            above_voltage: 0,
            alternatives: alternatives.iter().map(|word| words(word)).collect(),
            unsigned: unsigned.iter().map(|word| words(word)).collect(),
            refused: refused.iter().map(|word| words(word)).collect(),
        },
        ..facts()
    };
    let (why, now) = (words("one day only"), announced_at());
    let approve = Event::Approve { justification: why };
    let mut moved = outage(State::Approved);
    moved.announced_at = None;
    let said =
        |one: &Outage, event: &Event, facts| run(one, event, "boss", facts, now).map(|(one, _)| one.state);
    let (draft, balanced) = (outage(State::Draft), outage(State::Balanced));
    let truck = lacks(&["generator_truck"], &["dispatch"], &[]);
    let considered = Err(Refusal::NotConsidered(vec![words("generator_truck")]));
    assert_eq!(said(&draft, &Event::Submit, &truck), considered);
    let mut too_light = facts();
    too_light.form.above_voltage = 2;
    assert_eq!(
        said(&draft, &Event::Submit, &too_light),
        Err(Refusal::WrongTemplate(2))
    );
    let silent = lacks(&[], &["dispatch"], &[]);
    assert_eq!(said(&draft, &Event::Submit, &silent), Ok(State::Submitted));
    let unsigned = Err(Refusal::NotSigned(vec![words("dispatch")]));
    assert_eq!(said(&balanced, &approve, &silent), unsigned);
    assert_eq!(said(&moved, &Event::Announce, &silent), unsigned);
    let refusing = lacks(&[], &["dispatch"], &["marketing"]);
    let refused = Err(Refusal::SignRefused(vec![words("marketing")]));
    assert_eq!(said(&balanced, &approve, &refusing), refused);
    assert_eq!(said(&moved, &Event::Announce, &refusing), refused);
}

#[test]
fn the_gate_names_what_stands_in_the_way() {
    type Change = fn(&mut Facts, &mut Outage);
    let table: Vec<(Change, Refusal)> = vec![
        (|f, _| f.coverage.unacknowledged = 1, Refusal::NotAcknowledged(1)),
        (|f, _| f.coverage.unreached = 3, Refusal::NotReached(3)),
        (|f, _| f.coverage.served = 0, Refusal::NotTold(2)),
        (|f, _| f.network_added = 2, Refusal::NetworkChanged(2)),
        (|f, _| f.dedicated_open = 1, Refusal::NotAgreed(1)),
        (
            |f, _| f.balance.locks = vec![words("exam")],
            Refusal::Locked(vec![words("exam")]),
        ),
        (|_, o| o.reminded_at = None, Refusal::NotReminded),
        (|_, o| o.announced_at = None, Refusal::NotAnnounced),
    ];
    for (break_it, expected) in table {
        let permit_of = |o: &Outage| Event::Permit {
            id: permit(off_at()).id,
            number: words(o.author.as_str()),
            read_back: true,
            at: None,
        };
        for state in [State::Noticed, State::Ready] {
            let (mut facts, mut one) = (facts(), outage(state));
            break_it(&mut facts, &mut one);
            let event = if state == State::Noticed {
                Event::Gate
            } else {
                permit_of(&one)
            };
            let refused = run(&one, &event, "clerk", &facts, off_at() - min(4));
            assert_eq!(refused.unwrap_err(), expected, "{state:?}");
        }
    }
}

#[test]
fn the_start_is_never_early_and_at_most_half_an_hour_late() {
    let off = |after: TimeDelta, permit_age: TimeDelta| {
        let (mut one, now) = (outage(State::Ready), off_at() + after);
        one.permit = Some(permit(now - permit_age));
        let event = Event::SwitchOff {
            permit: permit(now).id,
            at: None,
        };
        run(&one, &event, "crew", &facts(), now).map(|(o, effects)| (o.state, effects))
    };
    let done = Ok((State::Off, vec![Effect::Off]));
    let until = off_at() + min(30);
    let table = [
        (min(-1), min(1), Err(Refusal::TooEarly(off_at()))),
        (min(0), min(0), done.clone()),
        (min(30), PERMIT_TTL, done),
        (min(10), PERMIT_TTL + min(1), Err(Refusal::PermitOld)),
        (min(31), min(1), Err(Refusal::TooLate(until))),
        // The clock jumped back behind the permit.
        (min(10), min(-2), Err(Refusal::PermitOld)),
    ];
    for (after, age, expected) in table {
        assert_eq!(off(after, age), expected, "{after} {age}");
    }
    let mut none = outage(State::Ready);
    none.permit = None;
    let event = Event::SwitchOff {
        permit: permit(off_at()).id,
        at: None,
    };
    assert_eq!(
        run(&none, &event, "crew", &facts(), off_at()),
        Err(Refusal::NoPermit)
    );
}
