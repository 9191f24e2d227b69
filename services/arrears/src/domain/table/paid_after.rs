//! A cut that was lawful, and told after a payment: which of the two came first is judged by the clocks, and a doubt
//! makes it wrongful.

use proptest::prelude::*;

use super::{
    super::{
        event::{Doing, Owed},
        facts::{Premises, Release},
        given::{DEBT, cut, in_state, local, release},
        hold::Held,
    },
    *,
};

/// Paid in full by payments of which the first was then; `None`: billing told a balance of nothing.
fn paid(first_paid_at: Option<Instant>, paid_at: Instant) -> Event {
    Event::Money(Owed {
        balance_cents: 0,
        as_of: paid_at,
        due_on: None,
        paid_cents: DEBT,
        first_paid_at,
    })
}

fn done(at: Instant, change: impl FnOnce(&mut Doing)) -> Event {
    let Event::Cut(mut doing) = cut() else {
        panic!("a cut")
    };
    doing.done_at = Some(at);
    change(&mut doing);
    Event::Cut(doing)
}

/// Read out at 10:00, good until 10:05; taken back by the payment.
fn code(spent_at: Instant) -> Release {
    Release {
        spoken: true,
        spent_at: Some(spent_at),
        ..release("08-17 10:05")
    }
}

/// Warned, and settled at `paid_at`, after time has done what it does.
fn settled(first_paid_at: Option<Instant>, paid_at: Instant) -> Case {
    let (warned, _) = in_state("pre_noticed");
    let (warned, _) = go(&warned, &Event::Look, paid_at).expect("time passes");
    let (settled, _) = go(&warned, &paid(first_paid_at, paid_at), paid_at).expect("money is taken");
    assert_eq!(settled.state.word(), "settled_before");
    settled
}

fn told(case: &Case, event: &Event, paid_at: Instant, now: Instant) -> Result<Case, Refusal> {
    with(case, event, now, Premises::Unknown, &code(paid_at)).map(|(case, _)| case)
}

/// Supply has to come back for the payment, in the time that counts from it; nobody is told of an apology.
#[test]
fn a_lawful_cut_of_before_the_payment_is_lawful_when_it_is_told_after() {
    for paid_at in ["08-17 10:20", "08-17 10:50", "08-17 15:00"] {
        let paid_at = local(paid_at);
        let case = settled(Some(paid_at), paid_at);
        let now = paid_at + TimeDelta::minutes(20);
        let off = told(&case, &done(local("08-17 10:02"), |_| ()), paid_at, now).expect("lawful");
        let State::ReconnectOrdered { cut, by, .. } = &off.state else {
            panic!("{}", off.state.word())
        };
        assert_eq!(
            (cut.at, *by - paid_at),
            (local("08-17 10:02"), TimeDelta::hours(24))
        );
        assert!(!off.state.is_wrongful());
    }
}

/// Each of these leaves a doubt, or was never lawful.
#[test]
fn a_doubt_about_what_came_first_makes_it_wrongful() {
    let (at, paid_at, now) = (local("08-17 10:02"), local("08-17 10:20"), local("08-17 10:40"));
    let case = settled(Some(paid_at), paid_at);
    let refused = |event: &Event| told(&case, event, paid_at, now).err();
    let off = |seconds| move |doing: &mut Doing| doing.clock_off = Some(TimeDelta::seconds(seconds));
    let before = Some(Refusal::PaidBefore { paid_at });
    assert_eq!(refused(&done(at, off(120))), None);
    assert_eq!(refused(&done(at, off(-120))), None);
    assert_eq!(refused(&done(at, off(121))), before);
    assert_eq!(refused(&done(at, off(-121))), before);
    assert_eq!(
        refused(&done(at, |doing| doing.clock_off = None)),
        before,
        "by voice"
    );
    for event in [
        done(local("08-17 09:59"), |_| ()),
        done(local("08-17 10:05"), |_| ()),
        done(at, |doing| doing.scanned_meter_no = "1".to_owned()),
        done(at, |doing| doing.nobody_at_risk = false),
        done(at, |doing| doing.second = doing.by.clone()),
    ] {
        assert!(refused(&event).is_some(), "{event:?}");
    }
    // Billing told that nothing is owed, and not since when; part of it was paid before the cut.
    for first_paid_at in [None, Some(local("08-17 10:01")), Some(local("08-17 10:04"))] {
        let case = settled(first_paid_at, paid_at);
        assert!(
            told(&case, &done(at, |_| ()), paid_at, now).is_err(),
            "{first_paid_at:?}"
        );
    }
    // Protected since, or a life depends on it by now.
    let held = |change: fn(&mut Case)| {
        let mut case = case.clone();
        change(&mut case);
        told(&case, &done(at, |_| ()), paid_at, now).err()
    };
    let protected = held(|case| {
        let held = Held::new(local("08-17 09:30"), None, "old and alone");
        case.holds.insert(HoldKind::Protected, held);
    });
    assert!(matches!(protected, Some(Refusal::Held(_))), "{protected:?}");
    assert_eq!(
        held(|case| case.class = Class::LifeSupport),
        Some(Refusal::NeverCut)
    );
}

/// What was never near a cut keeps nothing a cut could be told on.
#[test]
fn paid_before_the_last_warning_no_cut_was_lawful() {
    for state in ["reminded", "approved", "notice_served", "window_open"] {
        let (case, _) = in_state(state);
        let paid_at = local("08-17 10:20");
        let (settled, _) = go(&case, &paid(Some(paid_at), paid_at), paid_at).expect("money is taken");
        let late = done(local("08-17 10:02"), |_| ());
        assert!(
            told(&settled, &late, paid_at, local("08-17 10:40")).is_err(),
            "{state}"
        );
    }
}

proptest! {
    /// Judged here by plain arithmetic: within the life of the code, three minutes before the first payment, by a clock
    /// that was right to two minutes.
    #[test]
    fn lawful_only_when_the_clocks_leave_no_doubt(
        done_s in -600_i64..1_200, first_s in -600_i64..3_600, later_s in 0_i64..7_200, off_s in -300_i64..300, told_s in 61_i64..90_000,
    ) {
        let ten = local("08-17 10:00");
        let second = |s| ten + TimeDelta::seconds(s);
        let (first_paid_at, paid_at) = (second(first_s), second(first_s + later_s));
        let case = settled(Some(first_paid_at), paid_at);
        let at = second(done_s);
        let now = paid_at.max(at) + TimeDelta::seconds(told_s);
        let event = done(at, |doing| doing.clock_off = Some(TimeDelta::seconds(off_s)));
        let lawful = told(&case, &event, paid_at, now).is_ok();
        let right = (0..300).contains(&done_s) && done_s + 180 <= first_s && off_s.abs() <= 120;
        prop_assert_eq!(lawful, right);
    }
}
