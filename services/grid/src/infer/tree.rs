//! The best joint explanation of everything heard, kept up to date report by report.
//!
//! Classes lie in each other, so the best explanation of a class is either "a device of this class
//! opened" or the best of what lies inside. Each class with evidence keeps both scores; a report changes
//! them only on the way from its load to the source. Several faults at once, and lone calls that belong to
//! none, are part of the comparison.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::atlas::{Atlas, ClassIx, contains};
use super::decide::Finding;
use super::evidence::{Evidence, What};
use super::likelihood::Likelihood;
use super::node::{Cell, Cells, Choice, Node, Span, Value, burst, heard, spans_around};
use super::record::{Record, STEP_MS, step};
use super::weights::Weights;
use crate::model::LoadIx;

/// Scores are looked at again when an outage gets this old, minutes: silence weighs more with time.
const STAGES_MIN: [f64; 12] = [0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 25.0, 40.0, 70.0, 120.0];
/// What nothing explains.
const IMPOSSIBLE: f64 = -1e6;
/// What a dispatcher says outweighs everything.
const PINNED: f64 = 1e5;

/// Classes with evidence and their scores.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) atlas: Atlas,
    likelihood: Likelihood,
    pub(crate) gap: i64,
    /// Steps for which an outage takes in late callers.
    pub(crate) lapse: i64,
    pub(crate) late_share: f64,
    lapse_ms: i64,
    restored_share: f64,
    ln_trip_wrong: f64,
    /// ln of the density of a lone report, per hour.
    ln_lone: f64,
    pub(crate) nodes: HashMap<ClassIx, Node>,
    pub(crate) records: HashMap<LoadIx, Record>,
    pub(crate) roots: BTreeMap<LoadIx, ClassIx>,
    /// Roots whose explanation may have changed.
    pub(crate) stale: BTreeSet<LoadIx>,
    /// (step at which silence says more, class, a step of the outage).
    due: BTreeSet<(i64, ClassIx, i64)>,
    now_step: i64,
    /// Class and step of outages whose device a dispatcher named.
    pins: BTreeSet<(ClassIx, i64)>,
    /// How a class lies to a crossing class.
    lie: HashMap<(ClassIx, ClassIx), Lie>,
}

/// How a class of the tree lies to a crossing class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    Inside,
    Apart,
    Across,
}

/// What a crossing class would explain, and the score of all it would not.
pub(crate) struct Crossed {
    pub(crate) cells: Cells,
    pub(crate) outside: f64,
    pub(crate) seed: Option<(i64, LoadIx)>,
}

impl Tree {
    pub(crate) fn new(atlas: Atlas, weights: &Arc<Weights>) -> Tree {
        let lapse_ms = (weights.incident.lapse_min * 60_000.0) as i64;
        Tree {
            atlas,
            likelihood: Likelihood::new(weights),
            gap: (weights.incident.gap_min * 60_000.0) as i64 / STEP_MS,
            lapse: lapse_ms / STEP_MS,
            late_share: weights.incident.late_share,
            lapse_ms,
            restored_share: weights.incident.restored_share,
            ln_trip_wrong: weights.telemetry.trip_wrong.ln(),
            ln_lone: (weights.rates.premise * weights.calls.share_a
                / (weights.calls.share_a + weights.calls.share_b))
                .ln(),
            nodes: HashMap::new(),
            records: HashMap::new(),
            roots: BTreeMap::new(),
            stale: BTreeSet::new(),
            due: BTreeSet::new(),
            now_step: i64::MIN,
            pins: BTreeSet::new(),
            lie: HashMap::new(),
        }
    }

    /// Back to before the first piece of evidence; the classes stay.
    pub(crate) fn forget(&mut self) {
        self.nodes.clear();
        self.records.clear();
        self.roots.clear();
        self.stale.clear();
        self.due.clear();
        self.pins.clear();
        self.now_step = i64::MIN;
    }

    /// Takes one piece of evidence in; the caller leaves out duplicates.
    pub(crate) fn insert(&mut self, evidence: &Evidence) {
        let at_ms = evidence.at_ms;
        match evidence.what {
            What::Call(load) => self.report(load, |record| record.calls.insert(at_ms)),
            What::LastGasp(load) => self.report(load, |record| record.gasps.insert(at_ms)),
            What::PingOff(load) => self.report(load, |record| record.offs.insert(at_ms)),
            What::PingOn(load) => self.report(load, |record| record.ons.insert(at_ms)),
            What::ScadaOpen(device) => {
                // A device without loads below puts nobody out: there is nothing to explain.
                if let Some(class) = self.atlas.of_device(device) {
                    self.trip(class, at_ms);
                }
            }
        }
    }

