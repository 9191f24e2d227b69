//! A crew as the rules see it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    ids::{CrewId, OrderId, UnitId},
    order::Kind,
    place::Place,
    skill::{Qualified, Skills},
};

/// Skills an order of this kind, at this kind of device, needs; of each set one is enough.
pub fn skills_for(kind: Kind, device_kind: &str) -> &'static [Skills] {
    const FAULT: &[Skills] = &[Skills::FAULT_REPAIR];
    const BREAKER: &[Skills] = &[Skills::FAULT_REPAIR, Skills::SWITCHING];
    const PLANNED: &[Skills] = &[Skills::PLANNED_WORK.or(Skills::FAULT_REPAIR)];
    const METER: &[Skills] = &[Skills::METER_WORK];
    match (kind, device_kind) {
        (Kind::Fault, "breaker") => BREAKER,
        (Kind::Fault, _) => FAULT,
        (Kind::Planned, _) => PLANNED,
        (Kind::Disconnect | Kind::Reconnect, _) => METER,
    }
}

/// Time on duty, and the rest before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// Start.
    pub starts_at: DateTime<Utc>,
    /// End.
    pub ends_at: DateTime<Utc>,
    /// Rest between the shift before and this one; none on record counts as rested.
    pub rest_before: Option<TimeDelta>,
}

impl Shift {
    /// Whether it is running at `now`.
    pub fn is_on(&self, now: DateTime<Utc>) -> bool {
        self.starts_at <= now && now < self.ends_at
    }
}

/// What the rules look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Crew {
    /// Id.
    pub id: CrewId,
    /// Name on the board.
    pub name: String,
    /// The unit it belongs to.
    pub unit: UnitId,
    /// Skills it is sent out for.
    pub skills: Skills,
    /// Qualifications of its members.
    pub qualified: Qualified,
    /// The shift that is running, or else the next one.
    pub shift: Option<Shift>,
    /// The order it is on, with its spoken number.
    pub active: Option<(OrderId, Arc<str>)>,
    /// Orders it was given in this shift.
    pub orders_this_shift: u32,
}

/// A position of a crew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fix {
    /// Where.
    pub place: Place,
    /// When.
    pub at: DateTime<Utc>,
    /// Direction of travel, degrees from north.
    pub heading_deg: f64,
}
