//! The engine: evidence in, decisions out.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::atlas::Atlas;
use super::decide::Finding;
use super::evidence::Evidence;
use super::incident::{Incident, IncidentKey};
use super::known::{Known, Said, Word};
use super::overrule::Overruled;
use super::state::{State, Switched};
use super::tree::Tree;
use super::weights::Weights;
use crate::model::{DeviceIx, Grid, LoadIx};

/// What became of an incident.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// It is new, or its device, its loads or its confidence changed.
    Now {
        /// Which.
        key: IncidentKey,
        /// The probable device.
        device: Option<DeviceIx>,
        /// How sure.
        p: f64,
        /// Enough of those who reported are back.
        restored: bool,
    },
    /// It turned out to be part of another.
    Merged {
        /// Which.
        key: IncidentKey,
        /// Into this one, which goes on.
        into: IncidentKey,
    },
    /// Its reports are explained by others, or their loads are fed again by switching.
    Gone {
        /// Which.
        key: IncidentKey,
    },
}

/// Why an order to the engine was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no incident of this name.
    NoSuchIncident,
    /// The device puts nobody out in the present switching state.
    PutsNobodyOut,
    /// Nothing was reported below the device during the incident.
    NothingReportedBelow,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Refusal::NoSuchIncident => "there is no such incident now",
            Refusal::PutsNobodyOut => "this device puts nobody out as the network is switched",
            Refusal::NothingReportedBelow => "nothing was reported below this device during the incident",
        })
    }
}

impl std::error::Error for Refusal {}

/// Keeps the best explanation of all evidence. Pure: no clock, no file, no randomness.
#[derive(Debug)]
pub struct Engine {
    grid: Arc<Grid>,
    weights: Arc<Weights>,
    lengths_m: Arc<[Option<f64>]>,
    evidence: BTreeSet<Evidence>,
    /// Evidence that the tree does not know yet.
    fresh: Vec<Evidence>,
    /// Switching states by the time they began.
    switched: BTreeMap<i64, Arc<State>>,
    pub(super) tree: Tree,
    /// Incidents by root, with what was last said of each.
    pub(super) known: BTreeMap<LoadIx, Known>,
    /// Incidents whose loads are dark by switching now: what they were, until those are fed again.
    held: BTreeMap<IncidentKey, Incident>,
    /// What was said before the network was switched, until it is decided anew.
    moved: BTreeMap<IncidentKey, Word>,
    /// What was decided for a switching, until it is asked for.
    untold: Vec<Change>,
    pub(super) overruled: BTreeMap<IncidentKey, Overruled>,
    now_ms: i64,
}

impl Engine {
    /// An engine that knows nothing yet. `lengths_m` are the lengths of the grid's devices in its order;
    /// an empty list is right where none are known.
    pub fn new(grid: Arc<Grid>, lengths_m: &[Option<f64>], weights: Weights) -> Engine {
        let (weights, lengths_m) = (Arc::new(weights), Arc::from(lengths_m));
        let atlas = Atlas::new(
            Arc::clone(&grid),
            Arc::clone(&weights),
            Arc::clone(&lengths_m),
            Arc::default(),
            HashSet::new(),
        );
        Engine {
            tree: Tree::new(atlas, &weights),
            grid,
            weights,
            lengths_m,
            evidence: BTreeSet::new(),
            fresh: Vec::new(),
            switched: BTreeMap::new(),
            known: BTreeMap::new(),
            held: BTreeMap::new(),
            moved: BTreeMap::new(),
            untold: Vec::new(),
            overruled: BTreeMap::new(),
            now_ms: i64::MIN,
        }
    }

    /// The grid it thinks about.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Takes evidence of any time, in any order; no when it was known already. [`Engine::decide`] weighs it.
    pub fn accept(&mut self, evidence: Evidence) -> bool {
        let fresh = self.evidence.insert(evidence);
        if fresh {
            self.fresh.push(evidence);
        }
        fresh
    }

    /// Tells the tree what is new.
    pub(super) fn tell(&mut self) {
        let fresh = std::mem::take(&mut self.fresh);
        fresh.iter().for_each(|evidence| self.note(evidence));
    }

    fn note(&mut self, evidence: &Evidence) {
        if self.counts(evidence) {
            self.tree.note(evidence);
        }
    }

    /// Forgets all evidence, every decision and how the network is switched, and keeps the network.
    pub fn forget(&mut self) {
        if !std::mem::take(&mut self.switched).is_empty() {
            let closed = self.tree.atlas.telemetered_closed().clone();
            self.rebuild(Arc::default(), closed);
        }
        self.evidence.clear();
        self.fresh.clear();
        self.known.clear();
        self.held.clear();
        self.moved.clear();
        self.untold.clear();
        self.overruled.clear();
        self.now_ms = i64::MIN;
        self.tree.forget();
    }

