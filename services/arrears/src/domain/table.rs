//! Every row of domain.md 5.3, and what refuses it.

use chrono::TimeDelta;

use super::{
    Case, Effect, Event, Instant, Refusal, State,
    case::{HoldKind, Reminder},
    class::Class,
    facts::{Facts, Locks, Premises, Release},
    given::{
        DEBT, TERMS, apply, approve, case, cut, hold, in_state, issue, law, local, money, posted, propose,
        reconnect, release, remind, serve, warn, way,
    },
    proof::Method,
};

mod back;
mod classes;
mod late;
mod paid;
mod paid_after;

fn go(case: &Case, event: &Event, at: Instant) -> Result<(Case, Vec<Effect>), Refusal> {
    let at_hand = Release {
        expires_at: at + TimeDelta::minutes(5),
        ..release("12-31 10:00")
    };
    with(case, event, at, Premises::Supplied, &at_hand)
}

fn with(
    case: &Case,
    event: &Event,
    at: Instant,
    premises: Premises,
    release: &Release,
) -> Result<(Case, Vec<Effect>), Refusal> {
    let law = law();
    let facts = Facts {
        law: &law,
        terms: &TERMS,
        premises,
        locks: &Locks::Free,
        release: Some(release),
    };
    apply(case, event, &facts, at)
}

fn no(case: &Case, event: &Event, at: Instant) -> String {
    match go(case, event, at) {
        Err(refusal) => refusal.to_string(),
        Ok((case, _)) => panic!("{} led to {}", event.word(), case.state.word()),
    }
}

/// The day counts where the debt is: what was said on the due day itself was said too early.
#[test]
fn nobody_is_reminded_before_the_debt_is_overdue() {
    let reminded = |at: &str| {
        let Event::Remind(reminder) = remind() else {
            panic!("a reminder")
        };
        Event::Remind(Reminder {
            at: local(at),
            ..reminder
        })
    };
    let now = local("07-10 11:00");
    for early in ["06-12 10:00", "06-30 23:59"] {
        assert_eq!(
            no(&case(), &reminded(early), now),
            "reminded_at: must be after the day on which the debt was due"
        );
    }
    let (next, _) = go(&case(), &reminded("07-01 00:00"), now).expect("the first day it is overdue");
    assert_eq!(next.state.word(), "reminded");
}

#[test]
fn the_whole_way_from_overdue_to_closed() {
    let mut now = case();
    for (event, at, state) in way() {
        let (next, _) = go(&now, &event, local(at)).unwrap_or_else(|no| panic!("{event:?} at {at}: {no}"));
        assert_eq!(next.state.word(), state, "{event:?} at {at}");
        now = next;
    }
    assert_eq!(
        now.state,
        State::Closed {
            wrongful: false,
            off_at: Some(local("08-17 10:02")),
            on_at: Some(local("08-18 11:00")),
        }
    );
}

/// Steps of people: one state each, everything else is refused by name.
#[test]
fn a_step_fits_its_state_only() {
    let steps = [
        (remind(), &["overdue", "reminded"][..]),
        (propose(), &["eligible"]),
        (approve("hu", true), &["eligible"]),
        (issue("08-17 10:00"), &["approved"]),
        // One that was served takes other proofs of the same.
        (
            serve("08-10 09:00"),
            &["notice_issued", "notice_served", "window_open", "pre_noticed"],
        ),
        (warn("08-17 09:15"), &["window_open"]),
        (cut(), &["pre_noticed"]),
        (
            Event::FindWrongful {
                reason: "paid at the bank".to_owned(),
            },
            &["disconnected", "reconnect_ordered", "reconnected", "closed"],
        ),
        (reconnect(), &["reconnect_ordered"]),
        (Event::Close, &["reconnected"]),
    ];
    let states = [
        "overdue",
        "reminded",
        "eligible",
        "approved",
        "notice_issued",
        "notice_served",
        "window_open",
        "pre_noticed",
        "disconnected",
        "reconnect_ordered",
        "reconnected",
        "closed",
    ];
    for state in states {
        let (case, at) = in_state(state);
        for (event, fits) in &steps {
            let refused = matches!(go(&case, event, at), Err(Refusal::NotAllowed { .. }));
            assert_eq!(refused, !fits.contains(&state), "{} in {state}", event.word());
        }
    }
}

