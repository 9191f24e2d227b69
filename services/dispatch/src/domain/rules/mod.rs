//! Hard rules of dispatch: each one file with its check, its refusal code and its table test. A crew that breaks one
//! is not offered the order, and the dispatcher sees which.

mod busy;
mod off_shift;
mod other_unit;
mod position_stale;
mod rest;
mod skill;
mod unqualified;

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};

use super::{
    crew::{Crew, Fix},
    ids::UnitId,
    skill::Skills,
};

/// What an order asks of a crew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Skills the work needs; of each set one is enough.
    pub skills: &'static [Skills],
    /// The unit that has the order, once one has it.
    pub unit: Option<UnitId>,
}

/// An instant and the limits the rules draw around it, worked out once for all crews of a search: a rule that only compares
/// costs a fraction of one that computes with times.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    now: DateTime<Utc>,
    /// A shift that ends before this is as good as over.
    ends_soon_before: DateTime<Utc>,
    /// Who is on duty since before this is given nothing new.
    on_duty_since: DateTime<Utc>,
    /// A position from before this is stale.
    seen_since: DateTime<Utc>,
}

impl Moment {
    /// The moment that is `now`.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self {
            now,
            ends_soon_before: now + off_shift::LEFT_MIN,
            on_duty_since: now - rest::DUTY_MAX,
            seen_since: now - position_stale::AGE_MAX,
        }
    }
}

/// A rule a crew breaks. Words are made only when somebody reads them.
#[derive(Debug, Clone, PartialEq)]
pub enum Broken {
    /// Not on duty, or not for long enough.
    OffShift(off_shift::Why),
    /// Not sent out for this skill.
    Skill(Skills),
    /// Nobody in the crew holds a valid qualification.
    Unqualified {
        /// For this skill.
        skill: Skills,
        /// Since when not; never held when none.
        since: Option<DateTime<Utc>>,
    },
    /// Too little rest, or on duty for too long.
    Rest(rest::Why),
    /// On another order.
    Busy {
        /// The order's spoken number.
        number: Arc<str>,
    },
    /// Nobody knows where it is.
    PositionStale {
        /// Last known time.
        last_at: Option<DateTime<Utc>>,
    },
    /// Belongs to another unit than the order.
    OtherUnit,
}

impl Broken {
    /// Refusal code on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Broken::OffShift(_) => "off_shift",
            Broken::Skill(_) => "skill",
            Broken::Unqualified { .. } => "unqualified",
            Broken::Rest(_) => "rest",
            Broken::Busy { .. } => "busy",
            Broken::PositionStale { .. } => "position_stale",
            Broken::OtherUnit => "other_unit",
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::OffShift(why) => why.fmt(f),
            Broken::Skill(skill) => write!(f, "the crew is not sent out for {}", skill),
            Broken::Unqualified {
                skill,
                since: Some(since),
            } => {
                write!(
                    f,
                    "the last qualification for {} ended at {}",
                    skill,
                    since.format("%FT%TZ")
                )
            }
            Broken::Unqualified { skill, since: None } => {
                write!(f, "nobody in the crew is qualified for {}", skill)
            }
            Broken::Rest(why) => why.fmt(f),
            Broken::Busy { number } => write!(f, "the crew is on {number}"),
            Broken::PositionStale { last_at: Some(at) } => {
                write!(
                    f,
                    "the last position is of {}, more than 30 minutes ago",
                    at.format("%FT%TZ")
                )
            }
            Broken::PositionStale { last_at: None } => write!(f, "no position of the crew is known"),
            Broken::OtherUnit => write!(f, "the crew belongs to another unit than the order"),
        }
    }
}

/// Every rule a crew breaks for an order it would be given at a moment. The position is no condition: a crew known by
/// radio may be given an order.
pub fn against_giving(crew: &Crew, need: &Need, moment: &Moment) -> Vec<Broken> {
    // Most crews looked at break none, and an empty list costs nothing.
    let mut broken = Vec::new();
    let mut add = |found: Option<Broken>| {
        if let Some(found) = found {
            broken.push(found);
        }
    };
    add(other_unit::check(crew, need));
    add(busy::check(crew));
    add(off_shift::check(crew, moment));
    add(rest::check(crew, moment));
    add(skill::check(crew, need));
    add(unqualified::check(crew, need, moment));
    broken
}

/// Every rule a crew breaks for being recommended at a moment.
pub fn against_recommending(crew: &Crew, fix: Option<Fix>, need: &Need, moment: &Moment) -> Vec<Broken> {
    let mut broken = against_giving(crew, need, moment);
    if let Some(stale) = position_stale::check(fix, moment) {
        broken.push(stale);
    }
    broken
}

/// Whether it breaks none of them, for where nobody asks which: the first ends it, and none is written down.
pub fn may_be_recommended(crew: &Crew, fix: Option<Fix>, need: &Need, moment: &Moment) -> bool {
    skill::check(crew, need).is_none()
        && busy::check(crew).is_none()
        && other_unit::check(crew, need).is_none()
        && off_shift::check(crew, moment).is_none()
        && rest::check(crew, moment).is_none()
        && unqualified::check(crew, need, moment).is_none()
        && position_stale::check(fix, moment).is_none()
}

#[cfg(test)]
pub(crate) mod given {
    //! A crew that may do everything, to break one rule at a time.

    use chrono::TimeDelta;

    use super::*;
    use crate::domain::{crew::Shift, ids::CrewId, skill::Qualified};

    pub(crate) fn now() -> DateTime<Utc> {
        "2026-03-01T02:10:00Z".parse().expect("an instant")
    }

    pub(crate) fn moment() -> Moment {
        Moment::at(now())
    }

    pub(crate) fn unit() -> UnitId {
        UnitId::from_uuid(uuid::Uuid::from_u128(1))
    }

    pub(crate) fn crew() -> Crew {
        Crew {
            id: CrewId::from_uuid(uuid::Uuid::from_u128(1)),
            name: "East 1".to_owned(),
            unit: unit(),
            skills: Skills::FAULT_REPAIR.or(Skills::SWITCHING),
            qualified: Qualified::of(
                ["fault_repair", "switching"].map(|skill| (skill, now() + TimeDelta::days(100))),
            ),
            shift: Some(Shift {
                starts_at: now() - TimeDelta::hours(2),
                ends_at: now() + TimeDelta::hours(6),
                rest_before: None,
            }),
            active: None,
            orders_this_shift: 0,
        }
    }

    pub(crate) fn need() -> Need {
        Need {
            skills: &[Skills::FAULT_REPAIR, Skills::SWITCHING],
            unit: Some(unit()),
        }
    }

    #[test]
    fn a_crew_in_order_breaks_no_rule() {
        assert_eq!(against_giving(&crew(), &need(), &moment()), []);
    }
}
