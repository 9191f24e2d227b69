//! From reports to incidents where the network does not say it: it is not loaded yet, or does not know the place. Pure
//! and replayable: the same open incidents, reports and network give the same answer.
//!
//! A report joins the open incident whose device lies lowest above it, otherwise it opens one at its transformer. Guesses
//! below a device that was confirmed become part of that outage. What several reports have in common is weighed by
//! [`super::mind`]. A report never loses its own acceptance, and an incident's is the earliest of its reports.

mod desk;
#[cfg(test)]
mod tests;

use std::sync::Arc;

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
    /// Kind word, empty when unknown.
    fn kind(&self, device: &str) -> &'static str;
    /// Where it is.
    fn position(&self, device: &str) -> Option<Position>;
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

/// What grouping decided.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Each report of the batch, with its incident.
    pub joins: Vec<(ReportId, IncidentId)>,
    /// Incidents that are new (version 0) or changed; those that became part of another are `Merged`.
    pub changed: Vec<Incident>,
}

/// Groups `calls` into the `open` incidents. With a `window`, guesses below a device confirmed since, that began within
/// it, are part of that outage.
pub fn group(
    open: Vec<Incident>,
    mut calls: Vec<Call>,
    topology: &dyn Topology,
    limits: &ArrivalLimits,
    window: Option<TimeDelta>,
) -> Plan {
    calls.sort_by_key(|call| (call.accepted_at, call.report));
    let mut desk = Desk::new(open, topology, limits);
    if let Some(window) = window {
        desk.take_in_what_is_confirmed(window);
    }
    for call in calls {
        desk.place(call);
    }
    desk.plan()
}
