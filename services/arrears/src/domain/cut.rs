//! Whether a supply may be cut on this meter at this moment: asked for a release, and again when it is used.

use chrono::TimeDelta;

use super::{
    Facts, Instant, Refusal, State,
    case::{Case, Cut},
    event::Doing,
    facts::{Locks, Premises},
    late,
    moment::{fresh, past},
    proof::UPLOAD_FIRST,
    transition::open_way,
};

/// An event, a holiday or the weather locks cuts; no answer is a no.
pub(super) fn unlocked(locks: &Locks) -> Result<(), Refusal> {
    match locks {
        Locks::Free => Ok(()),
        Locks::Locked { reason, until } => Err(Refusal::Locked {
            reason: reason.clone(),
            until: *until,
        }),
        Locks::Unknown => Err(Refusal::LocksUnknown),
    }
}

pub(super) fn supplied(premises: Premises) -> Result<(), Refusal> {
    match premises {
        Premises::Supplied => Ok(()),
        Premises::Off => Err(Refusal::OtherOutage),
        Premises::Unknown => Err(Refusal::PremisesUnknown),
    }
}

/// Whether the supply may be cut at `now` on the meter that was scanned: asked for a release, and again when it is used.
///
/// # Errors
/// [`Refusal`]; nobody cuts then.
pub fn check_cut(
    case: &Case,
    scanned_meter_no: &str,
    facts: &Facts<'_>,
    now: Instant,
) -> Result<(), Refusal> {
    let State::PreNoticed { served, pre_notice } = &case.state else {
        return Err(Refusal::NotAllowed {
            state: case.state.word(),
            event: "release",
        });
    };
    if scanned_meter_no != case.meter_no {
        return Err(Refusal::WrongMeter);
    }
    open_way(case, facts)?;
    fresh(case, facts.terms, now)?;
    supplied(facts.premises)?;
    unlocked(facts.locks)?;
    facts.law.may_cut(case, served, pre_notice.at, now)
}

/// A cut is judged at the moment it was done, which is now unless it is told afterwards.
pub(super) fn cut(case: &Case, doing: &Doing, facts: &Facts<'_>, now: Instant) -> Result<Cut, Refusal> {
    let at = doing.done_at.unwrap_or(now);
    past("done_at", at, now)?;
    if late::is_told_late(doing, now) {
        late::check(case, doing, facts, at)?;
    } else {
        check_cut(case, &doing.scanned_meter_no, facts, at)?;
    }
    released(doing, facts, at)?;
    if doing.by == doing.second {
        return Err(Refusal::Field {
            field: "second",
            must: "must be another person than the one who cuts",
        });
    }
    if !doing.nobody_at_risk {
        return Err(Refusal::Field {
            field: "nobody_at_risk",
            must: "must be confirmed on site",
        });
    }
    photographed(doing, facts)?;
    Ok(Cut {
        at,
        by: doing.by.clone(),
        second: doing.second.clone(),
        photo_before_sha256: doing.photo_before_sha256.clone(),
        photo_after_sha256: doing.photo_after_sha256.clone(),
    })
}

/// Photos that are named are stored; those of a cut by a code the desk read out follow, as the phone had no signal then.
fn photographed(doing: &Doing, facts: &Facts<'_>) -> Result<(), Refusal> {
    let may_follow = facts.release.is_some_and(|release| release.spoken);
    match doing.missing_photo {
        Some(field) if !may_follow => Err(Refusal::Field {
            field,
            must: UPLOAD_FIRST,
        }),
        _ => Ok(()),
    }
}

/// The release that was shown was good for that meter at that moment.
fn released(doing: &Doing, facts: &Facts<'_>, at: Instant) -> Result<(), Refusal> {
    let release = facts
        .release
        .ok_or(Refusal::NoRelease("there is none for this case"))?;
    if release.meter_no != doing.scanned_meter_no {
        return Err(Refusal::NoRelease("it is for another meter"));
    }
    if release.spent_at.is_some_and(|spent_at| spent_at <= at) {
        return Err(Refusal::NoRelease("it was used or taken back"));
    }
    if release.expires_at <= at {
        return Err(Refusal::NoRelease("it has expired"));
    }
    if release.expires_at > at + TimeDelta::seconds(facts.terms.release_ttl_s.into()) {
        return Err(Refusal::NoRelease(
            "it was given later than the cut, or a clock was set back",
        ));
    }
    Ok(())
}
