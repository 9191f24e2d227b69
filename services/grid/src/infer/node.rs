//! What was heard below one class, by time, cut into outages; and how each is best explained.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};

use super::atlas::ClassIx;
use super::likelihood::Heard;
use super::record::{Mark, STEP_MS};
use crate::model::LoadIx;

/// Counts of one time step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) calls: u32,
    pub(crate) gasps: u32,
    pub(crate) offs: u32,
    pub(crate) back: u32,
    pub(crate) fed: u32,
    /// Trips of this class's own devices.
    pub(crate) trips: u32,
    /// Trips of devices further down.
    pub(crate) trips_below: u32,
}

impl Cell {
    /// Reports that say "out".
    pub(crate) fn out(&self) -> u32 {
        self.calls + self.gasps + self.offs + self.trips + self.trips_below
    }

    /// All of a span.
    pub(crate) fn sum(cells: &Cells, span: Span) -> Cell {
        let mut sum = Cell::default();
        cells
            .range(span.first..=span.last)
            .for_each(|(_, cell)| sum.add(cell));
        sum
    }

    pub(crate) fn add(&mut self, other: &Cell) {
        self.calls += other.calls;
        self.gasps += other.gasps;
        self.offs += other.offs;
        self.back += other.back;
        self.fed += other.fed;
        self.trips += other.trips;
        self.trips_below += other.trips_below;
    }

    pub(crate) fn slot(&mut self, mark: Mark) -> &mut u32 {
        match mark {
            Mark::Call => &mut self.calls,
            Mark::Gasp => &mut self.gasps,
            Mark::Off => &mut self.offs,
            Mark::Back => &mut self.back,
            Mark::Fed => &mut self.fed,
        }
    }
}

/// Counts by time step.
pub(crate) type Cells = BTreeMap<i64, Cell>;

/// One outage as seen from one class: steps that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Step of the first report.
    pub(crate) first: i64,
    /// Step of the last report that says "out".
    pub(crate) last: i64,
    /// The first report of the next one; children's outages before it belong to this one.
    pub(crate) until: i64,
    /// When enough of those who reported were back.
    pub(crate) restored: Option<i64>,
}

/// What explains a span best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// A device of this class opened.
    Opened,
    /// Whatever explains the classes inside best.
    Inside,
    /// A class that crosses those inside opened.
    Crossing(ClassIx),
}

/// The scores of one span, in ln.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Value {
    pub(crate) span: Span,
    /// The earliest report and its load.
    pub(crate) seed: (i64, LoadIx),
    /// The earliest report that the choice explains; names the incident.
    pub(crate) named: (i64, LoadIx),
    pub(crate) opened: f64,
    pub(crate) inside: f64,
    pub(crate) best: f64,
    pub(crate) choice: Choice,
}

/// A class with evidence.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) cells: Cells,
    /// Exact times of trips of its own devices.
    pub(crate) trips: BTreeMap<i64, u32>,
    pub(crate) values: BTreeMap<i64, Value>,
    /// Steps at which an outage of this class was restored.
    pub(crate) restored: BTreeSet<i64>,
    /// Classes with evidence directly inside, by their first load: an order that does not depend on arrival.
    pub(crate) children: BTreeMap<LoadIx, ClassIx>,
}

/// When an outage ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Steps without a report.
    pub(crate) gap: i64,
    /// Share of those who reported that are back.
    pub(crate) restored_share: f64,
}

