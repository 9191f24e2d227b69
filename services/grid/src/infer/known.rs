//! What was said of the outages of one region, kept up to date where something changed, and settled in the end.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::atlas::ClassIx;
use super::decide::Finding;
use super::incident::{Incident, IncidentKey};
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
    /// How it looked when it was settled.
    pub(super) settled: Option<Box<Incident>>,
}

impl Said {
    pub(super) fn new(finding: Finding, word: Word) -> Said {
        Said {
            finding,
            word,
            settled: None,
        }
    }
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
    /// All up to and with this step is settled.
    pub(super) settled: Option<i64>,
}

/// A part of a region that is decided anew.
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
    /// Reads the spans of `root` anew in which a step from `low` to `high` lies, and what follows so soon
    /// that its reports may be late ones of these.
    pub(super) fn read(&mut self, tree: &mut Tree, root: ClassIx, (low, high): (i64, i64)) -> Part {
        self.found.retain(|first, _| !(low..=high).contains(first));
        let values = tree.nodes.get(&root).into_iter();
        let values: Vec<_> = values
            .flat_map(|node| node.values.range(low..=high).map(|value| *value.1))
            .collect();
        for value in values {
            let findings = tree.findings(root, &value);
            let last = value.span.last;
            self.found.insert(value.span.first, Found { last, findings });
        }
        let end = self.end(high, tree.lapse);
        let findings = self.found.range(low..=end);
        let findings = findings.flat_map(|(_, found)| found.findings.clone()).collect();
        let findings = tree.absorb_late(self.earlier(low, tree.lapse), findings);
        let mut before = self.said.split_off(&key(low));
        self.said
            .append(&mut before.split_off(&key(end.saturating_add(1))));
        Part { findings, before }
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

    /// Forgets how everything up to and with `until` was found; `view` says how it looks in the end.
    pub(super) fn settle(&mut self, until: i64, mut view: impl FnMut(&Finding) -> Incident) {
        for (_, said) in self.said.range_mut(..key(until.saturating_add(1))) {
            if said.settled.is_none() {
                said.settled = Some(Box::new(view(&said.finding)));
            }
        }
        self.found = self.found.split_off(&until.saturating_add(1));
        self.settled = Some(until);
    }

    /// Looks at everything anew.
    pub(super) fn wake(&mut self) {
        self.said.values_mut().for_each(|said| said.settled = None);
        self.settled = None;
    }
}
