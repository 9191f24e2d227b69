//! Late starts, moves, extensions, the way back, and what may not happen.

use super::*;

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
        at: None,
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
            &Event::Move {
                window,
                justification: String::new(),
            },
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

/// domain.md 5.5 no. 7: what could wait for another day has the full lead again.
#[test]
fn a_temporary_outage_that_is_moved_to_another_day_is_planned_again() {
    let mut one = outage(State::Noticed);
    one.class = Class::Temporary {
        why: words("a hot clamp"),
        by: words("boss"),
    };
    let month = TimeDelta::days(30);
    let event = Event::Move {
        window: Window {
            off_at: window().off_at + month,
            on_at: window().on_at + month,
        },
        justification: String::new(),
    };
    let (mut moved, _) = run(&one, &event, "boss", &facts(), off_at() - h(5)).unwrap();
    assert_eq!((moved.plan_no, &moved.class), (2, &Class::Planned));
    let notice = |told_at: Instant, moved: &mut Outage| {
        moved.announced_at = Some(told_at);
        let mut facts = facts();
        facts.coverage.individual_at = Some(told_at);
        run(moved, &Event::Notice, "clerk", &facts, told_at + h(1)).map(|(one, _)| one.state)
    };
    let short = notice(moved.window.off_at - h(25), &mut moved);
    assert!(
        matches!(short, Err(Refusal::Law(_))),
        "24 h are not enough: {short:?}"
    );
    let full = notice(moved.window.off_at - h(168), &mut moved);
    assert_eq!(full, Ok(State::Noticed));
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
    // domain.md 5.2: asked for 30 min before the announced end.
    assert_eq!(longer(window().on_at - min(30)), [Mark::Extended]);
    assert_eq!(
        longer(window().on_at - min(29)),
        [Mark::AskedLate, Mark::Extended]
    );
    assert_eq!(
        longer(window().on_at + min(1)),
        [Mark::ToldLate, Mark::AskedLate, Mark::Extended]
    );
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
        // Who came to the line since supply began to return.
        (
            State::Restoring,
            Event::Restore { all: false, at: None },
            with(|f| f.uncleared = 1),
            Refusal::NotCleared(1),
        ),
        (
            State::Restoring,
            Event::Restore { all: true, at: None },
            with(|f| f.backfeed_untold = 1),
            Refusal::NotCalled(1),
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

/// The clock jumped over the start: nobody is reminded of yesterday, and nothing is let through.
#[test]
fn a_clock_that_jumps_reminds_nobody_and_opens_no_gate() {
    let mut one = outage(State::Noticed);
    one.reminded_at = None;
    let late = off_at() + h(30);
    assert_eq!(
        run(&one, &Event::Remind, "itself", &facts(), late),
        Err(Refusal::TooLate(off_at()))
    );
    assert_eq!(
        run(&one, &Event::Gate, "itself", &facts(), late),
        Err(Refusal::TooLate(window().on_at))
    );
}

/// Who moved in late is told, and the lead of the plan stays what it was (domain.md 5.5 no. 12).
#[test]
fn a_late_joiner_is_told_and_does_not_begin_the_lead_anew() {
    let mut facts = facts();
    facts.coverage.required = 3;
    facts.coverage.late_joiners = 1;
    let notice = |facts: &Facts| {
        run(
            &outage(State::Approved),
            &Event::Notice,
            "clerk",
            facts,
            off_at() - h(30),
        )
        .map(|(one, _)| one.state)
    };
    assert_eq!(notice(&facts), Err(Refusal::NotTold(1)));
    facts.coverage.served = 3;
    assert_eq!(notice(&facts), Ok(State::Noticed));
    facts.coverage.late_joiners = 3;
    facts.coverage.individual_at = None;
    assert_eq!(
        notice(&facts),
        Ok(State::Noticed),
        "the announcement began the lead"
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