/// The spans of all reports linked to `step` by gaps of at most `gap` steps, on both sides, and the spans
/// linked to each other before them: their ends depend on when the next begins.
///
/// `cut_above` says whether a larger outage was restored from the first step on and before the second:
/// what is reported afterwards is another outage, although nothing of this class came back.
pub(crate) fn spans_around(
    cells: &Cells,
    step: i64,
    rules: Rules,
    cut_above: impl Fn(i64, i64) -> bool,
) -> Vec<Span> {
    let out = |range| {
        cells
            .range::<i64, _>(range)
            .filter(|(_, cell)| cell.out() > 0)
            .map(|(&at, _)| at)
    };
    let mut low = step;
    let mut before = false;
    for at in out((Bound::Unbounded, Bound::Included(step))).rev() {
        if low - at > rules.gap && std::mem::replace(&mut before, true) {
            break;
        }
        low = at;
    }
    let mut high = step;
    for at in out((Bound::Excluded(step), Bound::Unbounded)) {
        if at - high > rules.gap {
            break;
        }
        high = at;
    }
    let next = out((Bound::Excluded(high), Bound::Unbounded)).next();
    cut(cells, low..next.unwrap_or(i64::MAX), rules, cut_above)
}

/// Cuts at gaps and where a restoration ends an outage. A restoration counts however long after the last
/// report it is found.
fn cut(cells: &Cells, steps: Range<i64>, rules: Rules, cut_above: impl Fn(i64, i64) -> bool) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let (mut reports, mut back) = (0_u32, 0_u32);
    let end = steps.end;
    for (&at, cell) in cells.range(steps) {
        if cell.out() > 0 {
            let ended = |span: &Span| {
                at - span.last > rules.gap || span.restored.is_some() || cut_above(span.last, at)
            };
            match spans.last_mut().filter(|span| !ended(span)) {
                Some(span) => span.last = at,
                None => {
                    if let Some(before) = spans.last_mut() {
                        before.until = at;
                    }
                    (reports, back) = (0, 0);
                    spans.push(Span {
                        first: at,
                        last: at,
                        until: end,
                        restored: None,
                    });
                }
            }
            reports += cell.out();
        }
        back += cell.back;
        if let Some(span) = spans.last_mut()
            && span.restored.is_none()
            && back > 0
            && f64::from(back) >= rules.restored_share * f64::from(reports)
        {
            span.restored = Some(at);
        }
    }
    spans
}

/// Steps before the first word that somebody is back in which others may be back already: two minutes.
const RESTORING: i64 = 4;

/// What was heard in `span`, for the likelihood.
pub(crate) fn heard(cells: &Cells, span: Span, gap: i64) -> Heard {
    let mut heard = Heard::default();
    for (&at, cell) in cells.range(span.first..=span.last) {
        let min = ((at - span.first) * STEP_MS) as f64 / 60_000.0;
        if cell.calls > 0 {
            heard.calls.push((min, cell.calls));
        }
        if cell.gasps > 0 {
            heard.gasps.push((min, cell.gasps));
        }
    }
    // Once the first of those who reported is back, a meter with supply speaks against nothing.
    let within = cells.range(span.first..span.until.min(span.last.saturating_add(gap)));
    let first_back = within.clone().find(|(_, cell)| cell.back > 0).map(|(&at, _)| at);
    let asked = within.take_while(|&(&at, _)| first_back.is_none_or(|back| at + RESTORING < back));
    heard.fed = asked.map(|(_, cell)| cell.fed).sum();
    heard
}

/// Steps of the window that a burst of reports is looked for in: ten minutes.
const BURST: i64 = 20;

/// The step where most reports of a span begin, if that is well after its first one: the first ones may
/// then be about something smaller that was out before.
pub(crate) fn burst(cells: &Cells, span: Span) -> Option<i64> {
    let out: Vec<(i64, u32)> = cells
        .range(span.first..=span.last)
        .map(|(&at, cell)| (at, cell.out()))
        .filter(|cell| cell.1 > 0)
        .collect();
    let total: u32 = out.iter().map(|cell| cell.1).sum();
    let (mut most, mut begin) = (0, span.first);
    let (mut low, mut within) = (0, 0);
    for &(at, count) in &out {
        within += count;
        while out[low].0 + BURST < at {
            within -= out[low].1;
            low += 1;
        }
        if within > most {
            (most, begin) = (within, out[low].0);
        }
    }
    let early: u32 = out.iter().filter(|cell| cell.0 < begin).map(|cell| cell.1).sum();
    (begin > span.first + BURST / 2 && early * 2 < total).then_some(begin)
}

