//! What has to be true in the moment of a cut: asked for a release, and again when it is used.

use chrono::TimeDelta;

use super::{
    Case, Instant, Refusal, State,
    case::Cut,
    event::Doing,
    facts::{Facts, Premises},
    moment::fresh,
    transition::open_way,
};

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
    facts.law.may_cut(case, served, pre_notice.at, now)
}

/// Cuts.
pub(super) fn cut(case: &Case, doing: &Doing, facts: &Facts<'_>, now: Instant) -> Result<Cut, Refusal> {
    check_cut(case, &doing.scanned_meter_no, facts, now)?;
    let release = facts
        .release
        .ok_or(Refusal::NoRelease("there is none for this case"))?;
    if release.meter_no != doing.scanned_meter_no {
        return Err(Refusal::NoRelease("it is for another meter"));
    }
    if release.spent {
        return Err(Refusal::NoRelease("it was used or taken back"));
    }
    if release.expires_at <= now {
        return Err(Refusal::NoRelease("it has expired"));
    }
    if release.expires_at > now + TimeDelta::seconds(facts.terms.release_ttl_s.into()) {
        return Err(Refusal::NoRelease(
            "it was given later than now: a clock was set back",
        ));
    }
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
    Ok(Cut {
        at: now,
        by: doing.by.clone(),
        second: doing.second.clone(),
        photo_before_sha256: doing.photo_before_sha256.clone(),
        photo_after_sha256: doing.photo_after_sha256.clone(),
    })
}
