//! The open incidents while a batch of reports is placed among them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use relight_common::ids::derived;

use super::{Call, DeviceId, Known, Plan, Rules, Topology};
use crate::domain::{
    IncidentId, ReportId,
    area::ArrivalLimits,
    incident::{Device, Incident, State},
};

/// One incident on the desk.
struct Cluster {
    incident: Incident,
    called: BTreeSet<DeviceId>,
    /// Its device, then everything above; empty while undetermined.
    way: Arc<[DeviceId]>,
    changed: bool,
}

impl Cluster {
    fn is_guess(&self) -> bool {
        self.incident.state == State::Open && self.incident.confirmed.is_none()
    }
}

pub(super) struct Desk<'a> {
    topology: &'a dyn Topology,
    limits: &'a ArrivalLimits,
    rules: &'a Rules,
    clusters: Vec<Cluster>,
    by_id: HashMap<IncidentId, usize>,
    /// Device -> open incidents at it or below it.
    below: HashMap<DeviceId, BTreeSet<usize>>,
    joins: Vec<(ReportId, IncidentId)>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        open: Vec<Known>,
        topology: &'a dyn Topology,
        limits: &'a ArrivalLimits,
        rules: &'a Rules,
    ) -> Self {
        let mut desk = Self {
            topology,
            limits,
            rules,
            clusters: Vec::with_capacity(open.len()),
            by_id: HashMap::new(),
            below: HashMap::new(),
            joins: Vec::new(),
        };
        for known in open {
            desk.put(known.incident, known.called, false);
        }
        desk
    }

    fn put(&mut self, incident: Incident, called: BTreeSet<DeviceId>, changed: bool) -> usize {
        let way = incident
            .device
            .as_ref()
            .map_or_else(|| Arc::from([]), |device| self.topology.way_of_device(&device.id));
        let ix = self.clusters.len();
        self.by_id.insert(incident.id, ix);
        self.clusters.push(Cluster {
            incident,
            called,
            way,
            changed,
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
    pub(super) fn take_in_what_is_confirmed(&mut self) {
        for ix in 0..self.clusters.len() {
            let above = &self.clusters[ix];
            let (Some(device), false) = (above.way.first().cloned(), above.is_guess()) else {
                continue;
            };
            let began_at = above.incident.accepted_at;
            let inside: Vec<usize> = self.below[&device]
                .iter()
                .copied()
                .filter(|other| {
                    let other = &self.clusters[*other];
                    other.is_guess() && (other.incident.accepted_at - began_at).abs() <= self.rules.window
                })
                .collect();
            for other in inside {
                self.absorb(ix, other);
            }
        }
    }

    /// Weighs every guess against its neighbours.
    pub(super) fn weigh_all(&mut self) {
        for ix in 0..self.clusters.len() {
            self.weigh(ix);
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
        let transformer = way.first().cloned();
        let ix = match home {
            Some(ix) => {
                self.join(ix, &call);
                ix
            }
            None => self.open(&call, &way),
        };
        self.joins.push((call.report, self.clusters[ix].incident.id));
        let fresh = transformer.is_some_and(|transformer| self.clusters[ix].called.insert(transformer));
        if fresh {
            self.weigh(ix);
        }
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
        };
        self.put(incident, BTreeSet::new(), true)
    }

    fn device(&self, id: &DeviceId) -> Device {
        Device {
            id: id.to_string(),
            kind: self.topology.kind(id).to_owned(),
        }
    }

    /// Moves a guess up as long as a device above explains it together with others better.
    fn weigh(&mut self, mut ix: usize) {
        while self.clusters[ix].is_guess() {
            let Some((device, together)) = self.explanation(ix) else {
                return;
            };
            ix = self.unite(&device, together);
        }
    }

    /// The lowest device above that explains this guess and others as one fault, with all of them.
    fn explanation(&self, ix: usize) -> Option<(DeviceId, Vec<usize>)> {
        let last_at = self.clusters[ix].incident.last_report_at;
        let above = self.clusters[ix]
            .way
            .iter()
            .skip(1)
            .filter(|device| self.topology.is_candidate(device));
        for device in above {
            let near = |other: &Cluster| (other.incident.last_report_at - last_at).abs() <= self.rules.window;
            let together: Vec<usize> = self.below[device]
                .iter()
                .copied()
                .filter(|other| self.clusters[*other].is_guess() && near(&self.clusters[*other]))
                .collect();
            if together.len() > 1 && self.explains(device, &together) {
                return Some((device.clone(), together));
            }
        }
        None
    }

    fn explains(&self, device: &DeviceId, together: &[usize]) -> bool {
        let called: usize = together.iter().map(|ix| self.clusters[*ix].called.len()).sum();
        let all = self.topology.transformers_below(device).max(called);
        let dense = called >= self.rules.transformers_min && share(called, all) >= self.rules.share_min;
        dense || together.len() >= self.rules.incidents_many || self.calls_alike(together, called, all)
    }

    /// Whether people outside of the largest incident call about as densely as inside.
    fn calls_alike(&self, together: &[usize], called: usize, all: usize) -> bool {
        let Some(largest) = together
            .iter()
            .map(|ix| &self.clusters[*ix])
            .max_by_key(|one| one.called.len())
        else {
            return false;
        };
        let Some(device) = largest.way.first().filter(|_| largest.called.len() >= 2) else {
            return false;
        };
        let inside = self.topology.transformers_below(device).max(largest.called.len());
        let outside = all.saturating_sub(inside).max(1);
        let called_outside = called - largest.called.len();
        share(called_outside, outside) >= self.rules.density_ratio_min * share(largest.called.len(), inside)
    }

    /// Makes one incident at `device` of several: the oldest lives on.
    fn unite(&mut self, device: &DeviceId, together: Vec<usize>) -> usize {
        let oldest = together
            .iter()
            .copied()
            .min_by_key(|ix| self.age(*ix))
            .expect("several were given");
        for other in together.into_iter().filter(|other| *other != oldest) {
            self.absorb(oldest, other);
        }
        self.unindex(oldest);
        let (found, position) = (self.device(device), self.topology.position(device));
        let survivor = &mut self.clusters[oldest];
        survivor.incident.device = Some(found);
        survivor.incident.position = position.or(survivor.incident.position);
        survivor.way = self.topology.way_of_device(device);
        survivor.changed = true;
        self.index(oldest);
        oldest
    }

    /// Makes `other` part of `into`.
    fn absorb(&mut self, into: usize, other: usize) {
        self.unindex(other);
        let into_id = self.clusters[into].incident.id;
        let gone = &mut self.clusters[other];
        gone.changed = true;
        gone.incident.state = State::Merged(into_id);
        let (gone, called) = (gone.incident.clone(), std::mem::take(&mut gone.called));
        let limits = self.limits;
        let survivor = &mut self.clusters[into];
        survivor.changed = true;
        survivor.called.extend(called);
        let incident = &mut survivor.incident;
        incident.report_count += gone.report_count;
        incident.urge_count += gone.urge_count;
        incident.accepted_at = incident.accepted_at.min(gone.accepted_at);
        incident.off_at = incident.off_at.min(gone.off_at);
        incident.last_report_at = incident.last_report_at.max(gone.last_report_at);
        incident.area = limits.stricter(incident.area, gone.area);
        incident.danger |= gone.danger;
        incident.life_support |= gone.life_support;
        incident.important |= gone.important;
        incident.position = incident.position.or(gone.position);
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
            .filter(|cluster| cluster.changed)
            .map(|cluster| cluster.incident)
            .filter(|incident| incident.version > 0 || incident.state == State::Open)
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

fn share(part: usize, whole: usize) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of transformers are far below 2^52"
    )]
    let share = part as f64 / whole.max(1) as f64;
    share
}