    /// Time has come this far: outages that grew older are looked at again.
    pub(crate) fn advance(&mut self, now_ms: i64) {
        let now = step(now_ms);
        if now <= self.now_step {
            return;
        }
        self.now_step = now;
        let mut again: BTreeSet<(usize, ClassIx, i64)> = BTreeSet::new();
        while let Some(&(due, class, at)) = self.due.first().filter(|due| due.0 <= now) {
            self.due.remove(&(due, class, at));
            for class in self.way_up(class) {
                again.insert((self.atlas.class(class).loads.len(), class, at));
            }
        }
        for (_, class, at) in again {
            self.refresh(class, at);
        }
    }

    /// The next time [`Tree::advance`] has something to do.
    pub(crate) fn due_ms(&self) -> Option<i64> {
        self.due.first().map(|due| due.0 * STEP_MS)
    }

    /// A dispatcher says, or takes back, that the outage at `at_ms` is at a device of `class`.
    pub(crate) fn pin(&mut self, class: ClassIx, at_ms: i64, pinned: bool) {
        let at = step(at_ms);
        if pinned {
            self.pins.insert((class, at));
        } else {
            self.pins.remove(&(class, at));
        }
        let way = self.way_up(class);
        self.link(&way);
        for class in way {
            self.refresh(class, at);
        }
    }

    /// Did a dispatcher name the device of this finding.
    pub(crate) fn is_pinned(&self, finding: &Finding) -> bool {
        self.pins
            .range((finding.class, finding.span.first)..=(finding.class, finding.span.last))
            .next()
            .is_some()
    }

    fn report(&mut self, load: LoadIx, note: impl FnOnce(&mut Record) -> bool) {
        let customers = self.atlas.grid.load_customers(load).max(1);
        let lapse_ms = self.lapse_ms;
        let record = self.records.entry(load).or_default();
        let before = record.marks(customers, lapse_ms);
        note(record);
        let after = record.marks(customers, lapse_ms);
        let gone: Vec<_> = before
            .iter()
            .filter(|mark| !after.contains(mark))
            .copied()
            .collect();
        let fresh: Vec<_> = after
            .iter()
            .filter(|mark| !before.contains(mark))
            .copied()
            .collect();
        let leaf = self.atlas.leaf(load);
        let way = self.way_up(leaf);
        self.link(&way);
        for class in way {
            let cells = &mut self.nodes.entry(class).or_default().cells;
            for &(at_ms, mark) in &gone {
                *cells.entry(step(at_ms)).or_default().slot(mark) -= 1;
            }
            for &(at_ms, mark) in &fresh {
                *cells.entry(step(at_ms)).or_default().slot(mark) += 1;
            }
            self.refresh_all(class, gone.iter().chain(&fresh).map(|mark| step(mark.0)));
        }
    }

    fn trip(&mut self, class: ClassIx, at_ms: i64) {
        let way = self.way_up(class);
        self.link(&way);
        for above in way {
            let node = self.nodes.entry(above).or_default();
            let cell = node.cells.entry(step(at_ms)).or_default();
            if above == class {
                cell.trips += 1;
                *node.trips.entry(at_ms).or_default() += 1;
            } else {
                cell.trips_below += 1;
            }
            self.refresh(above, step(at_ms));
        }
    }

    fn refresh_all(&mut self, class: ClassIx, steps: impl Iterator<Item = i64>) {
        let steps: BTreeSet<i64> = steps.collect();
        for at in steps {
            self.refresh(class, at);
        }
    }

    /// From a class to its root. A crossing class stands beside its parent, not in the tree.
    pub(crate) fn way_up(&self, class: ClassIx) -> Vec<ClassIx> {
        let mut way = vec![class];
        while let Some(above) = self.atlas.class(way[way.len() - 1]).parent {
            way.push(above);
        }
        way
    }

    fn link(&mut self, way: &[ClassIx]) {
        for pair in way.windows(2) {
            let first = self.atlas.class(pair[0]).loads[0];
            let crossing = self.atlas.class(pair[1]).crossing.contains(&pair[0]);
            let children = &mut self.nodes.entry(pair[1]).or_default().children;
            if !crossing {
                children.insert(first, pair[0]);
            }
        }
        if let Some(&root) = way.last() {
            let first = self.atlas.class(root).loads[0];
            self.roots.insert(first, root);
            self.stale.insert(first);
        }
    }

