//! What was heard below one class, by time, cut into outages; and how each is best explained.

use std::collections::BTreeMap;

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
    /// The step before which children's outages belong to this one.
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
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value {
    pub(crate) span: Span,
    /// The earliest report and its load; names the incident.
    pub(crate) seed: (i64, LoadIx),
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
    /// Classes with evidence directly inside, by their first load: an order that does not depend on arrival.
    pub(crate) children: BTreeMap<LoadIx, ClassIx>,
}

/// The spans of all reports linked to `step` by gaps of at most `gap` steps, on both sides.
pub(crate) fn spans_around(cells: &Cells, step: i64, gap: i64, restored_share: f64) -> Vec<Span> {
    let out = |range| {
        cells
            .range::<i64, _>(range)
            .filter(|(_, cell)| cell.out() > 0)
            .map(|(&at, _)| at)
    };
    let mut low = step;
    for at in out((std::ops::Bound::Unbounded, std::ops::Bound::Included(step))).rev() {
        if low - at > gap {
            break;
        }
        low = at;
    }
    let mut high = step;
    for at in out((std::ops::Bound::Excluded(step), std::ops::Bound::Unbounded)) {
        if at - high > gap {
            break;
        }
        high = at;
    }
    cut(cells, low, high, gap, restored_share)
}

/// Cuts at gaps and where a restoration ends an outage.
fn cut(cells: &Cells, low: i64, high: i64, gap: i64, restored_share: f64) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let (mut reports, mut back) = (0_u32, 0_u32);
    for (&at, cell) in cells.range(low..=high.saturating_add(gap)) {
        if cell.out() > 0 {
            let ended = |span: &Span| at - span.last > gap || span.restored.is_some();
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
                        until: high + 1,
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
            && f64::from(back) >= restored_share * f64::from(reports)
        {
            span.restored = Some(at);
        }
    }
    spans
}

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
    // After a restoration a meter with supply speaks against nothing.
    let asked_until = span
        .restored
        .unwrap_or(span.last.saturating_add(gap))
        .min(span.until.max(span.last + 1));
    let asked = cells.range(span.first..asked_until.max(span.first));
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let spans = spans_around(&cells, 10, 15, 0.2);
        assert_eq!(
            spans
                .iter()
                .map(|span| (span.first, span.last))
                .collect::<Vec<_>>(),
            [(0, 10)]
        );
        assert_eq!(spans_around(&cells, 20, 15, 0.2).len(), 2);
    }

    #[test]
    fn a_restoration_of_enough_ends_an_outage_and_of_too_few_does_not() {
        let table = cells(&[(0, 4, 0), (5, 0, 1), (6, 1, 0)]);
        assert_eq!(spans_around(&table, 0, 15, 0.25).len(), 2);
        assert_eq!(spans_around(&table, 0, 15, 0.26).len(), 1);
    }

    #[test]
    fn a_burst_after_a_few_early_reports_is_found() {
        let early_and_many = cells(&[(0, 1, 0), (60, 2, 0), (62, 4, 0), (70, 3, 0)]);
        let span = spans_around(&early_and_many, 0, 200, 0.2)[0];
        assert_eq!(burst(&early_and_many, span), Some(60));
        let at_once = cells(&[(0, 3, 0), (5, 4, 0), (60, 1, 0)]);
        assert_eq!(burst(&at_once, spans_around(&at_once, 0, 200, 0.2)[0]), None);
    }

    #[test]
    fn children_belong_to_the_span_they_begin_in() {
        let spans = spans_around(&cells(&[(0, 1, 0), (5, 0, 1), (8, 2, 0)]), 0, 15, 0.2);
        assert_eq!((spans[0].until, spans[1].first, spans[1].until), (8, 8, 9));
    }
}