/// Thirty days are over on 30 July; by the later reading a cut is lawful from 1 August, a Saturday: the first hour in
/// which anybody may be cut is Monday 3 August at 8.
#[test]
fn a_debt_is_old_enough_on_the_later_day_and_after_a_reminder_only() {
    let (reminded, _) = in_state("reminded");
    for (at, state) in [
        ("07-30 12:00", "reminded"),
        ("07-31 12:00", "reminded"),
        ("08-04 12:00", "eligible"),
    ] {
        let (next, _) = go(&reminded, &Event::Look, local(at)).unwrap();
        assert_eq!(next.state.word(), state, "{at}");
    }
    let (never_reminded, _) = go(&case(), &Event::Look, local("08-20 12:00")).unwrap();
    assert_eq!(never_reminded.state, State::Overdue);
    let small = Case {
        balance_cents: TERMS.minimum_debt_cents - 1,
        ..reminded.clone()
    };
    let (small, _) = go(&small, &Event::Look, local("08-20 12:00")).unwrap();
    assert_eq!(small.state.word(), "reminded");
    // A payment on its way is a matter of hours; the others stay until they are lifted.
    for kind in HoldKind::ALL
        .into_iter()
        .filter(|kind| *kind != HoldKind::Payment)
    {
        let (held, _) = go(&reminded, &hold(kind), local("08-04 11:00")).unwrap();
        let (held, _) = go(&held, &Event::Look, local("08-20 12:00")).unwrap();
        assert_eq!(held.state.word(), "reminded", "{kind:?}");
        let (free, _) = go(&held, &Event::Release { kind }, local("08-20 13:00")).unwrap();
        assert_eq!(free.state.word(), "eligible", "{kind:?}");
    }
}

#[test]
fn the_author_does_not_approve_and_a_class_may_need_a_manager() {
    let (eligible, _) = in_state("eligible");
    let at = local("08-05 10:00");
    assert_eq!(
        no(&eligible, &approve("hu", true), at),
        Refusal::NoProposal.to_string()
    );
    let (proposed, _) = go(&eligible, &propose(), at).unwrap();
    assert_eq!(
        no(&proposed, &approve("li", true), at),
        Refusal::OwnProposal.to_string()
    );
    for class in Class::ALL {
        let proposed = Case {
            class,
            ..proposed.clone()
        };
        let by_desk = go(&proposed, &approve("hu", false), at).is_ok();
        let by_manager = go(&proposed, &approve("hu", true), at).is_ok();
        let expected = match class {
            Class::Ordinary => (true, true),
            Class::LifeSupport => (false, false),
            _ => (false, true),
        };
        assert_eq!((by_desk, by_manager), expected, "{class:?}");
    }
    let shared = Case {
        class: Class::Shared,
        ..proposed
    };
    let without_a_word = Event::Approve {
        approver: "hu".to_owned(),
        approver_name: "name of hu".to_owned(),
        manager: true,
        exception: None,
    };
    let refused = go(&shared, &without_a_word, at).err();
    assert_eq!(refused.and_then(|no| no.field()), Some("exception"));
}

/// Who it is taken away from asks why.
#[test]
fn a_class_that_asks_less_needs_a_reason() {
    let (eligible, at) = in_state("eligible");
    let classify = |class: Class, reason: &str| Event::Classify {
        class,
        reason: reason.to_owned(),
    };
    let (shared, _) = go(&eligible, &classify(Class::Shared, ""), at).expect("asks more");
    for class in [Class::Ordinary, Class::Hospital, Class::Vulnerable] {
        let refused = go(&shared, &classify(class, ""), at).err();
        assert_eq!(refused.and_then(|no| no.field()), Some("reason"), "{class:?}");
        let lowered = go(&shared, &classify(class, "the lift has a meter of its own"), at);
        assert_eq!(lowered.map(|(case, _)| case.class), Ok(class));
    }
}

