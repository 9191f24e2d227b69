//! What was said of the outages of one region, kept up to date where something changed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::atlas::ClassIx;
use super::decide::Finding;
use super::incident::IncidentKey;
use super::record::{STEP_MS, step};
use super::tree::Tree;
use crate::model::{DeviceIx, LoadIx};

/// What was last said of an incident.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Word {
    pub(super) device: Option<DeviceIx>,
    pub(super) p: f64,
    pub(super) restored: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) finding: Finding,
    pub(super) word: Word,
}

/// The outages of one span of a root.
#[derive(Debug)]
struct Found {
    last: i64,
    findings: Vec<Finding>,
}

/// The outages of one region.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By the first step of the root's span, before late callers are counted to those they belong to.
    found: BTreeMap<i64, Found>,
    pub(super) said: BTreeMap<IncidentKey, Said>,
}

/// A part of a region that is decided anew.
#[derive(Default)]
pub(super) struct Part {
    /// Its outages now.
    pub(super) findings: Vec<Finding>,
    /// What was said of it before.
    pub(super) before: BTreeMap<IncidentKey, Said>,
}

fn key(step: i64) -> IncidentKey {
    IncidentKey {
        at_ms: step.saturating_mul(STEP_MS),
        load: LoadIx(0),
    }
}

impl Known {
    /// Reads the spans of `root` anew that `steps` lie in, and what follows so soon that its reports may be late
    /// ones of these.
    pub(super) fn read(&mut self, tree: &mut Tree, root: ClassIx, steps: &BTreeSet<i64>) -> Part {
        let mut part = Part::default();
        let changed = self.find(tree, root, steps);
        for (low, end) in self.linked(&changed, tree.lapse) {
            let found = self.found.range(low..=end);
            let found = found.flat_map(|(_, found)| found.findings.clone()).collect();
            let mut before = self.said.split_off(&key(low));
            self.said
                .append(&mut before.split_off(&key(end.saturating_add(1))));
            part.before.append(&mut before);
            let earlier = self.earlier(low, tree.lapse);
            part.findings.extend(tree.absorb_late(earlier, found));
        }
        part
    }

    /// Finds the outages of the spans again that `steps` lie in; answers where those are, and where they were.
    fn find(&mut self, tree: &mut Tree, root: ClassIx, steps: &BTreeSet<i64>) -> BTreeSet<(i64, i64)> {
        let values = |tree: &Tree, at: i64| {
            let node = tree.nodes.get(&root)?;
            node.values.range(..=at).next_back().map(|(_, value)| *value)
        };
        let before = |at: &i64| self.found.range(..=at).next_back().map(|found| *found.0);
        let firsts: BTreeSet<i64> = steps
            .iter()
            .flat_map(|at| {
                before(at)
                    .into_iter()
                    .chain(values(tree, *at).map(|value| value.span.first))
            })
            .collect();
        let mut spans = BTreeSet::new();
        for first in firsts {
            let before = self.found.remove(&first);
            spans.extend(before.map(|found| (first, found.last)));
            if let Some(value) = values(tree, first).filter(|value| value.span.first == first) {
                let (last, findings) = (value.span.last, tree.findings(root, &value));
                spans.insert((first, last));
                self.found.insert(first, Found { last, findings });
            }
        }
        spans
    }

    /// From the first to the last step of what is to be said anew: `changed`, and what follows it without `lapse`
    /// steps of silence in between.
    fn linked(&self, changed: &BTreeSet<(i64, i64)>, lapse: i64) -> Vec<(i64, i64)> {
        let mut linked: Vec<(i64, i64)> = Vec::new();
        for &(low, high) in changed {
            match linked.last_mut().filter(|(_, end)| low - *end <= lapse) {
                Some((_, end)) => *end = self.end(high.max(*end), lapse),
                None => linked.push((low, self.end(high, lapse))),
            }
        }
        linked
    }

    /// The last step of all that follows `high` without `lapse` steps of silence in between.
    fn end(&self, high: i64, lapse: i64) -> i64 {
        let within = self.found.range(..=high).next_back();
        let mut end = within.map_or(high, |(_, found)| found.last.max(high));
        for (first, found) in self.found.range((Bound::Excluded(high), Bound::Unbounded)) {
            if first - end > lapse {
                break;
            }
            end = found.last;
        }
        end
    }

    /// The outages before `low` that late callers from then on may belong to.
    fn earlier(&self, low: i64, lapse: i64) -> Vec<Finding> {
        let recent = self.found.range(..low).rev();
        let first = recent.take_while(|(_, found)| low - found.last <= lapse).last();
        let Some((&first, _)) = first else {
            return Vec::new();
        };
        let said = self.said.range(key(first)..key(low));
        said.map(|(_, said)| said.finding.clone()).collect()
    }

    /// The outage that has taken over the first report of one that is no more: the last that began before it.
    pub(super) fn successor(&self, tree: &Tree, of: IncidentKey) -> Option<IncidentKey> {
        let at = step(of.at_ms);
        let took = self.said.iter().rev().find(|(_, said)| {
            let span = said.finding.span;
            let loads = &tree.atlas.class(said.finding.class).loads;
            (span.first..span.until).contains(&at) && loads.binary_search(&of.load).is_ok()
        });
        took.map(|(&into, _)| into)
    }
}
