//! A crew as the rules see it.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    ids::{CrewId, OrderId, UnitId},
    order::Kind,
    place::Place,
};

/// Every fault needs a crew with this skill.
pub const FAULT_REPAIR: &str = "fault_repair";
/// Faults at a station's breaker need this one too.
pub const SWITCHING: &str = "switching";

/// Planned work is for crews with this skill, and for those that mend faults.
pub const PLANNED_WORK: &str = "planned_work";
/// Cuts and reconnections at the meter need this one.
pub const METER_WORK: &str = "meter_work";

/// Skills of which one is enough.
pub type AnyOf = &'static [&'static str];

/// Skills an order of this kind, at this kind of device, needs.
pub fn skills_for(kind: Kind, device_kind: &str) -> &'static [AnyOf] {
    match (kind, device_kind) {
        (Kind::Fault, "breaker") => &[&[FAULT_REPAIR], &[SWITCHING]],
        (Kind::Fault, _) => &[&[FAULT_REPAIR]],
        (Kind::Planned, _) => &[&[PLANNED_WORK, FAULT_REPAIR]],
        (Kind::Disconnect | Kind::Reconnect, _) => &[&[METER_WORK]],
    }
}

/// Time on duty, and what rest came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// Start.
    pub starts_at: DateTime<Utc>,
    /// End.
    pub ends_at: DateTime<Utc>,
    /// End of the shift before, when there is one on record.
    pub before_ended_at: Option<DateTime<Utc>>,
}

impl Shift {
    /// Whether it is running at `now`.
    pub fn is_on(&self, now: DateTime<Utc>) -> bool {
        self.starts_at <= now && now < self.ends_at
    }

    /// Rest before this shift; none on record counts as rested.
    pub fn rest_before(&self) -> Option<TimeDelta> {
        self.before_ended_at.map(|ended| self.starts_at - ended)
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
    pub skills: Vec<String>,
    /// Per skill, until when at least one member is qualified.
    pub qualified_until: Vec<(String, DateTime<Utc>)>,
    /// The shift that is running, or else the next one.
    pub shift: Option<Shift>,
    /// The order it is on, with its spoken number.
    pub active: Option<(OrderId, String)>,
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
