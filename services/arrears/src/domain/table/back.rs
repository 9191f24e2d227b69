//! What stops a case on its last day, what voids a notice, and the way back to supply.

use super::*;

/// Whatever is paid in the last minute stops the crew.
#[test]
fn a_payment_or_a_hold_at_the_last_minute_stops_the_crew() {
    let (warned, _) = in_state("pre_noticed");
    let now = local("08-17 09:59");
    let (settled, effects) = go(&warned, &money(0, "08-17 09:59"), now).unwrap();
    assert_eq!(
        (settled.state.word(), effects),
        ("settled_before", vec![Effect::StopCrew])
    );
    assert!(no(&settled, &cut(), local("08-17 10:00")).contains("settled_before"));
    for kind in HoldKind::ALL {
        let (held, effects) = go(&warned, &hold(kind), now).unwrap();
        assert_eq!(
            (held.state.word(), effects),
            ("window_open", vec![Effect::StopCrew]),
            "{kind:?}"
        );
    }
    let (gone, effects) = go(
        &warned,
        &Event::Withdraw {
            reason: "error".to_owned(),
        },
        now,
    )
    .unwrap();
    assert_eq!(
        (gone.state.word(), effects),
        ("withdrawn", vec![Effect::StopCrew])
    );
}

#[test]
fn a_partial_payment_rests_the_case_or_voids_the_notice() {
    let (open, _) = in_state("window_open");
    let now = local("08-17 09:05");
    // (still owed, state, holds)
    let table = [
        (DEBT, "window_open", vec![]),
        // The notice names at most a tenth more than that.
        (DEBT * 10 / 11 + 1, "window_open", vec![]),
        (DEBT * 10 / 11 - 1, "expired", vec![]),
        (DEBT / 5 + 1, "expired", vec![]),
        (DEBT / 5, "expired", vec![HoldKind::Plan]),
        (TERMS.minimum_debt_cents - 1, "expired", vec![HoldKind::Plan]),
        (0, "settled_before", vec![]),
        (-5, "settled_before", vec![]),
    ];
    for (balance, state, holds) in table {
        let (next, _) = go(&open, &money(balance, "08-17 09:04"), now).unwrap();
        assert_eq!(next.state.word(), state, "{balance}");
        assert_eq!(next.holds.into_keys().collect::<Vec<_>>(), holds, "{balance}");
    }
    let (rested, _) = go(&open, &money(DEBT / 5, "08-17 09:04"), now).unwrap();
    let after = |days| {
        go(&rested, &Event::Look, now + TimeDelta::days(days))
            .unwrap()
            .0
            .holds
            .len()
    };
    assert_eq!((after(6), after(7)), (1, 0));
    let (older, _) = go(&open, &money(0, "06-30 09:00"), now).unwrap();
    assert_eq!(older, open, "a balance older than the last one never wins");
}

#[test]
fn a_notice_lapses_with_its_window_and_a_new_one_may_follow() {
    let (issued, _) = in_state("notice_issued");
    let (expired, _) = go(&issued, &Event::Look, local("08-10 10:01")).unwrap();
    assert_eq!(expired.state.word(), "expired");
    let (warned, _) = in_state("pre_noticed");
    let (missed, effects) = go(&warned, &Event::Look, local("08-17 10:30")).unwrap();
    assert_eq!(
        (missed.state.word(), effects),
        ("window_open", vec![Effect::StopCrew])
    );
    let (missed, _) = go(&missed, &Event::Look, local("08-18 00:01")).unwrap();
    assert_eq!(missed.state.word(), "expired");
    assert!(go(&missed, &issue("08-25 10:00"), local("08-18 09:00")).is_ok());
}

#[test]
fn supply_comes_back_in_time_and_at_once_when_it_was_wrong() {
    let (off, _) = in_state("disconnected");
    let (ordered, _) = go(&off, &money(0, "08-18 08:00"), local("08-18 08:01")).unwrap();
    let State::ReconnectOrdered { by, .. } = &ordered.state else {
        panic!("{:?}", ordered.state)
    };
    assert_eq!(*by, local("08-19 08:00"));
    let plan = Event::AcceptPlan {
        until: local("12-01 08:00"),
    };
    assert_eq!(
        go(&off, &plan, local("08-18 08:01")).unwrap().0.state.word(),
        "reconnect_ordered"
    );
    let untold = Event::Reconnect {
        told: false,
        by: "wang".to_owned(),
    };
    assert_eq!(
        go(&ordered, &untold, local("08-18 09:00")).unwrap_err().field(),
        Some("customer_told")
    );

    let found = Event::FindWrongful {
        reason: "paid at the bank".to_owned(),
    };
    let (wrong, effects) = go(&off, &found, local("08-17 11:00")).unwrap();
    assert_eq!(
        (wrong.state.word(), effects),
        ("wrongful", vec![Effect::StopCrew, Effect::Report])
    );
    let (back, _) = go(&wrong, &reconnect(), local("08-17 12:00")).unwrap();
    let (closed, _) = go(&back, &Event::Close, local("08-17 13:00")).unwrap();
    assert!(
        matches!(closed.state, State::Closed { wrongful: true, on_at: Some(at), .. } if at == local("08-17 12:00")),
        "{closed:?}"
    );
}

#[test]
fn a_cut_without_a_release_is_wrongful_from_any_state_before() {
    for state in ["overdue", "eligible", "notice_served", "pre_noticed"] {
        let (case, at) = in_state(state);
        let event = Event::FoundOff {
            off_at: at,
            reason: "cut without a signal".to_owned(),
        };
        let (wrong, effects) = go(&case, &event, at).unwrap();
        assert_eq!(
            (wrong.state.word(), effects.contains(&Effect::Report)),
            ("wrongful", true),
            "{state}"
        );
    }
}

#[test]
fn life_support_is_never_cut_and_switched_on_when_it_was() {
    let class = Event::Classify {
        class: Class::LifeSupport,
        reason: String::new(),
    };
    let (warned, _) = in_state("pre_noticed");
    let (called_back, effects) = go(&warned, &class, local("08-17 09:20")).unwrap();
    assert_eq!(
        (called_back.state.word(), effects),
        ("window_open", vec![Effect::StopCrew])
    );
    assert_eq!(
        no(&called_back, &warn("08-17 09:21"), local("08-17 09:21")),
        Refusal::NeverCut.to_string()
    );
    let (off, _) = in_state("disconnected");
    assert_eq!(
        go(&off, &class, local("08-17 12:00")).unwrap().0.state.word(),
        "wrongful"
    );
}
