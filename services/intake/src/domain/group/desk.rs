//! The open incidents while a batch of reports is placed among them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use chrono::TimeDelta;
use relight_common::ids::derived;

use super::{Call, DeviceId, Plan, Topology};
use crate::domain::{
    IncidentId, ReportId,
    area::ArrivalLimits,
    incident::{Device, Incident, State},
};

/// One incident on the desk.
struct Cluster {
    incident: Incident,
    /// Its device, then everything above; empty while undetermined.
    way: Arc<[DeviceId]>,
    /// Opened within the batch.
    is_new: bool,
    changed: bool,
}

impl Cluster {
    fn is_guess(&self) -> bool {
        self.incident.state == State::Open && self.incident.confirmed.is_none() && !self.incident.by_hand
    }
}

pub(super) struct Desk<'a> {
    topology: &'a dyn Topology,
    limits: &'a ArrivalLimits,
    clusters: Vec<Cluster>,
    by_id: HashMap<IncidentId, usize>,
    /// Device -> open incidents at it or below it.
    below: HashMap<DeviceId, BTreeSet<usize>>,
    joins: Vec<(ReportId, IncidentId)>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(open: Vec<Incident>, topology: &'a dyn Topology, limits: &'a ArrivalLimits) -> Self {
        let mut desk = Self {
            topology,
            limits,
            clusters: Vec::with_capacity(open.len()),
            by_id: HashMap::new(),
            below: HashMap::new(),
            joins: Vec::new(),
        };
        for incident in open {
            desk.put(incident, false);
        }
        desk
    }

    fn put(&mut self, incident: Incident, is_new: bool) -> usize {
        let way = incident
            .device
            .as_ref()
            .map_or_else(|| Arc::from([]), |device| self.topology.way_of_device(&device.id));
        let ix = self.clusters.len();
        self.by_id.insert(incident.id, ix);
        self.clusters.push(Cluster {
            incident,
            way,
            is_new,
            changed: is_new,
        });
        self.index(ix);
        ix
    }

    fn index(&mut self, ix: usize) {
        for device in self.clusters[ix].way.iter() {
            self.below.entry(device.clone()).or_default().insert(ix);
        }
    }

    fn unindex(&mut self, ix: usize) {
        for device in self.clusters[ix].way.iter() {
            if let Some(here) = self.below.get_mut(device) {
                here.remove(&ix);
            }
        }
    }

    /// Guesses below a device that was confirmed meanwhile are part of that outage, if they began about then.
    pub(super) fn take_in_what_is_confirmed(&mut self, window: TimeDelta) {
        for ix in 0..self.clusters.len() {
            let above = &self.clusters[ix];
            let (Some(device), Some(_)) = (above.way.first().cloned(), &above.incident.confirmed) else {
                continue;
            };
            let began_at = above.incident.accepted_at;
            let inside: Vec<usize> = self.below[&device]
                .iter()
                .copied()
                .filter(|other| {
                    let other = &self.clusters[*other];
                    other.is_guess() && (other.incident.accepted_at - began_at).abs() <= window
                })
                .collect();
            for other in inside {
                self.absorb(ix, other);
            }
        }
    }

    /// Finds the incident of one report, or opens it.
    pub(super) fn place(&mut self, call: Call) {
        let place = &call.place;
        let way = self
            .topology
            .way_of_place(place.load_id.as_deref(), place.transformer_id.as_deref());
        let home = call
            .hint
            .and_then(|hint| self.hinted(hint))
            .or_else(|| self.lowest_above(&way));
        let ix = match home {
            Some(ix) => {
                self.join(ix, &call);
                ix
            }
            None => self.open(&call, &way),
        };
        self.joins.push((call.report, self.clusters[ix].incident.id));
    }

    fn hinted(&self, hint: IncidentId) -> Option<usize> {
        let ix = self.by_id.get(&hint).copied()?;
        match self.clusters[ix].incident.state {
            State::Open => Some(ix),
            State::Merged(into) => self.hinted(into),
            State::Closed(_) => None,
        }
    }

    /// The open incident at the lowest device of `way`; of several the oldest.
    fn lowest_above(&self, way: &[DeviceId]) -> Option<usize> {
        way.iter().find_map(|device| {
            let here = self.below.get(device)?.iter().copied();
            here.filter(|ix| self.clusters[*ix].way.first() == Some(device))
                .min_by_key(|ix| self.age(*ix))
        })
    }

    fn age(&self, ix: usize) -> impl Ord + use<> {
        let incident = &self.clusters[ix].incident;
        (incident.accepted_at, incident.id)
    }

    fn join(&mut self, ix: usize, call: &Call) {
        let area = call.place.area.unwrap_or(self.limits.strictest());
        let cluster = &mut self.clusters[ix];
        cluster.changed = true;
        let incident = &mut cluster.incident;
        incident.report_count += 1;
        incident.accepted_at = incident.accepted_at.min(call.accepted_at);
        incident.off_at = incident.off_at.min(call.accepted_at);
        incident.last_report_at = incident.last_report_at.max(call.accepted_at);
        incident.area = self.limits.stricter(incident.area, area);
        incident.danger |= call.danger;
        incident.life_support |= call.place.life_support;
        incident.important |= call.place.important;
        incident.position = incident.position.or(call.place.position);
    }

    fn open(&mut self, call: &Call, way: &[DeviceId]) -> usize {
        let device = way.iter().find(|device| self.topology.is_candidate(device));
        let incident = Incident {
            id: IncidentId::from_uuid(derived(call.report.uuid(), "incident")),
            number: String::new(),
            state: State::Open,
            device: device.map(|device| self.device(device)),
            confirmed: None,
            affected: None,
            report_count: 1,
            urge_count: 0,
            accepted_at: call.accepted_at,
            last_report_at: call.accepted_at,
            off_at: call.accepted_at,
            area: call.place.area.unwrap_or(self.limits.strictest()),
            danger: call.danger,
            life_support: call.place.life_support,
            important: call.place.important,
            position: device
                .and_then(|device| self.topology.position(device))
                .or(call.place.position),
            org_path: call.place.org_path.clone(),
            zone: call.place.zone.clone(),
            version: 0,
            parent: None,
            signal_at: None,
            by_hand: false,
        };
        self.put(incident, true)
    }

    fn device(&self, id: &DeviceId) -> Device {
        Device {
            id: id.to_string(),
            kind: self.topology.kind(id).to_owned(),
        }
    }

    /// Makes `other` part of `into`.
    fn absorb(&mut self, into: usize, other: usize) {
        self.unindex(other);
        let into_id = self.clusters[into].incident.id;
        let gone = &mut self.clusters[other];
        gone.changed = true;
        gone.incident.state = State::Merged(into_id);
        let gone = gone.incident.clone();
        let survivor = &mut self.clusters[into];
        survivor.changed = true;
        survivor.incident.take_in(&gone, self.limits);
    }

    /// What to store: merges resolved to the end, incidents that came and went within the batch left out.
    pub(super) fn plan(self) -> Plan {
        let ends: BTreeMap<IncidentId, IncidentId> =
            self.by_id.keys().map(|id| (*id, self.end_of(*id))).collect();
        let joins = self
            .joins
            .iter()
            .map(|(report, incident)| (*report, ends[incident]))
            .collect();
        let changed = self
            .clusters
            .into_iter()
            .filter(|cluster| cluster.changed && (!cluster.is_new || cluster.incident.state == State::Open))
            .map(|cluster| cluster.incident)
            .map(|incident| match incident.state {
                State::Merged(_) => Incident {
                    state: State::Merged(ends[&incident.id]),
                    ..incident
                },
                State::Open | State::Closed(_) => incident,
            })
            .collect();
        Plan { joins, changed }
    }

    fn end_of(&self, id: IncidentId) -> IncidentId {
        match self.clusters[self.by_id[&id]].incident.state {
            State::Merged(into) => self.end_of(into),
            State::Open | State::Closed(_) => id,
        }
    }
}
