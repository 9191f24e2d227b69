//! Every (state, event) pair, and every guard of domain.md 5.2 as a row.

use chrono::{TimeDelta, Utc};
use chrono_tz::Tz;
use relight_policy::Pack;

use super::{
    event::{Effect, Event, Kind},
    facts::{Balance, Coverage, Facts},
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
        pack: &pack,
        zone: ZONE,
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
        Event::Announce,
        Event::Notice,
        Event::Remind,
        Event::Gate,
        Event::Permit {
            id: permit(off_at()).id,
            number: words("D-7"),
            read_back: true,
        },
        Event::SwitchOff {
            permit: permit(off_at()).id,
        },
        Event::StartLate {
            off_at: off_at() + h(1),
        },
        Event::Work,
        Event::StartRestoring,
        Event::Restore { all: true },
        Event::Archive {
            note: words("as planned"),
        },
        Event::Extend {
            on_at: off_at() + h(8),
        },
        Event::Move { window: later },
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
            State::Off => &["outage.work_begun", "outage.restoring", "outage.extended"],
            State::Working => &["outage.restoring", "outage.extended"],
            State::Restoring => &["outage.restored", "outage.extended"],
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
    assert!(because.contains("167.9"), "{because}");
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

#[test]
fn the_gate_names_what_stands_in_the_way() {
    let table: Vec<(fn(&mut Facts, &mut Outage), Refusal)> = vec![
        (|f, _| f.coverage.unacknowledged = 1, Refusal::NotAcknowledged(1)),
        (|f, _| f.coverage.unreached = 3, Refusal::NotReached(3)),
        (|f, _| f.coverage.served = 0, Refusal::NotTold(2)),
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
    ];
    for (after, age, expected) in table {
        assert_eq!(off(after, age), expected, "{after} {age}");
    }
    let mut none = outage(State::Ready);
    none.permit = None;
    let event = Event::SwitchOff {
        permit: permit(off_at()).id,
    };
    assert_eq!(
        run(&none, &event, "crew", &facts(), off_at()),
        Err(Refusal::NoPermit)
    );
}

/// operations.md O30.
#[test]
fn a_late_start_keeps_the_end_is_told_and_counts() {
    let asked = off_at() + min(40);
    let late = |off_at: Instant| {
        run(
            &outage(State::Ready),
            &Event::StartLate { off_at },
            "boss",
            &facts(),
            asked,
        )
    };
    assert_eq!(late(asked - min(1)).unwrap_err(), Refusal::NotLate);
    assert_eq!(late(window().on_at).unwrap_err(), Refusal::NotLate);
    let (mut one, effects) = late(off_at() + h(1)).unwrap();
    assert_eq!(
        effects,
        [Effect::Tell {
            kind: Kind::LateStart,
            before: Some(window())
        }]
    );
    assert_eq!((one.window, one.marks.clone()), (window(), vec![Mark::LateStart]));
    one.permit = Some(permit(off_at() + h(1)));
    let off = Event::SwitchOff {
        permit: permit(asked).id,
    };
    let mut untold = facts();
    untold.coverage.told_late_start = 1;
    assert_eq!(
        run(&one, &off, "crew", &untold, off_at() + h(1)).unwrap_err(),
        Refusal::LateNotTold(1)
    );
    assert!(run(&one, &off, "crew", &facts(), off_at() + h(1)).is_ok());
}

/// domain.md 5.5 no. 7 to 9.
#[test]
fn a_move_is_forbidden_tells_people_or_begins_a_new_plan() {
    let moved = |by: TimeDelta| {
        let window = Window {
            off_at: off_at() + by,
            on_at: window().on_at + by,
        };
        run(
            &outage(State::Ready),
            &Event::Move { window },
            "boss",
            &facts(),
            off_at() - h(5),
        )
    };
    assert!(matches!(moved(min(-1)), Err(Refusal::Law(_))), "earlier is never");
    let (today, effects) = moved(h(2)).unwrap();
    assert_eq!(
        (today.state, today.plan_no, today.ready_at),
        (State::Noticed, 1, None)
    );
    assert_eq!(
        effects,
        [Effect::Tell {
            kind: Kind::Changed,
            before: Some(window())
        }]
    );
    let (other, effects) = moved(TimeDelta::days(9)).unwrap();
    assert_eq!(
        (other.state, other.plan_no, other.announced_at, other.noticed_at),
        (State::Approved, 2, None, None)
    );
    assert_eq!(
        effects,
        [
            Effect::Tell {
                kind: Kind::Void,
                before: Some(window())
            },
            Effect::EndPlan {
                plan_no: 1,
                window: window(),
                noticed: true
            },
        ]
    );
}

#[test]
fn longer_is_told_before_the_announced_end_or_marked() {
    let longer = |now: Instant| {
        let event = Event::Extend {
            on_at: window().on_at + h(1),
        };
        run(&outage(State::Working), &event, "boss", &facts(), now)
            .unwrap()
            .0
            .marks
    };
    assert_eq!(longer(window().on_at - h(1)), [Mark::Extended]);
    assert_eq!(longer(window().on_at + min(1)), [Mark::ToldLate, Mark::Extended]);
    let shorter = Event::Extend {
        on_at: window().on_at,
    };
    assert_eq!(
        run(
            &outage(State::Working),
            &shorter,
            "boss",
            &facts(),
            off_at() + h(1)
        ),
        Err(Refusal::NotLonger)
    );
}

/// operations.md O2, O3.
#[test]
fn supply_returns_only_when_everybody_is_out_and_own_generation_was_called() {
    let with = |change: fn(&mut Facts)| {
        let mut facts = facts();
        change(&mut facts);
        facts
    };
    let table = [
        (
            State::Off,
            Event::Work,
            with(|f| f.backfeed_open = 1),
            Refusal::BackFeed(1),
        ),
        (
            State::Off,
            Event::Work,
            with(|f| f.leaders = 0),
            Refusal::NobodyIn,
        ),
        (
            State::Working,
            Event::StartRestoring,
            with(|f| f.uncleared = 1),
            Refusal::NotCleared(1),
        ),
        (
            State::Working,
            Event::StartRestoring,
            with(|f| f.backfeed_untold = 2),
            Refusal::NotCalled(2),
        ),
    ];
    for (state, event, facts, expected) in table {
        let refused = run(&outage(state), &event, "crew", &facts, off_at() + h(1));
        assert_eq!(refused.unwrap_err(), expected);
    }
}

#[test]
fn what_collides_needs_a_reason_and_a_lock_has_to_be_lifted() {
    let balance = Balance {
        conflicts: vec![words("P-1")],
        ..Balance::default()
    };
    let facts = Facts { balance, ..facts() };
    let ask = |justification: &str| {
        let justification = words(justification);
        run(
            &outage(State::Submitted),
            &Event::Balance { justification },
            "author",
            &facts,
            announced_at(),
        )
    };
    assert!(matches!(ask(" "), Err(Refusal::Collides(_))));
    assert_eq!(ask("one trench for both").unwrap().0.state, State::Balanced);
    let mut locked = self::facts();
    locked.balance.locks = vec![words("exam")];
    let approve = Event::Approve {
        justification: words("yes"),
    };
    assert!(matches!(
        run(
            &outage(State::Balanced),
            &approve,
            "boss",
            &locked,
            announced_at()
        ),
        Err(Refusal::Locked(_))
    ));
    let mut silent = self::facts();
    silent.dedicated_open = 1;
    assert_eq!(
        run(
            &outage(State::Negotiating),
            &approve,
            "boss",
            &silent,
            announced_at()
        ),
        Err(Refusal::NotAgreed(1))
    );
}

/// domain.md 5.5 no. 30: a short lead is for what cannot have the long one.
#[test]
fn temporary_is_refused_while_the_full_notice_can_still_be_given() {
    let convert = |now: Instant| {
        let mut one = outage(State::Approved);
        one.announced_at = None;
        let mut facts = facts();
        facts.coverage.served = 0;
        facts.coverage.individual_at = None;
        let event = Event::Convert {
            why: words("a hot clamp"),
        };
        run(&one, &event, "boss", &facts, now)
    };
    assert_eq!(convert(off_at() - TimeDelta::days(8)), Err(Refusal::NotTooLate));
    let (one, _) = convert(off_at() - TimeDelta::days(3)).unwrap();
    assert!(matches!(one.class, Class::Temporary { .. }));
}

#[test]
fn calling_off_tells_those_who_were_told_and_a_short_one_is_marked() {
    let cancel = |state, now| run(&outage(state), &Event::Cancel, "boss", &facts(), now).unwrap();
    assert_eq!(cancel(State::Draft, off_at() - h(200)).1, []);
    let (one, effects) = cancel(State::Noticed, off_at() - h(23));
    assert_eq!(one.marks, [Mark::ShortCancel]);
    assert_eq!(
        effects,
        [Effect::Tell {
            kind: Kind::Cancelled,
            before: None
        }]
    );
    let abort = |now| run(&outage(State::Ready), &Event::Abort, "boss", &facts(), now);
    assert_eq!(abort(off_at() - h(24)).unwrap_err(), Refusal::NotTheDay);
    assert_eq!(abort(off_at() - h(2)).unwrap().0.state, State::Aborted);
}

#[test]
fn a_deviation_is_explained_before_the_archive() {
    let mut one = outage(State::Restored);
    one.marks = vec![Mark::Overrun];
    let archive = |note: &str| Event::Archive { note: words(note) };
    assert_eq!(
        run(&one, &archive(""), "author", &facts(), Utc::now()),
        Err(Refusal::Unexplained(words("overrun")))
    );
    assert!(
        run(
            &one,
            &archive("a second joint failed"),
            "author",
            &facts(),
            Utc::now()
        )
        .is_ok()
    );
}

#[test]
fn a_draft_of_yesterday_is_not_handed_in() {
    let refused = run(
        &outage(State::Draft),
        &Event::Submit,
        "author",
        &facts(),
        off_at() + h(1),
    );
    assert_eq!(refused.unwrap_err(), Refusal::Window(Fault::Past));
}
