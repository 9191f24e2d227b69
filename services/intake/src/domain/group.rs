//! From reports to incidents: which reports are one fault, and at which device. Pure and replayable: the same open
//! incidents, reports and network give the same answer.
//!
//! A report joins the open incident whose device lies lowest above it, otherwise it opens one at its transformer.
//! Incidents that a device above them explains better than as many separate faults become one at that device.
//! A report never loses its own acceptance, and an incident's is the earliest of its reports.

mod desk;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    IncidentId, ReportId,
    area::ArrivalLimits,
    incident::Incident,
    place::{Place, Position},
};
use desk::Desk;

/// External id of a device, as the grid writes it.
pub type DeviceId = Arc<str>;

/// What grouping asks of the network.
pub trait Topology {
    /// Devices on the way from a load (or its transformer) to the source: its transformer first. Empty when unknown.
    fn way_of_place(&self, load: Option<&str>, transformer: Option<&str>) -> Arc<[DeviceId]>;
    /// The device itself, then what is above it.
    fn way_of_device(&self, device: &str) -> Arc<[DeviceId]>;
    /// Whether a fault may be put down to it: a transformer or a switching device.
    fn is_candidate(&self, device: &str) -> bool;
    /// How many transformers are out when it opens.
    fn transformers_below(&self, device: &str) -> usize;
    /// Kind word, empty when unknown.
    fn kind(&self, device: &str) -> &'static str;
    /// Where it is.
    fn position(&self, device: &str) -> Option<Position>;
}

/// When several incidents are one. Data, so that a storm or a utility can have other numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Incidents whose last reports are further apart are never taken for one.
    pub window: TimeDelta,
    /// At least this many transformers below a device have called, and ...
    pub transformers_min: usize,
    /// ... at least this share of all below it: the device is the fault.
    pub share_min: f64,
    /// So many separate incidents below one device within the window: the device is the fault, however few of all
    /// below have called (a large switch early on).
    pub incidents_many: usize,
    /// A device above a grown incident is the fault when outside of the incident people call at least this fraction
    /// as densely as inside: the same sparse calling, not one stray fault elsewhere.
    pub density_ratio_min: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            window: TimeDelta::minutes(30),
            transformers_min: 2,
            share_min: 0.15,
            incidents_many: 6,
            density_ratio_min: 0.2,
        }
    }
}

/// A report waiting to be grouped.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The report.
    pub report: ReportId,
    /// Its t_accept.
    pub accepted_at: DateTime<Utc>,
    /// Where it is.
    pub place: Place,
    /// Danger was told.
    pub danger: bool,
    /// The ledger's word on which incident this is.
    pub hint: Option<IncidentId>,
}

/// An open incident with the evidence behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The incident.
    pub incident: Incident,
    /// Transformers below its device that called lately.
    pub called: BTreeSet<DeviceId>,
}

/// What grouping decided.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Each report of the batch, with its incident.
    pub joins: Vec<(ReportId, IncidentId)>,
    /// Incidents that are new (version 0) or changed; those that became part of another are `Merged`.
    pub changed: Vec<Incident>,
}

/// Groups `calls` into the `open` incidents. With `look_again`, open incidents are weighed against each other also
/// when nobody new called (the network was loaded or changed).
pub fn group(
    open: Vec<Known>,
    mut calls: Vec<Call>,
    topology: &dyn Topology,
    limits: &ArrivalLimits,
    rules: &Rules,
    look_again: bool,
) -> Plan {
    calls.sort_by_key(|call| (call.accepted_at, call.report));
    let mut desk = Desk::new(open, topology, limits, rules);
    desk.take_in_what_is_confirmed();
    if look_again {
        desk.weigh_all();
    }
    for call in calls {
        desk.place(call);
    }
    desk.plan()
}