    /// All evidence so far, by time: replaying it gives the same decisions.
    pub fn evidence(&self) -> impl Iterator<Item = &Evidence> {
        self.evidence.iter()
    }

    /// When silence alone will next say something new, if nothing else is heard.
    pub fn due_ms(&self) -> Option<i64> {
        self.tree.due_ms()
    }

    /// What changed by the evidence since the last time, and by silence until `now_ms`.
    pub fn decide(&mut self, now_ms: i64) -> Vec<Change> {
        let mut changes = std::mem::take(&mut self.untold);
        changes.extend(self.weigh(now_ms));
        changes
    }

    fn weigh(&mut self, now_ms: i64) -> Vec<Change> {
        self.now_ms = self.now_ms.max(now_ms);
        self.tell();
        self.tree.advance(self.now_ms);
        self.tree.settle();
        let stale = std::mem::take(&mut self.tree.stale);
        let mut changes: Vec<Change> = stale
            .into_iter()
            .flat_map(|(root, steps)| self.decide_root(root, &steps))
            .collect();
        for (key, word) in std::mem::take(&mut self.moved) {
            changes.push(self.after_switching(key, word));
        }
        changes
    }

    /// What became of an incident that is not found any more since the network was switched.
    fn after_switching(&self, key: IncidentKey, Word { device, p, restored }: Word) -> Change {
        if self.held.contains_key(&key) {
            return Change::Now {
                key,
                device,
                p,
                restored,
            };
        }
        let into = self
            .known
            .values()
            .find_map(|known| known.successor(&self.tree, key));
        into.map_or(Change::Gone { key }, |into| Change::Merged { key, into })
    }

    fn decide_root(&mut self, first: LoadIx, steps: &BTreeSet<i64>) -> Vec<Change> {
        let Some(&root) = self.tree.roots.get(&first) else {
            return Vec::new();
        };
        let mut known = self.known.remove(&first).unwrap_or_default();
        let mut part = known.read(&mut self.tree, root, steps);
        let mut changes = Vec::new();
        for finding in part.findings {
            let key = IncidentKey {
                at_ms: finding.seed.0,
                load: finding.seed.1,
            };
            let said = self.say(key, finding, part.before.remove(&key), &mut changes);
            self.moved.remove(&key);
            known.said.insert(key, said);
        }
        changes.extend(
            part.before
                .keys()
                .map(|&key| match known.successor(&self.tree, key) {
                    Some(into) => Change::Merged { key, into },
                    None => Change::Gone { key },
                }),
        );
        self.known.insert(first, known);
        changes
    }

    fn say(
        &mut self,
        key: IncidentKey,
        finding: Finding,
        before: Option<Said>,
        changes: &mut Vec<Change>,
    ) -> Said {
        let same = before.as_ref().map(|before| &before.finding);
        let same_class = same.is_none_or(|before| before.class == finding.class);
        let said_before = before.as_ref().map(|before| before.word);
        if let (Some(word), Some(same)) = (said_before, same)
            && (same.class, same.scores, same.span) == (finding.class, finding.scores, finding.span)
        {
            return Said { finding, word };
        }
        let word = self.word(&finding);
        // After a switching everything is said anew: whom the same device puts out has changed.
        let worth = said_before.is_none_or(|last| {
            last.device != word.device
                || !same_class
                || (last.p - word.p).abs() >= self.weights.incident.update_p
                || last.restored != word.restored
        });
        if let (false, Some(word)) = (worth, said_before) {
            return Said { finding, word };
        }
        let Word { device, p, restored } = word;
        changes.push(Change::Now {
            key,
            device,
            p,
            restored,
        });
        Said { finding, word }
    }

    fn word(&mut self, finding: &Finding) -> Word {
        let likely = self.tree.candidates(finding);
        let found = likely.iter().find(|likely| likely.class == finding.class);
        let overruled = self.overruled_in(finding).is_some();
        let atlas = &self.tree.atlas;
        let class = atlas.with_device(finding.class);
        Word {
            device: class.and_then(|class| atlas.named(class)),
            p: if overruled {
                1.0
            } else {
                found.map_or(0.0, |likely| likely.p)
            },
            restored: finding.span.restored.is_some(),
        }
    }

    /// Every incident as of the last [`Engine::decide`], by its first report.
    pub fn incidents(&mut self) -> Vec<Incident> {
        let said = self.known.values().flat_map(|known| known.said.values());
        let said: Vec<Said> = said.cloned().collect();
        let mut all: Vec<Incident> = said.iter().map(|said| self.view(said)).collect();
        all.extend(self.held.values().cloned());
        all.sort_by_key(|incident| incident.key);
        all
    }

    /// One incident as of the last [`Engine::decide`].
    pub fn incident(&mut self, key: IncidentKey) -> Option<Incident> {
        if let Some(held) = self.held.get(&key) {
            return Some(held.clone());
        }
        let said = self.said(key)?.clone();
        Some(self.view(&said))
    }

