//! Which bill a payment pays, and what that ends; what a dispute about a part leaves.

use super::*;
use crate::domain::{case::Held, given::owed, hold::Part};

/// Served for 500; the next bill makes it 980, and the customer pays the 500 of the notice: 480 of a bill that is not 30
/// days overdue remain, 51 % of the debt are paid, and the notice names just what is within its tolerance.
#[test]
fn paying_what_the_notice_named_ends_its_case() {
    let (warned, _) = in_state("pre_noticed");
    let now = local("08-17 09:59");
    let (more, _) = go(&warned, &money(98_000, "08-17 09:30"), local("08-17 09:30")).unwrap();
    assert_eq!(more.state.word(), "pre_noticed");
    for (due_on, paid) in [
        (Some("2026-07-31"), 50_000),
        // A balance told anew, without a word of the payment.
        (Some("2026-07-31"), 0),
        // Billing lists no bills: its day is that of the paid one.
        (Some("2026-06-30"), 50_000),
        (None, 50_000),
    ] {
        let (paid_for, effects) = go(&more, &owed(48_000, "08-17 09:58", due_on, paid), now).unwrap();
        assert_eq!(
            (paid_for.state.word(), effects),
            ("settled_before", vec![Effect::StopCrew]),
            "{due_on:?} {paid}"
        );
    }
    let short = owed(48_001, "08-17 09:59", Some("2026-06-30"), 49_999);
    assert_eq!(go(&more, &short, now).unwrap().0.state.word(), "pre_noticed");
}

#[test]
fn who_pays_what_they_were_cut_for_gets_supply_back() {
    let (off, _) = in_state("disconnected");
    let now = local("08-18 08:00");
    let paid = owed(48_000, "08-18 07:59", Some("2026-07-31"), 50_000);
    assert_eq!(go(&off, &paid, now).unwrap().0.state.word(), "reconnect_ordered");
    let less = owed(48_000, "08-18 07:59", Some("2026-06-30"), 2_000);
    assert_eq!(go(&off, &less, now).unwrap().0.state.word(), "disconnected");
}

/// The days count from the oldest bill that is left: one the customer was reminded of goes on from its own day, another is
/// a debt of its own.
#[test]
fn the_days_count_from_the_oldest_bill_that_is_left() {
    let (eligible, at) = in_state("eligible");
    let next = |due_on: &str| {
        let event = owed(45_000, "08-05 08:00", Some(due_on), 0);
        go(&eligible, &event, at).unwrap().0
    };
    assert_eq!(next("2026-06-30").state.word(), "eligible");
    assert_eq!(next("2026-07-20").state.word(), "settled_before");
    let younger = next("2026-07-08");
    assert_eq!(
        (younger.state.word(), younger.due_on.to_string().as_str()),
        ("reminded", "2026-07-08")
    );
    let (old, _) = go(&younger, &Event::Look, local("08-20 12:00")).unwrap();
    assert_eq!(old.state.word(), "eligible");
}

#[test]
fn a_payment_on_its_way_holds_as_long_as_the_pack_says() {
    let (open, _) = in_state("window_open");
    let payment = |until: Option<&str>| Event::Hold {
        kind: HoldKind::Payment,
        held: Held::new(local("01-01 00:00"), until.map(local), "slip of the bank"),
    };
    let until = |case: &Case| case.holds[&HoldKind::Payment].until;
    let (held, _) = go(&open, &payment(None), local("08-17 09:06")).unwrap();
    assert_eq!(until(&held), Some(local("08-18 09:06")));
    let (again, _) = go(&held, &payment(None), local("08-17 20:00")).unwrap();
    assert_eq!(
        until(&again),
        Some(local("08-18 09:06")),
        "said twice is not longer"
    );
    let refused = go(&open, &payment(Some("08-19 09:06")), local("08-17 09:06"));
    assert_eq!(refused.unwrap_err().field(), Some("until"));
    let (shorter, _) = go(&open, &payment(Some("08-17 12:00")), local("08-17 09:06")).unwrap();
    assert_eq!(until(&shorter), Some(local("08-17 12:00")));
}

fn disputed(cents: i64, rest_due_on: &str) -> Event {
    let part = Part {
        cents,
        rest_due_on: rest_due_on.parse().expect("a day"),
    };
    Event::Hold {
        kind: HoldKind::Dispute,
        held: Held {
            part: Some(part),
            ..Held::new(local("01-01 00:00"), None, "the meter was read wrong")
        },
    }
}

