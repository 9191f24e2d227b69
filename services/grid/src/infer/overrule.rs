//! Devices that dispatchers name: each holds for the outage of a moment, whatever else is heard.

use super::atlas::ClassIx;
use super::decide::Finding;
use super::engine::{Engine, Refusal};
use super::incident::IncidentKey;
use super::record::step;
use crate::model::DeviceIx;

/// A device that a dispatcher named, for the outage of a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Overruled {
    pub(super) device: DeviceIx,
    pub(super) at_ms: i64,
    /// None while the device puts nobody out as the network is switched.
    pub(super) class: Option<ClassIx>,
}

impl Overruled {
    fn is_of(&self, finding: &Finding) -> bool {
        let span = finding.span;
        self.class == Some(finding.class) && (span.first..=span.last).contains(&step(self.at_ms))
    }
}

/// What people say.
impl Engine {
    /// A dispatcher names the device of an incident. It stays until [`Engine::undo_overrule`] of the same key; other
    /// evidence is weighed around it, and reports that are not below the device are explained by something else. Call
    /// [`Engine::decide`] afterwards; [`Engine::overruled_as`] says which incident it is then. A key whose load is below the
    /// device is any report of that outage, whether an incident has its name now or not.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn overrule(&mut self, key: IncidentKey, device: DeviceIx) -> Result<(), Refusal> {
        let class = self.tree.atlas.of_device(device).ok_or(Refusal::PutsNobodyOut)?;
        self.tell();
        let at_ms = match self.reported_below(class, key) {
            Some(at_ms) => at_ms,
            None => self.first_below(class, key)?,
        };
        self.undo_overrule(key);
        let class = Some(class);
        self.overruled.insert(key, Overruled { device, at_ms, class });
        self.pin(key);
        Ok(())
    }

    /// The time of this report, when it lies below the class: the incident keeps its name then.
    fn reported_below(&self, class: ClassIx, key: IncidentKey) -> Option<i64> {
        let loads = &self.tree.atlas.class(class).loads;
        let record = self.tree.records.get(&key.load)?;
        let is_below = loads.binary_search(&key.load).is_ok();
        (is_below && record.reports().any(|at_ms| at_ms == key.at_ms)).then_some(key.at_ms)
    }

    /// The first report below the class during an incident.
    fn first_below(&self, class: ClassIx, key: IncidentKey) -> Result<i64, Refusal> {
        let span = self.said(key).ok_or(Refusal::NoSuchIncident)?.finding.span;
        let loads = self.tree.atlas.class(class).loads.iter();
        let reported = loads
            .filter_map(|load| self.tree.records.get(load))
            .flat_map(|record| record.reports())
            .filter(|at_ms| (span.first..=span.last).contains(&step(*at_ms)));
        reported.min().ok_or(Refusal::NothingReportedBelow)
    }

    /// Which incident it is now that was overruled by this key; none while it is none.
    pub fn overruled_as(&self, key: IncidentKey) -> Option<IncidentKey> {
        let overruled = self.overruled.get(&key)?;
        let first = *self.tree.atlas.class(overruled.class?).loads.first()?;
        let known = self.known.get(&self.tree.atlas.root_of(first)?)?;
        let mut said = known.said.iter();
        said.find(|(_, said)| overruled.is_of(&said.finding))
            .map(|(now, _)| *now)
    }

    /// The devices that are named in the region around an incident, each with the report it was named by: with the evidence they are
    /// what the incident follows from.
    pub fn overruled_around(&self, key: IncidentKey) -> Vec<(IncidentKey, DeviceIx)> {
        let root_of = |load| self.tree.atlas.root_of(load);
        let root = root_of(key.load);
        let around = self.overruled.iter().filter(|(_, overruled)| {
            let class = overruled.class.map(|class| self.tree.atlas.class(class));
            let first = class.and_then(|class| class.loads.first());
            root.is_some() && first.and_then(|first| root_of(*first)) == root
        });
        around.map(|(key, overruled)| (*key, overruled.device)).collect()
    }

    /// The device a dispatcher named for what was found.
    pub(super) fn overruled_in(&self, finding: &Finding) -> Option<DeviceIx> {
        let mut all = self.overruled.values();
        all.find(|overruled| overruled.is_of(finding))
            .map(|overruled| overruled.device)
    }

    /// Takes [`Engine::overrule`] back; no when there was none.
    pub fn undo_overrule(&mut self, key: IncidentKey) -> bool {
        let Some(undone) = self.overruled.remove(&key) else {
            return false;
        };
        // Another name may hold for the same device and moment.
        let stands =
            |other: &Overruled| other.class == undone.class && step(other.at_ms) == step(undone.at_ms);
        if let Some(class) = undone.class.filter(|_| !self.overruled.values().any(stands)) {
            self.tree.pin(class, undone.at_ms, false);
        }
        true
    }

    pub(super) fn pin(&mut self, key: IncidentKey) {
        if let Some(&Overruled {
            class: Some(class),
            at_ms,
            ..
        }) = self.overruled.get(&key)
        {
            self.tree.pin(class, at_ms, true);
        }
    }
}