/// The notice that cannot be served in time is refused, and the answer says when it would have had to be.
#[test]
fn a_notice_with_an_empty_window_is_refused() {
    let (approved, _) = in_state("approved");
    let table = [
        // Seven whole days before, on the seventh date before.
        ("08-17 10:00", "08-06 10:00", Some("08-10 10:00")),
        ("08-17 17:59", "08-10 17:00", Some("08-10 17:59")),
        // Too late to be served.
        ("08-17 10:00", "08-10 10:01", None),
        ("08-11 10:00", "08-06 10:00", None),
        // Night, Friday, weekend.
        ("08-17 18:30", "08-06 10:00", None),
        ("08-17 07:30", "08-06 10:00", None),
        ("08-14 10:00", "08-06 10:00", None),
        ("08-15 10:00", "08-06 10:00", None),
    ];
    for (stop, at, serve_by) in table {
        match (go(&approved, &issue(stop), local(at)), serve_by) {
            (Ok((case, _)), Some(serve_by)) => {
                let by = case.state.notice().map(|notice| notice.serve_by).unwrap();
                assert!(
                    (by - local(serve_by)).abs() <= TimeDelta::seconds(1),
                    "{stop}: {by}"
                );
            }
            (Err(Refusal::EmptyWindow { .. }), None) => {}
            (other, _) => panic!("{stop} at {at}: {other:?}"),
        }
    }
    let late = no(&approved, &issue("08-17 10:00"), local("08-12 10:00"));
    assert!(
        late.contains("it would have to be served by 2026-08-10 0"),
        "{late}"
    );
}

#[test]
fn only_proof_of_rank_in_time_is_service() {
    let (issued, _) = in_state("notice_issued");
    let now = local("08-11 09:30");
    for method in [Method::DeliveredSms, Method::SentSms] {
        let mut proof = posted(local("08-10 09:00"));
        proof.method = method;
        let event = Event::Serve {
            proof,
            filing: None,
            occupants: None,
        };
        assert_eq!(go(&issued, &event, now), Err(Refusal::NotService(method)));
    }
    // 167.9 h before the stop; and the evening before, which is the eighth day.
    for served in ["08-10 10:06", "08-09 23:00"] {
        let refused = go(&issued, &serve(served), now);
        assert!(
            matches!(refused, Err(Refusal::EmptyWindow { .. })),
            "{served}: {refused:?}"
        );
    }
    assert!(go(&issued, &serve("08-10 09:59"), now).is_ok());
    assert!(go(&issued, &serve("08-10 00:01"), now).is_ok());
}

#[test]
fn a_last_warning_is_given_in_the_window_on_a_fresh_balance_to_supplied_premises() {
    let (open, _) = in_state("window_open");
    let (open, _) = go(&open, &money(DEBT, "08-17 09:14"), local("08-17 09:14")).unwrap();
    let now = local("08-17 09:16");
    assert!(go(&open, &warn("08-17 09:15"), now).is_ok());
    // Less than 30 minutes before the stop; more than 90.
    assert!(matches!(
        go(&open, &warn("08-17 09:31"), local("08-17 09:31")),
        Err(Refusal::BalanceStale { .. })
    ));
    let (late, _) = go(&open, &money(DEBT, "08-17 09:31"), local("08-17 09:31")).unwrap();
    assert!(matches!(
        go(&late, &warn("08-17 09:31"), local("08-17 09:31")),
        Err(Refusal::Unlawful { .. })
    ));
    assert!(matches!(
        go(&open, &warn("08-17 08:20"), now),
        Err(Refusal::Unlawful { .. })
    ));
    let release = release("12-31 10:00");
    for (premises, refusal) in [
        (Premises::Off, Refusal::OtherOutage),
        (Premises::Unknown, Refusal::PremisesUnknown),
    ] {
        assert_eq!(
            with(&open, &warn("08-17 09:15"), now, premises, &release),
            Err(refusal)
        );
    }
    let hazardous = Case {
        class: Class::Hazardous,
        ..open.clone()
    };
    let refused = go(&hazardous, &warn("08-17 09:15"), now).err();
    assert!(refused.is_some(), "without filing and agreement");
    assert!(
        matches!(go(&open, &hold(HoldKind::Dispute), now), Ok((held, _)) if no(&held, &warn("08-17 09:15"), now).contains("dispute"))
    );
}

