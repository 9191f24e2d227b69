//! The best joint explanation of everything heard, kept up to date report by report.
//!
//! Classes lie in each other, so the best explanation of a class is either "a device of this class
//! opened" or the best of what lies inside. Each class with evidence keeps both scores; a report changes
//! them only on the way from its load to the source. Several faults at once, and lone calls that belong to
//! none, are part of the comparison.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::atlas::{Atlas, ClassIx};
use super::crossing::Lie;
use super::decide::Finding;
use super::evidence::{Evidence, What};
use super::likelihood::Likelihood;
use super::node::{Cells, Choice, Node, Rules, Span, Value, burst, first_gasp, heard};
use super::record::{Record, STEP_MS, step};
use super::weights::Weights;
use crate::model::LoadIx;

/// Scores are looked at again when an outage gets this old, minutes: silence weighs more with time.
const STAGES_MIN: [f64; 12] = [0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 25.0, 40.0, 70.0, 120.0];
/// An outage is named by its burst if the reports before it are fewer than one in so many.
const EARLY_FEW: u32 = 5;
/// What nothing explains.
const IMPOSSIBLE: f64 = -1e6;
/// What a dispatcher says outweighs everything.
const PINNED: f64 = 1e5;

/// Classes with evidence and their scores.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) atlas: Atlas,
    pub(crate) likelihood: Likelihood,
    pub(crate) rules: Rules,
    /// Steps for which an outage takes in late callers.
    pub(crate) lapse: i64,
    lapse_ms: i64,
    pub(crate) ln_trip_wrong: f64,
    /// ln of the density of a lone report, per hour.
    ln_lone: f64,
    pub(crate) nodes: HashMap<ClassIx, Node>,
    pub(crate) records: HashMap<LoadIx, Record>,
    pub(crate) roots: BTreeMap<LoadIx, ClassIx>,
    /// Roots below which something was restored.
    pub(crate) restored_roots: BTreeSet<ClassIx>,
    /// Roots whose explanation may have changed.
    pub(crate) stale: BTreeSet<LoadIx>,
    /// (step at which silence says more, class, a step of the outage).
    due: BTreeSet<(i64, ClassIx, i64)>,
    now_step: i64,
    /// Class and step of outages whose device a dispatcher named.
    pins: BTreeSet<(ClassIx, i64)>,
    /// How a class lies to a crossing class.
    pub(crate) lie: HashMap<(ClassIx, ClassIx), Lie>,
}

