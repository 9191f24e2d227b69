//! The network is switched while outages go on: what no longer counts, and what is held of those who are dark by it.
//!
//! What is held is a function of the evidence and of the switchings, not of the order in which they came: a switching or a report that
//! came late makes it be read again as of each switching since.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use super::atlas::Atlas;
use super::engine::{Change, Engine};
use super::evidence::Evidence;
use super::incident::{Incident, IncidentKey};
use super::overrule::Overruled;
use super::state::{State, Switched};
use super::tree::Tree;
use crate::model::{DeviceIx, LoadIx};

pub(super) type Held = BTreeMap<IncidentKey, Incident>;

/// The network as it is switched from one moment on.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) state: Arc<State>,
    /// Incidents among loads that are dark by it: what they were just before. None until it is asked for.
    held: Option<Held>,
    /// What dispatchers had named then.
    named: BTreeMap<IncidentKey, Overruled>,
}

impl Moment {
    /// What is held, as far as it was read; where everybody has supply that is nothing.
    fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    fn is_read(&self) -> bool {
        self.held.is_some() || self.state.dark.is_empty()
    }
}

impl Engine {
    /// The network is switched differently from `at_ms` on. Reports from before then of loads that are
    /// fed another way now no longer count: those loads are back. Incidents among loads that are dark by
    /// the switching itself are held as they were just before it, with the loads that are still dark.
    pub fn switch(&mut self, at_ms: i64, switched: Switched) {
        let is_as_now = self.tree.atlas.state().switched == switched && self.is_newest(at_ms);
        self.now_ms = self.now_ms.max(at_ms);
        let moment = Moment {
            state: match is_as_now {
                true => Arc::clone(self.tree.atlas.state()),
                false => Arc::new(State::new(&self.grid, switched)),
            },
            held: None,
            named: self.overruled.clone(),
        };
        if !is_as_now {
            self.move_all();
        }
        self.switched.insert(at_ms, moment);
        self.read_again(Bound::Excluded(at_ms));
        if !is_as_now {
            let last = self.switched.last_key_value();
            let latest = Arc::clone(last.map_or(&self.normal, |(_, moment)| &moment.state));
            let closed = self.tree.atlas.telemetered_closed().clone();
            self.rebuild(latest, closed);
        }
    }

    fn is_newest(&self, at_ms: i64) -> bool {
        let last = self.switched.last_key_value();
        last.is_none_or(|(last_ms, _)| *last_ms <= at_ms)
    }

    /// Everything that was said is to be said anew.
    fn move_all(&mut self) {
        let said = self.known.values().flat_map(|known| known.said.keys());
        self.moved.extend(said);
        self.move_held();
    }

    pub(super) fn rebuild(&mut self, state: Arc<State>, telemetered_closed: HashSet<DeviceIx>) {
        // Findings are about classes of the old tree.
        self.known.clear();
        self.tree = Tree::new(self.atlas_of(state, telemetered_closed), &self.weights);
        self.tree.advance(self.now_ms);
        self.look_for_late();
        self.fresh.clear();
        for evidence in &self.evidence {
            if self.speaks_of(evidence, &self.tree.atlas) {
                self.tree.note(evidence);
            }
        }
        self.pin_again();
    }

    fn atlas_of(&self, state: Arc<State>, telemetered_closed: HashSet<DeviceIx>) -> Atlas {
        Atlas::new(
            Arc::clone(&self.grid),
            Arc::clone(&self.weights),
            Arc::clone(&self.lengths_m),
            state,
            telemetered_closed,
        )
    }

    fn pin_again(&mut self) {
        let keys: Vec<IncidentKey> = self.overruled.keys().copied().collect();
        for key in keys {
            if let Some(overruled) = self.overruled.get_mut(&key) {
                overruled.class = self.tree.atlas.of_device(overruled.device);
                overruled.count(&self.tree);
            }
            self.pin(key);
        }
    }

    /// Does evidence still speak about how the network is switched now.
    pub(super) fn counts(&self, evidence: &Evidence) -> bool {
        self.speaks_of(evidence, &self.tree.atlas)
    }

    fn speaks_of(&self, evidence: &Evidence, atlas: &Atlas) -> bool {
        let Some(load) = evidence.load() else { return true };
        if atlas.is_dark(load) {
            return false;
        }
        let now = atlas.state();
        let then = self.switched.range(..=evidence.at_ms).next_back();
        let then = then.map_or(&self.normal, |(_, moment)| &moment.state);
        let way = |state: &State| state.supply(&self.grid).path(load);
        then.switched == now.switched || way(then) == way(now)
    }

    /// Whether a load is fed through `device` as the network is switched now.
    pub fn hangs_on(&self, load: LoadIx, device: DeviceIx) -> bool {
        let atlas = &self.tree.atlas;
        !atlas.is_dark(load) && atlas.state().supply(&self.grid).path(load).contains(&device)
    }

    /// Since when the network is switched as it is; none: as it normally is, since ever.
    pub fn switched_ms(&self) -> Option<i64> {
        self.switched.last_key_value().map(|(at_ms, _)| *at_ms)
    }