    /// Scores the outages of `class` around a step anew.
    fn refresh(&mut self, class: ClassIx, at: i64) {
        let Some(node) = self.nodes.get(&class) else {
            return;
        };
        let spans = spans_around(&node.cells, at, self.gap, self.restored_share);
        let values: Vec<Value> = spans.iter().map(|&span| self.value(class, span)).collect();
        let low = values.first().map_or(at, |value| value.span.first.min(at));
        let high = values.last().map_or(at, |value| value.span.last.max(at));
        let Some(node) = self.nodes.get_mut(&class) else {
            return;
        };
        let old: Vec<i64> = node.values.range(low..=high).map(|(&first, _)| first).collect();
        for first in old {
            node.values.remove(&first);
        }
        for value in values {
            node.values.insert(value.span.first, value);
        }
        if let Some(&root) = self.way_up(class).last() {
            self.stale.insert(self.atlas.class(root).loads[0]);
        }
    }

    fn value(&mut self, class: ClassIx, span: Span) -> Value {
        let (inside, inner_seed) = self.inside(class, span);
        let node = &self.nodes[&class];
        let own_seed = node
            .trips
            .keys()
            .copied()
            .find(|&at_ms| (span.first..=span.last).contains(&step(at_ms)));
        let first_load = self.atlas.class(class).loads[0];
        let own_seed = own_seed
            .map(|at_ms| (at_ms, first_load))
            .or_else(|| self.first_report(class, span));
        let seed = own_seed.into_iter().chain(inner_seed).min();
        let below: u32 = node
            .cells
            .range(span.first..=span.last)
            .map(|(_, cell)| cell.trips_below)
            .sum();
        let opened = self.opened(class, &node.cells, span) + f64::from(below) * self.ln_trip_wrong;
        self.look_again(class, span);
        let mut value = Value {
            span,
            seed: seed.unwrap_or((span.first * STEP_MS, first_load)),
            opened,
            inside,
            best: opened.max(inside),
            choice: if opened >= inside {
                Choice::Opened
            } else {
                Choice::Inside
            },
        };
        for crossing in self.atlas.class(class).crossing.clone() {
            let (total, _) = self.crossing_total(class, crossing, span);
            if total > value.best {
                (value.best, value.choice) = (total, Choice::Crossing(crossing));
            }
        }
        value
    }

    /// The earliest report of a class of one load.
    fn first_report(&self, class: ClassIx, span: Span) -> Option<(i64, LoadIx)> {
        let [load] = self.atlas.class(class).loads[..] else {
            return None;
        };
        let record = self.records.get(&load)?;
        let times = record.calls.iter().chain(&record.gasps).chain(&record.offs);
        let within = times.filter(|&&at_ms| (span.first..=span.last).contains(&step(at_ms)));
        within.min().map(|&at_ms| (at_ms, load))
    }

    /// ln of rate and fit if a device of `class` opened.
    pub(crate) fn opened(&self, class: ClassIx, cells: &Cells, span: Span) -> f64 {
        let pinned = self.pins.range((class, span.first)..=(class, span.last)).count();
        let mut fit = self.fit(class, cells, span, 0);
        if let Some(begin) = burst(cells, span) {
            let early: u32 = cells.range(span.first..begin).map(|(_, cell)| cell.out()).sum();
            let late = self.fit(class, cells, Span { first: begin, ..span }, early);
            fit = fit.max(late + f64::from(early) * self.ln_lone);
        }
        self.atlas.class(class).ln_rate + fit + pinned as f64 * PINNED
    }

    /// ln of the fit of what was heard in `span`; `early` customers had reported something else before.
    fn fit(&self, class: ClassIx, cells: &Cells, span: Span, early: u32) -> f64 {
        let row = self.atlas.class(class);
        let mut heard = heard(cells, span, self.gap);
        heard.customers = row.customers.saturating_sub(early);
        heard.loads = (row.loads.len() as u32).saturating_sub(early);
        heard.elapsed_min = stage(self.age_min(span)).0;
        self.likelihood.opened(&heard)
    }

    fn age_min(&self, span: Span) -> f64 {
        (self.now_step.max(span.last).saturating_sub(span.first) * STEP_MS) as f64 / 60_000.0
    }

