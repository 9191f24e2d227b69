//! A cut that is told after it was done. With a code the desk read out before, it is judged by the moment it was done: the
//! balance, the premises and the locks were looked at when the code was given, minutes before (operations.md O9). Paid
//! between the cut and its telling, it is lawful when the clocks show that it came first; a doubt makes it wrongful.

use chrono::TimeDelta;

use super::{
    Facts, Instant, Refusal, State,
    case::{Case, Cut, PreNotice, Served},
    cut::cut,
    event::Doing,
    moment::AHEAD_MAX,
    transition::{Moved, open_way},
};

/// A cut told later than this was done without the answer.
const ONLINE: TimeDelta = TimeDelta::seconds(60);
/// A phone whose clock was further off ours than this says nothing about which of two moments came first.
const CLOCK_OFF_MAX: TimeDelta = TimeDelta::minutes(2);
/// How long before a payment a cut has to be, so that no clock that counts could turn them round: that of the phone and,
/// beside it, that of billing.
pub(super) const SURE_BEFORE: TimeDelta = TimeDelta::minutes(3);
const _: () = assert!(SURE_BEFORE.num_seconds() >= CLOCK_OFF_MAX.num_seconds() + AHEAD_MAX.num_seconds());

/// Whether the cut was done without waiting for the answer.
pub(super) fn is_told_late(doing: &Doing, now: Instant) -> bool {
    doing.done_at.is_some_and(|done_at| done_at < now - ONLINE)
}

/// The service and the last warning on which a crew without a signal may have cut.
pub(super) fn warned(state: &State) -> Option<(&Served, &PreNotice)> {
    match state {
        State::PreNoticed { served, pre_notice }
        | State::WindowOpen {
            served,
            unused: Some(pre_notice),
        } => Some((served, pre_notice)),
        _ => None,
    }
}

/// Whether a cut of that moment was lawful although it is told only now.
pub(super) fn check(case: &Case, doing: &Doing, facts: &Facts<'_>, at: Instant) -> Result<(), Refusal> {
    let Some((served, warned)) = warned(&case.state) else {
        return Err(Refusal::NotAllowed {
            state: case.state.word(),
            event: "cut",
        });
    };
    if doing.scanned_meter_no != case.meter_no {
        return Err(Refusal::WrongMeter);
    }
    if !facts.release.is_some_and(|release| release.spoken) {
        return Err(Refusal::NoRelease(
            "the cut was told later than a minute, without a code the desk read out",
        ));
    }
    open_way(case, facts)?;
    facts.law.may_cut(case, served, warned.at, at)
}

/// A cut of before the payment, told after it: it was lawful, and supply has to come back for the payment.
pub(super) fn cut_before_payment(mut case: Case, doing: &Doing, facts: &Facts<'_>, now: Instant) -> Moved {
    let State::SettledBefore { stood: Some(stood) } = case.state.clone() else {
        return Err(Refusal::NotAllowed {
            state: case.state.word(),
            event: "cut",
        });
    };
    if !is_sure(doing, stood.first_paid_at) {
        return Err(Refusal::PaidBefore {
            paid_at: stood.first_paid_at,
        });
    }
    let then = Case {
        balance_cents: stood.balance_cents,
        state: State::PreNoticed {
            served: stood.served,
            pre_notice: stood.pre_notice,
        },
        ..case.clone()
    };
    case.state = State::Paid {
        cut: cut(&then, doing, facts, now)?,
        paid_at: stood.paid_at,
    };
    Ok((case, Vec::new()))
}

/// Whether a clock shows that the cut was before `paid_at`. A word on the phone names no clock.
fn is_sure(doing: &Doing, paid_at: Instant) -> bool {
    let is_true = doing.clock_off.is_some_and(|off| off.abs() <= CLOCK_OFF_MAX);
    let is_before = doing.done_at.is_some_and(|at| at + SURE_BEFORE <= paid_at);
    is_true && is_before
}

/// The photos of a cut that the desk recorded by voice, under the code of that cut.
pub(super) fn with_photos(cut: Cut, doing: &Doing, facts: &Facts<'_>) -> Result<Cut, Refusal> {
    let is_of_it = facts
        .release
        .is_some_and(|release| release.spoken && release.meter_no == doing.scanned_meter_no);
    if !is_of_it || !cut.photo_before_sha256.is_empty() || doing.photo_before_sha256.is_empty() {
        return Err(Refusal::NotAllowed {
            state: "disconnected",
            event: "cut",
        });
    }
    Ok(Cut {
        photo_before_sha256: doing.photo_before_sha256.clone(),
        photo_after_sha256: doing.photo_after_sha256.clone(),
        ..cut
    })
}