/// Domain.md 5.5 no. 19: only the disputed part is held; the rest goes on with a notice of its own.
#[test]
fn a_dispute_about_a_part_leaves_the_rest() {
    let (warned, _) = in_state("pre_noticed");
    let now = local("08-17 09:20");
    let (rest, effects) = go(&warned, &disputed(20_000, "2026-06-30"), now).unwrap();
    assert_eq!(
        (rest.state.word(), rest.claimed_cents()),
        ("expired", DEBT - 20_000)
    );
    assert!(effects.contains(&Effect::StopCrew));
    let (anew, _) = go(&rest, &issue("08-25 10:00"), local("08-17 11:00")).unwrap();
    assert_eq!(
        anew.state.notice().map(|notice| notice.amount_cents),
        Some(DEBT - 20_000)
    );
    // The rest is below what anybody is cut for, or all is disputed: the whole case is held.
    for cents in [DEBT - TERMS.minimum_debt_cents + 1, DEBT, 2 * DEBT] {
        let (held, _) = go(&warned, &disputed(cents, "2026-06-30"), now).unwrap();
        let at = local("08-17 11:00");
        assert!(go(&held, &issue("08-25 10:00"), at).is_err(), "{cents}");
        assert_eq!(
            held.stopped_by(TERMS.minimum_debt_cents),
            [HoldKind::Dispute],
            "{cents}"
        );
    }
    // The disputed part is the older bill: the days of the other one count.
    let (young, _) = go(&warned, &disputed(20_000, "2026-08-01"), now).unwrap();
    assert!(go(&young, &issue("08-25 10:00"), local("08-17 11:00")).is_err());
}

#[test]
fn a_large_debt_is_approved_by_a_manager() {
    let (eligible, _) = in_state("eligible");
    let at = local("08-05 10:00");
    let owes = |balance_cents| {
        let eligible = Case {
            balance_cents,
            ..eligible.clone()
        };
        go(&eligible, &propose(), at).unwrap().0
    };
    let (small, large) = (
        owes(TERMS.manager_above_cents),
        owes(TERMS.manager_above_cents + 1),
    );
    assert!(go(&small, &approve("hu", false), at).is_ok());
    assert_eq!(
        go(&large, &approve("hu", false), at).unwrap_err().field(),
        Some("manager")
    );
    assert!(go(&large, &approve("hu", true), at).is_ok());
}

#[test]
fn a_plan_after_the_cut_goes_on_after_it() {
    let (off, _) = in_state("disconnected");
    let until = local("12-01 08:00");
    let (back, _) = go(&off, &Event::AcceptPlan { until }, local("08-18 08:01")).unwrap();
    assert_eq!(
        (back.state.word(), back.holds[&HoldKind::Plan].until),
        ("reconnect_ordered", Some(until))
    );
}

/// Domain.md 5.3: any state leads there; where supply is back, the case says so and the list gets its entry.
#[test]
fn a_wrongful_cut_is_found_after_supply_is_back_too() {
    let found = Event::FindWrongful {
        reason: "paid at the bank".to_owned(),
    };
    let off = |at: &str| Event::FoundOff {
        off_at: local(at),
        reason: "reported late".to_owned(),
    };
    for state in ["reconnected", "closed"] {
        let (case, _) = in_state(state);
        let now = local("08-20 09:00");
        let (wrong, effects) = go(&case, &found, now).unwrap();
        assert_eq!((wrong.state.word(), wrong.state.is_wrongful()), (state, true));
        assert_eq!(effects, [Effect::Report], "{state}");
        let (same, effects) = go(&wrong, &found, now).unwrap();
        assert_eq!((same, effects), (wrong, Vec::new()), "{state}");
        // The cut that is known; one before it; off again is another case.
        assert_eq!(
            go(&case, &off("08-17 10:00"), now).unwrap(),
            (case.clone(), Vec::new())
        );
        let (earlier, effects) = go(&case, &off("08-16 10:00"), now).unwrap();
        assert_eq!(earlier.state.was_off().unwrap().0, Some(local("08-16 10:00")));
        assert_eq!(effects, [Effect::Report], "{state}");
        assert!(go(&case, &off("08-19 10:00"), now).is_err());
    }
    let (cut, _) = in_state("disconnected");
    let now = local("08-17 12:00");
    assert_eq!(go(&cut, &off("08-17 10:01"), now).unwrap().0, cut, "told twice");
    let (early, _) = go(&cut, &off("08-17 08:00"), now).unwrap();
    assert_eq!(early.state.word(), "wrongful");
}