    fn look_again(&mut self, class: ClassIx, span: Span) {
        let calls: u32 = self.nodes[&class]
            .cells
            .range(span.first..=span.last)
            .map(|(_, cell)| cell.calls)
            .sum();
        let silent = self.atlas.class(class).customers > calls;
        if let (true, Some(next_min)) = (silent, stage(self.age_min(span)).1) {
            let at = span.first + (next_min * 60_000.0) as i64 / STEP_MS;
            self.due.insert((at, class, span.first));
        }
    }

    /// The score of the best explanation without a device of `class`, and the earliest report.
    fn inside(&self, class: ClassIx, span: Span) -> (f64, Option<(i64, LoadIx)>) {
        let node = &self.nodes[&class];
        let own: u32 = node
            .cells
            .range(span.first..=span.last)
            .map(|(_, cell)| cell.trips)
            .sum();
        let mut total = f64::from(own) * self.ln_trip_wrong;
        if self.atlas.class(class).loads.len() == 1 {
            total += IMPOSSIBLE;
        }
        let mut seed = None;
        for value in self.inner(class, span) {
            total += value.best;
            seed = seed.into_iter().chain([value.seed]).min();
        }
        (total, seed)
    }

    /// The outages directly inside.
    pub(crate) fn inner(&self, class: ClassIx, span: Span) -> impl Iterator<Item = &Value> {
        let children = self
            .nodes
            .get(&class)
            .into_iter()
            .flat_map(|node| node.children.values());
        children
            .filter_map(|child| self.nodes.get(child))
            .flat_map(move |child| child.values.range(span.first..span.until).map(|(_, value)| value))
    }

    /// The score of `class`'s span if the crossing class opened, and what that would explain.
    pub(crate) fn crossing_total(&mut self, class: ClassIx, crossing: ClassIx, span: Span) -> (f64, Crossed) {
        let mut crossed = Crossed {
            cells: Cells::new(),
            outside: 0.0,
            seed: None,
        };
        self.sort_out(class, crossing, span, &mut crossed);
        if crossed.seed.is_none() {
            return (f64::NEG_INFINITY, crossed);
        }
        let own = Span {
            until: span.until,
            ..span
        };
        let total = self.opened(crossing, &crossed.cells, own) + crossed.outside;
        (total, crossed)
    }

    fn sort_out(&mut self, class: ClassIx, crossing: ClassIx, span: Span, crossed: &mut Crossed) {
        let node = &self.nodes[&class];
        let own: u32 = node
            .cells
            .range(span.first..=span.last)
            .map(|(_, cell)| cell.trips)
            .sum();
        crossed.outside += f64::from(own) * self.ln_trip_wrong;
        for child in node.children.values().copied().collect::<Vec<_>>() {
            match self.lie(child, crossing) {
                Lie::Inside => self.take(child, span, crossed),
                Lie::Apart => crossed.outside += self.best_of(child, span),
                Lie::Across => self.sort_out(child, crossing, span, crossed),
            }
        }
    }

    fn take(&self, child: ClassIx, span: Span, crossed: &mut Crossed) {
        let node = &self.nodes[&child];
        for (&at, cell) in node.cells.range(span.first..span.until.saturating_add(self.gap)) {
            crossed.cells.entry(at).or_insert_with(Cell::default).add(cell);
        }
        let seeds = node
            .values
            .range(span.first..span.until)
            .map(|(_, value)| value.seed);
        crossed.seed = crossed.seed.into_iter().chain(seeds).min();
    }

    fn best_of(&self, class: ClassIx, span: Span) -> f64 {
        let values = self.nodes[&class].values.range(span.first..span.until);
        values.map(|(_, value)| value.best).sum()
    }

    pub(crate) fn lie(&mut self, class: ClassIx, crossing: ClassIx) -> Lie {
        let atlas = &self.atlas;
        *self.lie.entry((class, crossing)).or_insert_with(|| {
            let (mine, its) = (&atlas.class(class).loads, &atlas.class(crossing).loads);
            if contains(its, mine) {
                Lie::Inside
            } else if mine.iter().any(|load| its.binary_search(load).is_ok()) {
                Lie::Across
            } else {
                Lie::Apart
            }
        })
    }
}

/// The last stage reached at `age_min`, and the next one.
fn stage(age_min: f64) -> (f64, Option<f64>) {
    let next = STAGES_MIN
        .iter()
        .position(|&stage| stage > age_min)
        .unwrap_or(STAGES_MIN.len());
    (STAGES_MIN[next.saturating_sub(1)], STAGES_MIN.get(next).copied())
}