impl Tree {
    pub(crate) fn new(atlas: Atlas, weights: &Arc<Weights>) -> Tree {
        let lapse_ms = (weights.incident.lapse_min * 60_000.0) as i64;
        Tree {
            atlas,
            likelihood: Likelihood::new(weights),
            rules: Rules {
                gap: (weights.incident.gap_min * 60_000.0) as i64 / STEP_MS,
                restored_share: weights.incident.restored_share,
            },
            lapse: lapse_ms / STEP_MS,
            lapse_ms,
            ln_trip_wrong: weights.telemetry.trip_wrong.ln(),
            ln_lone: (weights.rates.premise * weights.calls.share_a
                / (weights.calls.share_a + weights.calls.share_b))
                .ln(),
            nodes: HashMap::new(),
            records: HashMap::new(),
            roots: BTreeMap::new(),
            restored_roots: BTreeSet::new(),
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
        self.restored_roots.clear();
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
        for &class in &way {
            let cells = &mut self.nodes.entry(class).or_default().cells;
            for &(at_ms, mark) in &gone {
                *cells.entry(step(at_ms)).or_default().slot(mark) -= 1;
            }
            for &(at_ms, mark) in &fresh {
                *cells.entry(step(at_ms)).or_default().slot(mark) += 1;
            }
        }
        let steps = gone.iter().chain(&fresh).map(|mark| step(mark.0)).collect();
        self.refresh_way(&way, steps);
    }

    fn trip(&mut self, class: ClassIx, at_ms: i64) {
        let way = self.way_up(class);
        self.link(&way);
        for &above in &way {
            let node = self.nodes.entry(above).or_default();
            let cell = node.cells.entry(step(at_ms)).or_default();
            if above == class {
                cell.trips += 1;
                *node.trips.entry(at_ms).or_default() += 1;
            } else {
                cell.trips_below += 1;
            }
        }
        self.refresh_way(&way, BTreeSet::from([step(at_ms)]));
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
    pub(crate) fn refresh(&mut self, class: ClassIx, at: i64) {
        let spans = self.spans(class, at);
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
            .or_else(|| self.first_report(class, span.first..=span.last));
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
    fn first_report(&self, class: ClassIx, steps: RangeInclusive<i64>) -> Option<(i64, LoadIx)> {
        let [load] = self.atlas.class(class).loads[..] else {
            return None;
        };
        let record = self.records.get(&load)?;
        let times = record.calls.iter().chain(&record.gasps).chain(&record.offs);
        let within = times.filter(|&&at_ms| steps.contains(&step(at_ms)));
        within.min().map(|&at_ms| (at_ms, load))
    }

    /// The first report that an opened device of `class` explains, where a few earlier ones of its loads were
    /// about something else.
    pub(crate) fn begin(&self, class: ClassIx, span: Span) -> Option<(i64, LoadIx)> {
        let cells = &self.nodes.get(&class)?.cells;
        let (_, begin) = self.best_begin(class, cells, span);
        let count = |steps: RangeInclusive<i64>| cells.range(steps).map(|(_, cell)| cell.out()).sum::<u32>();
        let is_few =
            begin > span.first && count(span.first..=begin - 1) * EARLY_FEW <= count(begin..=span.last);
        if is_few {
            self.first_within(class, &(begin..=span.last))
        } else {
            None
        }
    }

    fn first_within(&self, class: ClassIx, steps: &RangeInclusive<i64>) -> Option<(i64, LoadIx)> {
        let node = self.nodes.get(&class)?;
        node.cells.range(steps.clone()).find(|(_, cell)| cell.out() > 0)?;
        let children = node
            .children
            .values()
            .filter_map(|&child| self.first_within(child, steps));
        let trips = node.trips.keys().filter(|&&at_ms| steps.contains(&step(at_ms)));
        let first_load = self.atlas.class(class).loads[0];
        let own = self.first_report(class, steps.clone());
        children
            .chain(own)
            .chain(trips.map(|&at_ms| (at_ms, first_load)))
            .min()
    }

    /// ln of rate and fit if a device of `class` opened.
    pub(crate) fn opened(&self, class: ClassIx, cells: &Cells, span: Span) -> f64 {
        let pinned = self.pins.range((class, span.first)..=(class, span.last)).count();
        let (fit, _) = self.best_begin(class, cells, span);
        self.atlas.class(class).ln_rate + fit + pinned as f64 * PINNED
    }

    /// The best fit of a span, and the step it begins at: with its first report, or later when what was
    /// reported before the burst, or before the first meter's word, fits better as something else.
    fn best_begin(&self, class: ClassIx, cells: &Cells, span: Span) -> (f64, i64) {
        let mut best = (f64::NEG_INFINITY, span.first);
        for begin in begins(cells, span) {
            let early: u32 = cells.range(span.first..begin).map(|(_, cell)| cell.out()).sum();
            let later = self.fit(class, cells, Span { first: begin, ..span }, early);
            let fit = later + f64::from(early) * self.ln_lone;
            if fit > best.0 {
                best = (fit, begin);
            }
        }
        best
    }

    /// ln of the fit of what was heard in `span`; `early` customers had reported something else before.
    fn fit(&self, class: ClassIx, cells: &Cells, span: Span, early: u32) -> f64 {
        let row = self.atlas.class(class);
        let mut heard = heard(cells, span, self.rules.gap);
        heard.customers = row.customers.saturating_sub(early);
        heard.loads = (row.loads.len() as u32).saturating_sub(early);
        heard.elapsed_min = stage(self.age_min(span)).0;
        self.likelihood.opened(&heard)
    }

    fn age_min(&self, span: Span) -> f64 {
        (self.now_step.max(span.last).saturating_sub(span.first) * STEP_MS) as f64 / 60_000.0
    }

    /// Notes when silence will next say more, counted from each step the outage may have begun at.
    fn look_again(&mut self, class: ClassIx, span: Span) {
        let cells = &self.nodes[&class].cells;
        let calls: u32 = cells
            .range(span.first..=span.last)
            .map(|(_, cell)| cell.calls)
            .sum();
        if self.atlas.class(class).customers <= calls {
            return;
        }
        for begin in begins(cells, span) {
            let age_min = self.age_min(Span { first: begin, ..span });
            if let Some(next_min) = stage(age_min).1 {
                let at = begin + (next_min * 60_000.0) as i64 / STEP_MS;
                self.due.insert((at, class, span.first));
            }
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
}

/// The steps an outage may have begun at: its first report, its burst, the first meter's word.
fn begins(cells: &Cells, span: Span) -> impl Iterator<Item = i64> {
    let later = burst(cells, span).into_iter().chain(first_gasp(cells, span));
    std::iter::once(span.first).chain(later)
}

/// The last stage reached at `age_min`, and the next one.
fn stage(age_min: f64) -> (f64, Option<f64>) {
    let next = STAGES_MIN
        .iter()
        .position(|&stage| stage > age_min)
        .unwrap_or(STAGES_MIN.len());
    (STAGES_MIN[next.saturating_sub(1)], STAGES_MIN.get(next).copied())
}