#[test]
fn a_cut_needs_its_release_its_meter_its_time_and_two_people() {
    let (warned, _) = in_state("pre_noticed");
    let (warned, _) = go(&warned, &money(DEBT, "08-17 09:59"), local("08-17 09:59")).unwrap();
    let now = local("08-17 10:02");
    let good = release("08-17 10:05");
    let try_with = |case: &Case, event: &Event, at: &str, release: &Release| {
        with(case, event, local(at), Premises::Supplied, release).map(|(case, _)| case.state.word())
    };
    assert_eq!(
        try_with(&warned, &cut(), "08-17 10:02", &good),
        Ok("disconnected")
    );
    let changed = |change: fn(&mut super::event::Doing)| match cut() {
        Event::Cut(mut doing) => {
            change(&mut doing);
            Event::Cut(doing)
        }
        other => other,
    };
    let refused = |event: Event| with(&warned, &event, now, Premises::Supplied, &good).err();
    assert_eq!(
        refused(changed(|d| d.scanned_meter_no = "1".to_owned())),
        Some(Refusal::WrongMeter)
    );
    assert_eq!(
        refused(changed(|d| d.second = d.by.clone())).and_then(|r| r.field()),
        Some("second")
    );
    assert_eq!(
        refused(changed(|d| d.nobody_at_risk = false)).and_then(|r| r.field()),
        Some("nobody_at_risk")
    );
    assert_eq!(
        refused(changed(|d| d.missing_photo = Some("photo_before_sha256"))).and_then(|r| r.field()),
        Some("photo_before_sha256")
    );
    let spent = Release {
        spent_at: Some(local("08-17 10:01")),
        ..good.clone()
    };
    let other = Release {
        meter_no: "1".to_owned(),
        ..good.clone()
    };
    let (old, ahead) = (release("08-17 10:02"), release("08-17 10:08"));
    for bad in [spent, other, old, ahead] {
        assert!(matches!(
            with(&warned, &cut(), now, Premises::Supplied, &bad),
            Err(Refusal::NoRelease(_))
        ));
    }
    let law = law();
    let none = Facts {
        law: &law,
        terms: &TERMS,
        premises: Premises::Supplied,
        locks: &Locks::Free,
        release: None,
    };
    assert!(matches!(
        apply(&warned, &cut(), &none, now),
        Err(Refusal::NoRelease(_))
    ));
    for premises in [Premises::Off, Premises::Unknown] {
        assert!(with(&warned, &cut(), now, premises, &good).is_err());
    }
    // Before the notified time, long after it, on a balance of ten minutes ago.
    assert!(matches!(
        try_with(&warned, &cut(), "08-17 09:59", &good),
        Err(Refusal::Unlawful { .. })
    ));
    let (late, _) = go(&warned, &money(DEBT, "08-17 10:40"), local("08-17 10:10")).unwrap();
    assert!(try_with(&late, &cut(), "08-17 10:41", &release("08-17 10:45")).is_err());
    assert!(matches!(
        try_with(&warned, &cut(), "08-17 10:04:30", &good),
        Err(Refusal::BalanceStale { .. })
    ));
}

/// A clock that was set back makes nothing young again: neither a leave nor a balance of a moment that is yet to come.
#[test]
fn a_clock_that_jumps_makes_nothing_valid_again() {
    let (warned, _) = in_state("pre_noticed");
    let at = |balance_at: &str| Case {
        balance_at: local(balance_at),
        ..warned.clone()
    };
    let now = local("08-17 10:02");
    for (balance_at, is_fresh) in [
        ("08-17 09:56:59", false),
        ("08-17 09:57", true),
        ("08-17 10:03", true),
        ("08-17 10:03:01", false),
        ("08-19 10:00", false),
    ] {
        let done = go(&at(balance_at), &cut(), now);
        match is_fresh {
            true => assert!(done.is_ok(), "{balance_at}: {done:?}"),
            false => assert!(matches!(done, Err(Refusal::BalanceStale { .. })), "{balance_at}"),
        }
    }
    // Two days ahead everything is too old; back again nothing is younger than it was.
    for jumped in ["08-19 10:02", "08-17 08:02"] {
        assert!(go(&at("08-17 10:01"), &cut(), local(jumped)).is_err(), "{jumped}");
    }
}