/// The step of the first last gasp of a span, if something was reported before it.
pub(crate) fn first_gasp(cells: &Cells, span: Span) -> Option<i64> {
    let mut gasps = cells
        .range(span.first..=span.last)
        .filter(|(_, cell)| cell.gasps > 0);
    gasps.next().map(|(&at, _)| at).filter(|&at| at > span.first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(cells: &Cells, step: i64, gap: i64, restored_share: f64) -> Vec<Span> {
        let rules = Rules { gap, restored_share };
        spans_around(cells, step, rules, |_, _| false)
    }

    fn cells(rows: &[(i64, u32, u32)]) -> Cells {
        let cell = |calls, back| Cell {
            calls,
            back,
            ..Cell::default()
        };
        rows.iter()
            .map(|&(at, calls, back)| (at, cell(calls, back)))
            .collect()
    }

    #[test]
    fn a_gap_ends_an_outage() {
        let cells = cells(&[(0, 1, 0), (10, 1, 0), (30, 1, 0)]);
        let found = spans(&cells, 10, 15, 0.2);
        let ends: Vec<_> = found
            .iter()
            .map(|span| (span.first, span.last, span.until))
            .collect();
        assert_eq!(ends, [(0, 10, 30)]);
        assert_eq!(spans(&cells, 20, 15, 0.2).len(), 2);
    }

    #[test]
    fn a_restoration_of_enough_ends_an_outage_and_of_too_few_does_not() {
        let table = cells(&[(0, 4, 0), (5, 0, 1), (6, 1, 0)]);
        assert_eq!(spans(&table, 0, 15, 0.25).len(), 2);
        assert_eq!(spans(&table, 0, 15, 0.26).len(), 1);
    }

    /// Whichever report it is looked at from, a span is the same: late evidence finds what early evidence did.
    #[test]
    fn a_restoration_long_after_the_last_report_ends_an_outage_too() {
        let cells = cells(&[(0, 4, 0), (80, 0, 2), (90, 3, 0)]);
        let first = |step| spans(&cells, step, 15, 0.2)[0];
        for step in [0, 10, 80, 90] {
            assert_eq!(
                (first(step).restored, first(step).until),
                (Some(80), 90),
                "{step}"
            );
        }
    }

    #[test]
    fn a_restoration_above_ends_what_did_not_come_back() {
        let cells = cells(&[(0, 4, 0), (10, 1, 0), (20, 3, 0)]);
        let rules = Rules {
            gap: 15,
            restored_share: 0.2,
        };
        let found = spans_around(&cells, 0, rules, |last, at| (last..at).contains(&12));
        let ends: Vec<_> = found.iter().map(|span| (span.first, span.last)).collect();
        assert_eq!(ends, [(0, 10), (20, 20)]);
    }

    #[test]
    fn a_burst_after_a_few_early_reports_is_found() {
        let early_and_many = cells(&[(0, 1, 0), (60, 2, 0), (62, 4, 0), (70, 3, 0)]);
        let span = spans(&early_and_many, 0, 200, 0.2)[0];
        assert_eq!(burst(&early_and_many, span), Some(60));
        let at_once = cells(&[(0, 3, 0), (5, 4, 0), (60, 1, 0)]);
        assert_eq!(burst(&at_once, spans(&at_once, 0, 200, 0.2)[0]), None);
    }

    #[test]
    fn children_belong_to_the_span_they_begin_in() {
        let found = spans(&cells(&[(0, 1, 0), (5, 0, 1), (8, 2, 0)]), 0, 15, 0.2);
        assert_eq!((found[0].until, found[1].first, found[1].until), (8, 8, i64::MAX));
    }
}
