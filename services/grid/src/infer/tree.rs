//! The best joint explanation of everything heard, kept up to date report by report.
//!
//! Classes lie in each other, so the best explanation of a class is either "a device of this class
//! opened" or the best of what lies inside. Each class with evidence keeps both scores; a report changes
//! them only on the way from its load to the source. Several faults at once, and lone calls that belong to
//! none, are part of the comparison.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::atlas::{Atlas, ClassIx};
use super::crossing::Lie;
use super::decide::Finding;
use super::evidence::{Evidence, What};
use super::incident::IncidentKey;
use super::likelihood::{Likelihood, STAGES_MIN, stage};
use super::node::{Cell, Cells, Choice, Node, Rules, Span, Value, burst, first_gasp, heard};
use super::record::{Mark, Record, STEP_MS, step};
use super::weights::Weights;
use crate::model::{DeviceIx, LoadIx};

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
    /// Classes whose counts changed since they were scored, with the steps that did.
    pub(crate) dirty: HashMap<ClassIx, BTreeSet<i64>>,
    /// Roots whose explanation may have changed, by their first load, with steps of the outages that did.
    pub(crate) stale: BTreeMap<LoadIx, BTreeSet<i64>>,
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
            dirty: HashMap::new(),
            stale: BTreeMap::new(),
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
        self.dirty.clear();
        self.stale.clear();
        self.due.clear();
        self.pins.clear();
        self.now_step = i64::MIN;
    }

    /// Takes one piece of evidence in; the caller leaves out duplicates. [`Tree::settle`] scores it.
    pub(crate) fn note(&mut self, evidence: &Evidence) {
        let at_ms = evidence.at_ms;
        match evidence.what {
            What::Call(load) => self.report(load, at_ms, |record| record.calls.insert(at_ms)),
            What::LastGasp(load) => self.report(load, at_ms, |record| record.gasps.insert(at_ms)),
            What::PingOff(load) => self.report(load, at_ms, |record| record.offs.insert(at_ms)),
            What::PingOn(load) => self.report(load, at_ms, |record| record.ons.insert(at_ms)),
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
        while let Some(&(due, class, at)) = self.due.first().filter(|due| due.0 <= now) {
            self.due.remove(&(due, class, at));
            self.soil(class, at);
        }
    }

    /// Notes that `class` and all around it are to be scored anew.
    fn soil(&mut self, class: ClassIx, at: i64) {
        let mut next = Some(class);
        while let Some(class) = next {
            self.dirty.entry(class).or_default().insert(at);
            next = self.atlas.class(class).parent;
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
        self.soil(class, at);
    }

    /// Telemetry says that a device is closed, or no longer does: its class fails as often as its other devices.
    pub(crate) fn watch(&mut self, device: DeviceIx, closed: bool) {
        let Some(class) = self.atlas.watch(device, closed) else {
            return;
        };
        // A class that crosses others is scored with the one around it.
        let around = [Some(class), self.atlas.class(class).parent];
        let nodes = around
            .into_iter()
            .flatten()
            .filter_map(|class| self.nodes.get(&class));
        let spans: BTreeSet<i64> = nodes.flat_map(|node| node.values.keys().copied()).collect();
        for at in spans {
            self.soil(class, at);
        }
    }

    /// Did a dispatcher name the device of this finding.
    pub(crate) fn is_pinned(&self, finding: &Finding) -> bool {
        self.pins
            .range((finding.class, finding.span.first)..=(finding.class, finding.span.last))
            .next()
            .is_some()
    }

    fn report(&mut self, load: LoadIx, at_ms: i64, note: impl FnOnce(&mut Record) -> bool) {
        let customers = self.atlas.grid.load_customers(load).max(1);
        let lapse_ms = self.lapse_ms;
        let record = self.records.entry(load).or_default();
        let before = record.marks(customers, lapse_ms);
        note(record);
        let after = record.marks(customers, lapse_ms);
        let leaf = self.atlas.leaf(load);
        let way = self.way_up(leaf);
        self.link(&way);
        let (gone, fresh) = differences(&before, &after);
        for &class in &way {
            let cells = &mut self.nodes.entry(class).or_default().cells;
            for &(at_ms, mark) in &gone {
                *cells.entry(step(at_ms)).or_default().slot(mark) -= 1;
            }
            for &(at_ms, mark) in &fresh {
                *cells.entry(step(at_ms)).or_default().slot(mark) += 1;
            }
            let steps = gone.iter().chain(&fresh).map(|mark| step(mark.0));
            // A repeat is no news, but may be the first word of its half minute, which names the incident.
            let steps = steps.chain([step(at_ms)]);
            self.dirty.entry(class).or_default().extend(steps);
        }
    }

    /// When a report counts: at its own time, or at that of the report of the same outage that it repeats.
    pub(crate) fn counted_ms(&self, report: IncidentKey) -> i64 {
        let customers = self.atlas.grid.load_customers(report.load).max(1);
        let record = self.records.get(&report.load);
        let marks = record.map(|record| record.marks(customers, self.lapse_ms));
        let said_out = marks
            .unwrap_or_default()
            .into_iter()
            .filter(|(_, mark)| !matches!(mark, Mark::Back | Mark::Fed));
        let before = said_out
            .map(|(at_ms, _)| at_ms)
            .filter(|at_ms| *at_ms <= report.at_ms);
        before.max().unwrap_or(report.at_ms)
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
        self.soil(class, step(at_ms));
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
            self.roots.insert(self.atlas.class(root).loads[0], root);
        }
    }

    /// Scores the outages of `class` around a step anew; gives the last step that this is about.
    pub(crate) fn refresh(&mut self, class: ClassIx, at: i64) -> i64 {
        let spans = self.spans(class, at);
        let values: Vec<Value> = spans.iter().map(|&span| self.value(class, span)).collect();
        let low = values.first().map_or(at, |value| value.span.first.min(at));
        let high = values.last().map_or(at, |value| value.span.last.max(at));
        let Some(node) = self.nodes.get_mut(&class) else {
            return high;
        };
        let old: Vec<Value> = node.values.range(low..=high).map(|(_, value)| *value).collect();
        for value in &old {
            node.values.remove(&value.span.first);
        }
        for &value in &values {
            node.values.insert(value.span.first, value);
        }
        self.note_stale(class, &old, &values);
        high
    }

    /// Notes which outages of a class are not what they were: what is said of them is to be read anew, also where
    /// the change came long after (a restoration may), and nothing was heard then of what lies around.
    fn note_stale(&mut self, class: ClassIx, before: &[Value], now: &[Value]) {
        let gone = before.iter().filter(|value| !now.contains(value));
        let fresh = now.iter().filter(|value| !before.contains(value));
        let mut changed = gone.chain(fresh).map(|value| value.span.first).peekable();
        if changed.peek().is_some() {
            let root = self.atlas.class(self.atlas.class(class).root);
            self.stale.entry(root.loads[0]).or_default().extend(changed);
        }
    }

    fn value(&mut self, class: ClassIx, span: Span) -> Value {
        let cells = &self.nodes[&class].cells;
        let sum = Cell::sum(cells, span);
        let (inside, seed) = self.inside(class, span, &sum);
        let begins = begins(cells, span);
        let (opened, begin) = self.opened(class, cells, span, &begins);
        let opened = opened + f64::from(sum.trips_below) * self.ln_trip_wrong;
        let mut value = Value {
            span,
            seed,
            named: seed,
            opened,
            inside,
            best: opened.max(inside),
            choice: Choice::Inside,
        };
        if opened >= inside {
            value.choice = Choice::Opened;
            value.named = self.named(class, span, begin).unwrap_or(seed);
        }
        if self.atlas.class(class).customers > sum.calls {
            self.look_again(class, span, &begins);
        }
        for crossing in self.atlas.class(class).crossing.clone() {
            let (total, crossed) = self.crossing_total(class, crossing, span);
            if total > value.best {
                (value.best, value.choice) = (total, Choice::Crossing(crossing));
                value.named = crossed.seed.unwrap_or(seed);
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
        let from_ms = steps.start().saturating_mul(STEP_MS);
        let first = |times: &BTreeSet<i64>| times.range(from_ms..).next().copied();
        let times = [&record.calls, &record.gasps, &record.offs].map(first);
        let earliest = times.into_iter().flatten().min();
        let within = earliest.filter(|&at_ms| steps.contains(&step(at_ms)));
        within.map(|at_ms| (at_ms, load))
    }

    /// The first report that an opened device of `class` explains, where a few earlier ones of its loads were
    /// about something else.
    fn named(&self, class: ClassIx, span: Span, begin: i64) -> Option<(i64, LoadIx)> {
        let cells = &self.nodes.get(&class)?.cells;
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
        let mut out = node.cells.range(steps.clone()).filter(|(_, cell)| cell.out() > 0);
        let first = *out.next()?.0;
        let children = node.children.values();
        let inner = children.filter_map(|&child| self.first_within(child, &(first..=first)));
        inner.chain(self.own_seed(class, first..=first)).min()
    }

    /// The earliest trip of a device of `class`, or report of its only load.
    fn own_seed(&self, class: ClassIx, steps: RangeInclusive<i64>) -> Option<(i64, LoadIx)> {
        let first_load = self.atlas.class(class).loads[0];
        let from_ms = steps.start().saturating_mul(STEP_MS);
        let trips = self.nodes.get(&class)?.trips.range(from_ms..);
        let mut trips = trips.map(|(&at_ms, _)| at_ms);
        let trip = trips.next().filter(|&at_ms| steps.contains(&step(at_ms)));
        let trip = trip.map(|at_ms| (at_ms, first_load));
        trip.into_iter().chain(self.first_report(class, steps)).min()
    }

    /// ln of rate and fit if a device of `class` opened, and the step it did: with the first report, or later when
    /// what was reported before the burst, or before the first meter's word, fits better as something else.
    pub(crate) fn opened(&self, class: ClassIx, cells: &Cells, span: Span, begins: &[i64]) -> (f64, i64) {
        let pinned = self.pins.range((class, span.first)..=(class, span.last)).count();
        let mut best = (f64::NEG_INFINITY, span.first);
        for &begin in begins {
            let early: u32 = cells.range(span.first..begin).map(|(_, cell)| cell.out()).sum();
            let later = self.fit(class, cells, Span { first: begin, ..span }, early);
            let fit = later + f64::from(early) * self.ln_lone;
            if fit > best.0 {
                best = (fit, begin);
            }
        }
        let sure = pinned as f64 * PINNED;
        (self.atlas.class(class).ln_rate + best.0 + sure, best.1)
    }

    /// ln of the fit of what was heard in `span`; `early` customers had reported something else before.
    fn fit(&self, class: ClassIx, cells: &Cells, span: Span, early: u32) -> f64 {
        let row = self.atlas.class(class);
        let mut heard = heard(cells, span, self.rules.gap);
        heard.customers = row.customers.saturating_sub(early);
        heard.loads = (row.loads.len() as u32).saturating_sub(early);
        heard.elapsed_min = self.age_min(span);
        self.likelihood.opened(&heard)
    }

    fn age_min(&self, span: Span) -> f64 {
        (self.now_step.max(span.last).saturating_sub(span.first) * STEP_MS) as f64 / 60_000.0
    }

    /// Notes when silence will next say more, counted from each step the outage may have begun at.
    fn look_again(&mut self, class: ClassIx, span: Span, begins: &[i64]) {
        for &begin in begins {
            let age_min = self.age_min(Span { first: begin, ..span });
            if let Some(next_min) = STAGES_MIN.get(stage(age_min) + 1) {
                let at = begin + (next_min * 60_000.0) as i64 / STEP_MS;
                self.due.insert((at, class, span.first));
            }
        }
    }

    /// The score of the best explanation without a device of `class`, and the earliest report.
    fn inside(&self, class: ClassIx, span: Span, sum: &Cell) -> (f64, (i64, LoadIx)) {
        let row = self.atlas.class(class);
        let mut total = f64::from(sum.trips) * self.ln_trip_wrong;
        if row.loads.len() == 1 {
            total += IMPOSSIBLE;
        }
        let mut seed = self.own_seed(class, span.first..=span.last);
        for value in self.inner(class, span) {
            total += value.best;
            seed = seed.into_iter().chain([value.seed]).min();
        }
        (total, seed.unwrap_or((span.first * STEP_MS, row.loads[0])))
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
pub(crate) fn begins(cells: &Cells, span: Span) -> Vec<i64> {
    let later = burst(cells, span).into_iter().chain(first_gasp(cells, span));
    std::iter::once(span.first).chain(later).collect()
}

/// What reports count as, by time.
type Marks = Vec<(i64, Mark)>;

/// What is in the first and not in the second, and the other way round; both ascend.
fn differences(before: &[(i64, Mark)], after: &[(i64, Mark)]) -> (Marks, Marks) {
    let (mut gone, mut fresh) = (Vec::new(), Vec::new());
    let (mut left, mut right) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (Some(l), Some(r)) => l.cmp(r),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return (gone, fresh),
        };
        match order {
            Ordering::Less => gone.extend(left.next()),
            Ordering::Greater => fresh.extend(right.next()),
            Ordering::Equal => _ = (left.next(), right.next()),
        }
    }
}
