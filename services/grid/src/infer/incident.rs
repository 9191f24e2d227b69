//! What the engine says about one outage.

use super::atlas::{ClassIx, contains};
use super::decide::{Finding, Likely};
use super::engine::Engine;
use super::record::step;
use super::tree::Tree;
use crate::model::{DeviceIx, LoadIx};

/// Names an incident: the time and load of the earliest report it explains. It stays while the device is
/// guessed anew; two incidents that turn out to be one keep the earlier name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentKey {
    /// When the first report was made, milliseconds.
    pub at_ms: i64,
    /// The load it was about; of a trip, the first load below the device.
    pub load: LoadIx,
}

/// A device that may be the one.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The likeliest of the devices that put out the same loads.
    pub device: DeviceIx,
    /// All of them: electrically equal, told apart only by looking.
    pub equal: Vec<DeviceIx>,
    /// Probability that it is one of them.
    pub p: f64,
}

/// One outage as it looks now.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its name.
    pub key: IncidentKey,
    /// The probable device; for a lone report the nearest one above. None when nothing alone feeds the load.
    pub device: Option<DeviceIx>,
    /// Nothing but one customer's own premises is needed to explain it.
    pub premise: bool,
    /// The devices that come into question, the likeliest first.
    pub candidates: Vec<Candidate>,
    /// Who is probably out, in grid order.
    pub loads: Vec<LoadIx>,
    /// Customers behind them.
    pub customers: u32,
    /// Probability that device and affected set are right.
    pub confidence: f64,
    /// When enough of those who reported were found with supply again, milliseconds, to the half minute.
    pub restored_at_ms: Option<i64>,
    /// A dispatcher named the device.
    pub overruled: bool,
    /// What speaks for it.
    pub heard: Counted,
    /// The load whose meter, asked now, would best tell the two likeliest candidates apart.
    pub ask: Option<LoadIx>,
}

/// Counts of what was heard of an incident's loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Customers who called.
    pub called: u32,
    /// Last gasps and pings that found no supply.
    pub meters: u32,
    /// Reported trips of the device.
    pub trips: u32,
    /// Transformers below with at least one such report.
    pub transformers: u32,
    /// Transformers below.
    pub transformers_below: u32,
}

impl Tree {
    /// The whole of a finding, for people.
    pub(crate) fn incident(&mut self, finding: &Finding, listed_p: f64) -> Incident {
        let likely = self.candidates(finding);
        let class = finding.class;
        let row = self.atlas.class(class);
        let (loads, customers) = (row.loads.clone(), row.customers);
        let confidence = likely
            .iter()
            .find(|likely| likely.class == class)
            .map_or(0.0, |likely| likely.p);
        let named = self.atlas.with_device(class);
        let premise = row.devices.is_empty();
        let mut candidates = self.listed(&likely, listed_p);
        if let Some(above) = named.filter(|_| premise) {
            self.lift(&mut candidates, above, confidence);
        }
        Incident {
            key: IncidentKey {
                at_ms: finding.seed.0,
                load: finding.seed.1,
            },
            device: named.and_then(|class| self.atlas.named(class)),
            premise,
            candidates,
            confidence,
            restored_at_ms: finding.span.restored.map(|at| at * super::record::STEP_MS),
            overruled: false,
            heard: self.counted(class, finding),
            ask: self.ask(&likely, finding.seed.0),
            loads,
            customers,
        }
    }

    fn listed(&self, likely: &[Likely], listed_p: f64) -> Vec<Candidate> {
        let worth = likely
            .iter()
            .enumerate()
            .filter(|(place, likely)| *place < 3 || likely.p >= listed_p);
        let listed = worth.filter_map(|(_, likely)| {
            Some(Candidate {
                device: self.atlas.named(likely.class)?,
                equal: self.atlas.class(likely.class).devices.clone(),
                p: likely.p,
            })
        });
        listed.collect()
    }

    /// A premises has no device of its own: the nearest one above stands for it, first, with `p` beside its own.
    fn lift(&self, candidates: &mut Vec<Candidate>, above: ClassIx, p: f64) {
        let Some(device) = self.atlas.named(above) else {
            return;
        };
        let listed = candidates.iter().position(|one| one.device == device);
        let own = listed.map_or(0.0, |at| candidates.remove(at).p);
        let equal = self.atlas.class(above).devices.clone();
        let lifted = Candidate {
            device,
            equal,
            p: p + own,
        };
        candidates.insert(0, lifted);
    }

    fn counted(&self, class: ClassIx, finding: &Finding) -> Counted {
        let mut counted = Counted::default();
        let (mut transformers, mut reporting) = (Vec::new(), Vec::new());
        let within = |at_ms: &&i64| (finding.span.first..=finding.span.last).contains(&step(**at_ms));
        for &load in &self.atlas.class(class).loads {
            let transformer = self.atlas.transformer(load);
            transformers.extend(transformer);
            let Some(record) = self.records.get(&load) else {
                continue;
            };
            let called = record.calls.iter().filter(within).count() as u32;
            let called = called.min(self.atlas.grid.load_customers(load).max(1));
            let meter = record
                .gasps
                .iter()
                .chain(&record.offs)
                .any(|at_ms| within(&at_ms));
            counted.called += called;
            counted.meters += u32::from(meter);
            if called > 0 || meter {
                reporting.extend(transformer);
            }
        }
        counted.transformers_below = distinct(transformers);
        counted.transformers = distinct(reporting);
        if let Some(node) = self.nodes.get(&class) {
            let cells = node.cells.range(finding.span.first..=finding.span.last);
            counted.trips = cells.map(|(_, cell)| cell.trips).sum();
        }
        counted
    }

    /// A load that one of the two likeliest classes puts out and the other does not; a known meter first.
    /// One that was found with supply since the outage began has answered.
    fn ask(&self, likely: &[Likely], since_ms: i64) -> Option<LoadIx> {
        let [first, second, ..] = likely else { return None };
        let (a, b) = (
            &self.atlas.class(first.class).loads,
            &self.atlas.class(second.class).loads,
        );
        let (more, less) = if contains(a, b) { (a, b) } else { (b, a) };
        let apart = more
            .iter()
            .copied()
            .filter(|load| less.binary_search(load).is_err());
        let silent = |load: &LoadIx| {
            self.records
                .get(load)
                .is_none_or(|record| !record.is_on_since(since_ms))
        };
        let mut apart: Vec<LoadIx> = apart.filter(silent).collect();
        apart.sort_by_key(|load| {
            let record = self.records.get(load);
            (!record.is_some_and(super::record::Record::has_meter), *load)
        });
        apart.first().copied()
    }
}

fn distinct(mut classes: Vec<ClassIx>) -> u32 {
    classes.sort_unstable();
    classes.dedup();
    classes.len() as u32
}

impl Engine {
    /// Why, in plain words, with the network's own ids.
    pub fn explain(&self, incident: &Incident) -> String {
        super::explain::text(self, incident)
    }
}
