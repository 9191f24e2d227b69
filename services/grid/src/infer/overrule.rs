//! Devices that dispatchers name: each holds for the outage of a moment, whatever else is heard.

use std::collections::BTreeSet;

use super::atlas::ClassIx;
use super::decide::Finding;
use super::engine::{Engine, Refusal};
use super::evidence::Evidence;
use super::incident::IncidentKey;
use super::record::step;
use super::tree::Tree;
use crate::model::{DeviceIx, LoadIx};

/// A device that a dispatcher named, for the outage of a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Overruled {
    pub(super) device: DeviceIx,
    /// The report below the device that it was named by.
    report: IncidentKey,
    /// When that counts: a report is a mere repeat once an earlier one of its customer is known.
    at_ms: i64,
    /// None while the device puts nobody out as the network is switched.
    pub(super) class: Option<ClassIx>,
}

impl Overruled {
    /// Asks anew when its report counts.
    pub(super) fn count(&mut self, tree: &Tree) {
        self.at_ms = tree.counted_ms(self.report);
    }

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
        let report = match self.is_reported_below(class, key) {
            true => key,
            false => self.first_below(class, key)?,
        };
        self.undo_overrule(key);
        let named = Overruled {
            device,
            report,
            at_ms: self.tree.counted_ms(report),
            class: Some(class),
        };
        self.overruled.insert(key, named);
        self.pin(key);
        Ok(())
    }

    /// Whether this is a report that lies below the class: the incident keeps its name then.
    fn is_reported_below(&self, class: ClassIx, key: IncidentKey) -> bool {
        let loads = &self.tree.atlas.class(class).loads;
        let record = self.tree.records.get(&key.load);
        loads.binary_search(&key.load).is_ok()
            && record.is_some_and(|record| record.reports().any(|at_ms| at_ms == key.at_ms))
    }

    /// The first report below the class during an incident.
    fn first_below(&self, class: ClassIx, key: IncidentKey) -> Result<IncidentKey, Refusal> {
        let span = self.said(key).ok_or(Refusal::NoSuchIncident)?.finding.span;
        let loads = self.tree.atlas.class(class).loads.iter();
        let reported = loads
            .filter_map(|&load| Some((load, self.tree.records.get(&load)?)))
            .flat_map(|(load, record)| record.reports().map(move |at_ms| IncidentKey { at_ms, load }))
            .filter(|report| (span.first..=span.last).contains(&step(report.at_ms)));
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
        let undone = self.overruled.remove(&key);
        undone.inspect(|undone| self.unpin(undone)).is_some()
    }

    /// Another name may hold for the same device and moment.
    fn unpin(&mut self, undone: &Overruled) {
        let stands =
            |other: &Overruled| other.class == undone.class && step(other.at_ms) == step(undone.at_ms);
        if let Some(class) = undone.class.filter(|_| !self.overruled.values().any(stands)) {
            self.tree.pin(class, undone.at_ms, false);
        }
    }

    /// What is heard late may make repeats of the reports that devices were named by: each name holds for the outage of its report.
    pub(super) fn count_names(&mut self, fresh: &[Evidence]) {
        let loads: BTreeSet<LoadIx> = match self.overruled.is_empty() {
            true => BTreeSet::new(),
            false => fresh.iter().filter_map(Evidence::load).collect(),
        };
        let heard = self
            .overruled
            .iter()
            .filter(|(_, named)| loads.contains(&named.report.load));
        let heard: Vec<_> = heard.map(|(key, named)| (*key, *named)).collect();
        for (key, before) in heard {
            let Some(named) = self.overruled.get_mut(&key) else {
                continue;
            };
            named.count(&self.tree);
            if named.at_ms != before.at_ms {
                self.unpin(&before);
                self.pin(key);
            }
        }
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
