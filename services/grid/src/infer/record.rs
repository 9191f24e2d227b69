//! Everything heard of one load, in any order, and what of it counts: repeats and duplicates do not.

use std::collections::BTreeSet;

/// Time is counted in steps of this many milliseconds.
pub(crate) const STEP_MS: i64 = 30_000;

/// The step an instant lies in.
pub(crate) fn step(at_ms: i64) -> i64 {
    at_ms.div_euclid(STEP_MS)
}

/// What one report of a load counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// A customer's first call of an outage.
    Call,
    /// The first last gasp of an outage.
    Gasp,
    /// The first ping of an outage that found no supply.
    Off,
    /// The first ping with supply after an outage.
    Back,
    /// A ping with supply while nothing says the load was out.
    Fed,
}

/// All reports of one load, each kind by time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    pub(crate) calls: BTreeSet<i64>,
    pub(crate) gasps: BTreeSet<i64>,
    pub(crate) offs: BTreeSet<i64>,
    pub(crate) ons: BTreeSet<i64>,
}

impl Record {
    /// What counts, in order; the same for the same reports in whatever order they came.
    ///
    /// An outage of a load ends with a ping that finds supply, or with `lapse_ms` of silence. Within
    /// one, each of its `customers` calls once: more calls are urging, not news.
    pub(crate) fn marks(&self, customers: u32, lapse_ms: i64) -> Vec<(i64, Mark)> {
        let mut marks = Vec::new();
        let mut outage = Outage::default();
        for (at_ms, heard) in self.in_time() {
            if outage.last_ms.is_some_and(|last_ms| at_ms - last_ms > lapse_ms) {
                outage = Outage::default();
            }
            marks.extend(outage.next(at_ms, heard, customers).map(|mark| (at_ms, mark)));
        }
        marks.sort_unstable();
        marks
    }

    fn in_time(&self) -> Vec<(i64, Mark)> {
        let kinds = [
            (&self.calls, Mark::Call),
            (&self.gasps, Mark::Gasp),
            (&self.offs, Mark::Off),
            (&self.ons, Mark::Fed),
        ];
        let mut all: Vec<(i64, Mark)> = kinds
            .iter()
            .flat_map(|(times, mark)| times.iter().map(|&at_ms| (at_ms, *mark)))
            .collect();
        all.sort_unstable();
        all
    }

    /// When somebody or something said that there is no supply, each kind by time.
    pub(crate) fn reports(&self) -> impl Iterator<Item = i64> + '_ {
        self.calls.iter().chain(&self.gasps).chain(&self.offs).copied()
    }

    /// Was this load found with supply from this moment on.
    pub(crate) fn is_on_since(&self, at_ms: i64) -> bool {
        self.ons.range(at_ms..).next().is_some()
    }

    /// Has its meter ever spoken.
    pub(crate) fn has_meter(&self) -> bool {
        !(self.gasps.is_empty() && self.offs.is_empty() && self.ons.is_empty())
    }
}

/// One outage of one load while its reports are read.
#[derive(Default)]
struct Outage {
    last_ms: Option<i64>,
    calls: u32,
    gasped: bool,
    pinged: bool,
}

impl Outage {
    fn next(&mut self, at_ms: i64, heard: Mark, customers: u32) -> Option<Mark> {
        if heard == Mark::Fed {
            let was_out = std::mem::take(self).last_ms.is_some();
            return Some(if was_out { Mark::Back } else { Mark::Fed });
        }
        self.last_ms = Some(at_ms);
        let news = match heard {
            Mark::Call if self.calls < customers => {
                self.calls += 1;
                true
            }
            Mark::Gasp => !std::mem::replace(&mut self.gasped, true),
            Mark::Off => !std::mem::replace(&mut self.pinged, true),
            Mark::Call | Mark::Back | Mark::Fed => false,
        };
        news.then_some(heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAPSE: i64 = 7_200_000;

    fn record(calls: &[i64], gasps: &[i64], ons: &[i64]) -> Record {
        Record {
            calls: calls.iter().copied().collect(),
            gasps: gasps.iter().copied().collect(),
            offs: BTreeSet::new(),
            ons: ons.iter().copied().collect(),
        }
    }

    #[test]
    fn a_customer_who_urges_counts_once_and_neighbours_behind_one_load_each() {
        let urged = record(&[0, 60_000, 120_000], &[], &[]);
        assert_eq!(urged.marks(1, LAPSE), [(0, Mark::Call)]);
        assert_eq!(urged.marks(2, LAPSE), [(0, Mark::Call), (60_000, Mark::Call)]);
    }

    #[test]
    fn a_ping_with_supply_ends_an_outage_and_the_next_call_begins_another() {
        let marks = record(&[10, 30], &[5], &[20]).marks(1, LAPSE);
        assert_eq!(
            marks,
            [
                (5, Mark::Gasp),
                (10, Mark::Call),
                (20, Mark::Back),
                (30, Mark::Call)
            ]
        );
    }

    #[test]
    fn a_ping_with_supply_and_nothing_before_only_says_fed() {
        assert_eq!(
            record(&[30], &[], &[20]).marks(1, LAPSE),
            [(20, Mark::Fed), (30, Mark::Call)]
        );
    }

    #[test]
    fn a_call_after_a_long_silence_is_about_another_outage() {
        let marks = record(&[0, LAPSE, 2 * LAPSE + 1], &[], &[]).marks(1, LAPSE);
        assert_eq!(marks, [(0, Mark::Call), (2 * LAPSE + 1, Mark::Call)]);
    }
}
