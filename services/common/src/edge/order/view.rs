//! One work order as JSON.

use chrono::{DateTime, Utc};
use relight_proto::{common::v1 as wire_common, dispatch::v1 as wire};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::edge::at;

/// A position, WGS84 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Longitude, -180 to 180.
    #[schema(minimum = -180, maximum = 180)]
    pub lon: f64,
    /// Latitude, -90 to 90.
    #[schema(minimum = -90, maximum = 90)]
    pub lat: f64,
}

impl From<wire_common::Point> for Place {
    fn from(point: wire_common::Point) -> Self {
        Self {
            lon: point.lon,
            lat: point.lat,
        }
    }
}

impl From<Place> for wire_common::Point {
    fn from(place: Place) -> Self {
        Self {
            lon: place.lon,
            lat: place.lat,
        }
    }
}

/// Area class of a place; rules the arrival limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AreaClass {
    /// Town.
    Urban,
    /// Country.
    Rural,
    /// Far and hard to reach.
    Remote,
    /// Not known.
    Unknown,
}

impl From<wire_common::AreaClass> for AreaClass {
    fn from(class: wire_common::AreaClass) -> Self {
        match class {
            wire_common::AreaClass::Urban => AreaClass::Urban,
            wire_common::AreaClass::Rural => AreaClass::Rural,
            wire_common::AreaClass::Remote => AreaClass::Remote,
            wire_common::AreaClass::Unspecified => AreaClass::Unknown,
        }
    }
}

/// A limit that runs, or ran.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Clock {
    /// `arrival`, `unit_take`, `crew_take`, `review`, `etr`, `start`, `reconnect`
    pub name: String,
    /// Start.
    pub started_at: Option<DateTime<Utc>>,
    /// End of the limit.
    pub due_at: Option<DateTime<Utc>>,
    /// `none`, `watch` (70 %), `at_risk` (90 %), `breach`
    pub level: String,
    /// Who acknowledged the alarm; empty: nobody yet.
    pub acknowledged_by: String,
    /// Set when the clock no longer runs.
    pub stopped_at: Option<DateTime<Utc>>,
    /// The rule that set the limit.
    pub rule: String,
}

impl From<wire::Clock> for Clock {
    fn from(clock: wire::Clock) -> Self {
        Self {
            name: clock.name,
            started_at: at(clock.started_at),
            due_at: at(clock.due_at),
            level: clock.level,
            acknowledged_by: clock.acknowledged_by,
            stopped_at: at(clock.stopped_at),
            rule: clock.rule,
        }
    }
}

/// What happened to an order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Step {
    /// Word of the step.
    pub step: String,
    /// Corrected time.
    pub at: Option<DateTime<Utc>>,
    /// Person or service.
    pub actor: String,
    /// Words of the actor.
    pub note: String,
    /// The phone's clock was off by more than 2 minutes.
    pub skewed: bool,
    /// The photo it names; empty: none. It may still be on the phone.
    pub photo_sha256: String,
}

/// One work order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Order {
    /// UUID.
    pub order_id: String,
    /// Spoken number.
    pub number: String,
    /// What it is about: `fault`, `planned`, `disconnect`, `reconnect`
    pub kind: String,
    /// Incident a fault order mends; empty for the other kinds.
    pub incident_id: String,
    /// Planned outage or arrears case of the other kinds.
    pub subject_id: String,
    /// Its spoken number.
    pub subject_number: String,
    /// Announced begin of a planned outage, or stop time of a cut.
    pub off_at: Option<DateTime<Utc>>,
    /// Announced end of a planned outage.
    pub on_at: Option<DateTime<Utc>>,
    /// By when a customer has to have supply again.
    pub reconnect_by: Option<DateTime<Utc>>,
    /// Line of a planned outage.
    pub line: String,
    /// To be shown before anything else: `danger`, `do_not_cut` (the customer has paid or the cut was stopped); empty: nothing.
    pub warning: String,
    /// Why it was withdrawn, in words.
    pub withdrawn_because: String,
    /// Word of the state, see the glossary.
    pub state: String,
    /// Grows with every change.
    pub version: u64,
    /// Unit that has it; empty: none.
    pub unit_id: String,
    /// Name of the unit.
    pub unit_name: String,
    /// Crew that has it; empty: none.
    pub crew_id: String,
    /// Name of the crew.
    pub crew_name: String,
    /// Earliest acceptance of its reports.
    pub accepted_at: Option<DateTime<Utc>>,
    /// Rules the arrival limit.
    pub area_class: AreaClass,
    /// `urgent`, `general`
    pub priority: String,
    /// Service points without supply, as far as known.
    pub affected_count: u32,
    /// Of them, with supply again.
    pub restored_count: u32,
    /// Probable or confirmed device.
    pub device_id: String,
    /// Whether the device is confirmed.
    pub confirmed: bool,
    /// Where the work is.
    pub position: Option<Place>,
    /// Where in the organisation.
    pub org_path: String,
    /// Its limits.
    pub clocks: Vec<Clock>,
    /// Expected restoration.
    pub etr_at: Option<DateTime<Utc>>,
    /// Cause the crew gave.
    pub cause_code: String,
    /// How often a unit returned it.
    pub returns: u32,
    /// How often customers urged.
    pub urge_count: u32,
    /// Danger was reported.
    pub danger: bool,
    /// Somebody affected depends on life-support.
    pub life_support: bool,
    /// An important customer is affected.
    pub important: bool,
    /// IANA zone of the place.
    pub zone: String,
    /// What happened so far.
    pub steps: Vec<Step>,
}

impl From<wire::Order> for Order {
    fn from(order: wire::Order) -> Self {
        let area_class = order.area_class().into();
        let steps = order.steps.into_iter().map(|step| Step {
            step: step.step,
            at: at(step.at),
            actor: step.actor,
            note: step.note,
            skewed: step.skewed,
            photo_sha256: step.photo_sha256,
        });
        Self {
            order_id: order.order_id,
            number: order.number,
            kind: order.kind,
            incident_id: order.incident_id,
            subject_id: order.subject_id,
            subject_number: order.subject_number,
            off_at: at(order.off_at),
            on_at: at(order.on_at),
            reconnect_by: at(order.reconnect_by),
            line: order.line,
            warning: order.warning,
            withdrawn_because: order.withdrawn_because,
            state: order.state,
            version: order.version,
            unit_id: order.unit_id,
            unit_name: order.unit_name,
            crew_id: order.crew_id,
            crew_name: order.crew_name,
            accepted_at: at(order.accepted_at),
            area_class,
            priority: order.priority,
            affected_count: order.affected_count,
            restored_count: order.restored_count,
            device_id: order.device_id,
            confirmed: order.confirmed,
            position: order.position.map(Place::from),
            org_path: order.org_path,
            clocks: order.clocks.into_iter().map(Clock::from).collect(),
            etr_at: at(order.etr_at),
            cause_code: order.cause_code,
            returns: order.returns,
            urge_count: order.urge_count,
            danger: order.danger,
            life_support: order.life_support,
            important: order.important,
            zone: order.zone,
            steps: steps.collect(),
        }
    }
}
