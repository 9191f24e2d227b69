//! A cut that is told after it was done. With a code the desk read out before, it is judged by the moment it was done: the
//! balance, the premises and the locks were looked at when the code was given, minutes before (operations.md O9).

use chrono::TimeDelta;

use super::{
    Facts, Instant, Refusal, State,
    case::{Case, Cut},
    event::Doing,
    transition::open_way,
};

/// A cut told later than this was done without the answer.
const ONLINE: TimeDelta = TimeDelta::seconds(60);

/// Whether the cut was done without waiting for the answer.
pub(super) fn is_told_late(doing: &Doing, now: Instant) -> bool {
    doing.done_at.is_some_and(|done_at| done_at < now - ONLINE)
}

/// Whether a cut of that moment was lawful although it is told only now.
pub(super) fn check(case: &Case, doing: &Doing, facts: &Facts<'_>, at: Instant) -> Result<(), Refusal> {
    let (served, warned) = match &case.state {
        State::PreNoticed { served, pre_notice } => (served, pre_notice),
        State::WindowOpen {
            served,
            unused: Some(pre_notice),
        } => (served, pre_notice),
        other => {
            return Err(Refusal::NotAllowed {
                state: other.word(),
                event: "cut",
            });
        }
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