    /// Since when a load is fed another way than it was at `then_ms`; none: as then, or not at all.
    pub fn fed_another_way(&self, load: LoadIx, then_ms: i64) -> Option<i64> {
        let now = self.tree.atlas.state();
        let way = |state: &State| state.supply(&self.grid).path(load);
        let then = self.switched.range(..=then_ms).next_back();
        let then = then.map_or(&self.normal, |(_, moment)| &moment.state);
        if self.tree.atlas.is_dark(load) || then.switched == now.switched {
            return None;
        }
        let (before, now) = (way(then), way(now));
        let since = self
            .switched
            .range((Bound::Excluded(then_ms), Bound::Unbounded))
            .rev();
        let since =
            since.take_while(|(_, moment)| !moment.state.dark.contains(&load) && way(&moment.state) == now);
        since.last().map(|(at_ms, _)| *at_ms).filter(|_| before != now)
    }

    /// What is held now.
    pub(super) fn held(&self) -> Option<&Held> {
        self.switched.last_key_value()?.1.held()
    }

    /// What is held is read again when something of before a switching is new.
    pub(super) fn look_for_late(&mut self) {
        let Some(first_ms) = self.fresh.iter().map(|evidence| evidence.at_ms).min() else {
            return;
        };
        let mut since = self.switched.range((Bound::Excluded(first_ms), Bound::Unbounded));
        if since.any(|(_, moment)| moment.held.is_some()) {
            self.move_held();
            self.read_again(Bound::Excluded(first_ms));
        }
    }

    /// What was told of those who are dark is what was read last; a moment since then that changed nothing may be unread yet.
    fn move_held(&mut self) {
        let told = self.switched.values().rev().find(|moment| moment.is_read());
        let held = told.and_then(Moment::held).into_iter().flat_map(Held::keys);
        self.moved.extend(held);
    }

    fn read_again(&mut self, since: Bound<i64>) {
        let since = self.switched.range_mut((since, Bound::Unbounded));
        since.for_each(|(_, moment)| moment.held = None);
    }

    /// Reads what is held now, and of the switchings before as much as that needs.
    pub(super) fn hold(&mut self) {
        let unread = self
            .switched
            .iter()
            .rev()
            .take_while(|(_, moment)| !moment.is_read());
        let mut unread: Vec<i64> = unread.map(|(at_ms, _)| *at_ms).collect();
        unread.reverse();
        for at_ms in &unread {
            let held = self.held_at(*at_ms);
            if let Some(moment) = self.switched.get_mut(at_ms) {
                moment.held = Some(held);
            }
        }
        if !unread.is_empty() {
            self.move_held();
        }
    }

    fn held_at(&self, at_ms: i64) -> Held {
        let Some(moment) = self.switched.get(&at_ms) else {
            return Held::new();
        };
        let before = self.switched.range(..at_ms).next_back().map(|(_, before)| before);
        let known = before.and_then(Moment::held).cloned().unwrap_or_default();
        if before.is_some_and(|before| before.state.switched == moment.state.switched) {
            return known;
        }
        let state = Arc::clone(before.map_or(&self.normal, |before| &before.state));
        let found = self.found_before(at_ms, state, moment);
        let all = found.into_iter().map(|found| (found.key, found)).chain(known);
        all.filter_map(|(key, incident)| Some((key, self.dark_of(incident, &moment.state)?)))
            .collect()
    }

    /// What was found just before a moment, where somebody is dark from then on.
    fn found_before(&self, at_ms: i64, state: Arc<State>, moment: &Moment) -> Vec<Incident> {
        let closed = self.tree.atlas.telemetered_closed().clone();
        let mut then = Engine {
            overruled: moment.named.clone(),
            ..Engine::over(
                self.atlas_of(Arc::clone(&state), closed),
                &self.weights,
                Arc::clone(&self.normal),
            )
        };
        for load in moment.state.dark.iter().filter(|load| !state.dark.contains(load)) {
            then.tree.atlas.leaf(*load);
        }
        let earlier = self.evidence.iter().take_while(|evidence| evidence.at_ms < at_ms);
        for evidence in earlier {
            if then.tree.atlas.is_near(evidence) && self.speaks_of(evidence, &then.tree.atlas) {
                then.tree.note(evidence);
            }
        }
        then.pin_again();
        then.decide(at_ms);
        then.incidents()
    }

    /// What is left of an incident: the loads that are dark.
    fn dark_of(&self, mut incident: Incident, state: &State) -> Option<Incident> {
        incident.loads.retain(|load| state.dark.contains(load));
        let customers = incident.loads.iter().map(|&load| self.grid.load_customers(load));
        incident.customers = customers.sum();
        (!incident.loads.is_empty()).then_some(incident)
    }

    /// What became of an incident that is not found anew since the network was switched.
    pub(super) fn after_switching(&self, key: IncidentKey) -> Option<Change> {
        if let Some(held) = self.held().and_then(|held| held.get(&key)) {
            return Some(Change::Now {
                key,
                device: held.device,
                p: held.confidence,
                restored: held.restored_at_ms.is_some(),
            });
        }
        if self.said(key).is_some() {
            return None;
        }
        let into = self
            .known
            .values()
            .find_map(|known| known.successor(&self.tree, key));
        Some(into.map_or(Change::Gone { key }, |into| Change::Merged { key, into }))
    }
}
