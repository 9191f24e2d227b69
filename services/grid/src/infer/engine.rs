//! The engine: evidence in, decisions out.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::atlas::Atlas;
use super::decide::Finding;
use super::evidence::Evidence;
use super::held::{Held, Moment};
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
    pub(super) grid: Arc<Grid>,
    pub(super) weights: Arc<Weights>,
    pub(super) lengths_m: Arc<[Option<f64>]>,
    pub(super) evidence: BTreeSet<Evidence>,
    /// Evidence that the tree does not know yet.
    pub(super) fresh: Vec<Evidence>,
    pub(super) normal: Arc<State>,
    /// Switching states by the time they began.
    pub(super) switched: BTreeMap<i64, Moment>,
    pub(super) tree: Tree,
    /// Incidents by root, with what was last said of each.
    pub(super) known: BTreeMap<LoadIx, Known>,
    /// What was said or held before the network was switched, until it is decided anew.
    pub(super) moved: BTreeSet<IncidentKey>,
    pub(super) overruled: BTreeMap<IncidentKey, Overruled>,
    pub(super) now_ms: i64,
}

impl Engine {
    /// An engine that knows nothing yet. `lengths_m` are the lengths of the grid's devices in its order;
    /// an empty list is right where none are known.
    pub fn new(grid: Arc<Grid>, lengths_m: &[Option<f64>], weights: Weights) -> Engine {
        let (weights, lengths_m) = (Arc::new(weights), Arc::from(lengths_m));
        let normal = Arc::new(State::new(&grid, Switched::default()));
        let (state, none) = (Arc::clone(&normal), HashSet::new());
        let atlas = Atlas::new(grid, Arc::clone(&weights), lengths_m, state, none);
        Engine::over(atlas, &weights, normal)
    }

    /// An engine that knows nothing yet, over candidates in any switching state.
    pub(super) fn over(atlas: Atlas, weights: &Arc<Weights>, normal: Arc<State>) -> Engine {
        Engine {
            grid: Arc::clone(&atlas.grid),
            normal,
            weights: Arc::clone(weights),
            lengths_m: Arc::clone(&atlas.lengths_m),
            tree: Tree::new(atlas, weights),
            evidence: BTreeSet::new(),
            fresh: Vec::new(),
            switched: BTreeMap::new(),
            known: BTreeMap::new(),
            moved: BTreeSet::new(),
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
        self.look_for_late();
        let fresh = std::mem::take(&mut self.fresh);
        fresh.iter().for_each(|evidence| self.note(evidence));
        self.count_names(&fresh);
    }

    fn note(&mut self, evidence: &Evidence) {
        if self.counts(evidence) {
            self.tree.note(evidence);
        }
    }

    /// Forgets all evidence, every decision and how the network is switched, and keeps the network.
    pub fn forget(&mut self) {
        self.evidence.clear();
        self.fresh.clear();
        if !std::mem::take(&mut self.switched).is_empty() {
            let closed = self.tree.atlas.telemetered_closed().clone();
            self.rebuild(Arc::clone(&self.normal), closed);
        }
        self.known.clear();
        self.moved.clear();
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
        self.now_ms = self.now_ms.max(now_ms);
        self.tell();
        self.hold();
        self.tree.advance(self.now_ms);
        self.tree.settle();
        let stale = std::mem::take(&mut self.tree.stale);
        let mut changes: Vec<Change> = stale
            .into_iter()
            .flat_map(|(root, steps)| self.decide_root(root, &steps))
            .collect();
        let moved = std::mem::take(&mut self.moved);
        changes.extend(moved.into_iter().filter_map(|key| self.after_switching(key)));
        changes
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
        all.extend(self.held().into_iter().flat_map(Held::values).cloned());
        all.sort_by_key(|incident| incident.key);
        all
    }

    /// One incident as of the last [`Engine::decide`].
    pub fn incident(&mut self, key: IncidentKey) -> Option<Incident> {
        if let Some(held) = self.held().and_then(|held| held.get(&key)) {
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