    pub(super) fn said(&self, key: IncidentKey) -> Option<&Said> {
        let root = self.tree.atlas.root_of(key.load)?;
        self.known.get(&root)?.said.get(&key)
    }

    fn view(&mut self, said: &Said) -> Incident {
        let listed_p = self.weights.incident.listed_p;
        let mut incident = self.tree.incident(&said.finding, listed_p);
        if let Some(device) = self.overruled_in(&said.finding) {
            (incident.device, incident.confidence) = (Some(device), 1.0);
            (incident.overruled, incident.premise, incident.ask) = (true, false, None);
        }
        incident
    }
}

/// What the control room says.
impl Engine {
    /// Whom a device puts out as the network is switched now.
    pub fn puts_out(&self, device: DeviceIx) -> Vec<LoadIx> {
        self.tree.atlas.state().puts_out(&self.grid, device)
    }

    /// Telemetry watches `device` and says it is closed (or no longer says so): it is no candidate then.
    pub fn telemetered_closed(&mut self, device: DeviceIx, closed: bool) {
        self.tree.watch(device, closed);
    }

    /// The network is switched differently from `at_ms` on. Reports from before then of loads that are
    /// fed another way now no longer count: those loads are back. Incidents among loads that are dark by
    /// the switching itself are held as they were, with the loads that are still dark.
    pub fn switch(&mut self, at_ms: i64, switched: Switched) {
        if self.tree.atlas.state().switched == switched && self.is_newest(at_ms) {
            let state = Arc::clone(self.tree.atlas.state());
            self.switched.insert(at_ms, state);
            return;
        }
        // What is held is what was known when it was switched, also when that is read after the fact. What came later is weighed by the
        // new state only, with all the rest.
        self.fresh.retain(|evidence| evidence.at_ms < at_ms);
        let decided = self.weigh(at_ms);
        self.untold.extend(decided);
        let before = self.incidents();
        let state = Arc::new(State::new(&self.grid, switched));
        self.switched.insert(at_ms, state);
        let latest = self
            .switched
            .last_key_value()
            .map(|(_, state)| Arc::clone(state))
            .unwrap_or_default();
        let closed = self.tree.atlas.telemetered_closed().clone();
        self.rebuild(latest, closed);
        self.held.clear();
        for mut incident in before {
            incident.loads.retain(|&load| self.tree.atlas.is_dark(load));
            if !incident.loads.is_empty() {
                incident.customers = incident
                    .loads
                    .iter()
                    .map(|&load| self.grid.load_customers(load))
                    .sum();
                self.held.insert(incident.key, incident);
            }
        }
    }

    fn is_newest(&self, at_ms: i64) -> bool {
        let last = self.switched.last_key_value();
        last.is_none_or(|(last_ms, _)| *last_ms <= at_ms)
    }

    fn rebuild(&mut self, state: Arc<State>, telemetered_closed: HashSet<DeviceIx>) {
        let atlas = Atlas::new(
            Arc::clone(&self.grid),
            Arc::clone(&self.weights),
            Arc::clone(&self.lengths_m),
            state,
            telemetered_closed,
        );
        for incident in self.incidents() {
            let word = Word {
                device: incident.device,
                p: incident.confidence,
                restored: incident.restored_at_ms.is_some(),
            };
            self.moved.insert(incident.key, word);
        }
        // Findings are about classes of the old tree.
        self.known.clear();
        self.tree = Tree::new(atlas, &self.weights);
        self.tree.advance(self.now_ms);
        self.fresh = self.evidence.iter().copied().collect();
        self.tell();
        let keys: Vec<IncidentKey> = self.overruled.keys().copied().collect();
        for key in keys {
            if let Some(overruled) = self.overruled.get_mut(&key) {
                overruled.class = self.tree.atlas.of_device(overruled.device);
            }
            self.pin(key, true);
        }
    }

    /// Does evidence still speak about how the network is switched now.
    fn counts(&self, evidence: &Evidence) -> bool {
        let Some(load) = evidence.load() else { return true };
        if self.tree.atlas.is_dark(load) {
            return false;
        }
        let now = self.tree.atlas.state();
        let then = self.switched.range(..=evidence.at_ms).next_back();
        let normal = State::default();
        let then = then.map_or(&normal, |(_, state)| state);
        let way = |state: &State| state.supply(&self.grid).path(load);
        then.switched == now.switched || way(then) == way(now)
    }
}

#[cfg(test)]
impl Engine {
    /// The best score of every outage at every root.
    pub(super) fn best_scores(&self) -> impl Iterator<Item = f64> + '_ {
        let roots = self
            .tree
            .roots
            .values()
            .filter_map(|root| self.tree.nodes.get(root));
        roots.flat_map(|node| node.values.values().map(|value| value.best))
    }
}
