//! How well the engine read a storm.

use std::ops::AddAssign;

use super::storm::{Storm, StormFault};
use crate::infer::replay::{Told, replay};
use crate::infer::{Engine, What};
use crate::model::{DeviceIx, Grid, LoadIx};

/// A fault counts when so many have called within so many minutes.
const CALLS_MIN: usize = 3;
const WITHIN_MS: i64 = 10 * 60_000;

/// Sums over faults; add the scores of storms up.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Faults with at least 3 calls within 10 minutes.
    pub faults: u32,
    /// The right device, or one that puts the same loads out, was first in the end.
    pub right: u32,
    /// It was first 10 minutes after the fault already.
    pub right_in_10_min: u32,
    /// It was among the first three in the end.
    pub right_in_3: u32,
    /// No incident has any of the fault's callers.
    pub missed: u32,
    /// Customers put out by these faults.
    pub customers: u64,
    /// Customers said to be out who were not.
    pub wrongly_in: u64,
    /// Customers out who were not said to be.
    pub wrongly_out: u64,
    /// Minutes from the fault until the right device was first for good, added up over the right ones.
    pub minutes: f64,
    /// Incidents that no fault explains.
    pub invented: u32,
    /// Confidence of the first device, added up: divided by `faults` it should equal `right` divided so.
    pub confidence: f64,
}

impl AddAssign for Score {
    fn add_assign(&mut self, other: Score) {
        self.faults += other.faults;
        self.right += other.right;
        self.right_in_10_min += other.right_in_10_min;
        self.right_in_3 += other.right_in_3;
        self.missed += other.missed;
        self.customers += other.customers;
        self.wrongly_in += other.wrongly_in;
        self.wrongly_out += other.wrongly_out;
        self.minutes += other.minutes;
        self.invented += other.invented;
        self.confidence += other.confidence;
    }
}

/// Plays a storm to an engine that knows nothing yet.
pub fn measure(engine: &mut Engine, storm: &Storm) -> Score {
    let told = replay(engine, storm.evidence.clone(), storm.switched.clone(), None);
    let grid = engine.grid();
    let mut score = Score::default();
    for fault in &storm.faults {
        let early = fault
            .calls
            .iter()
            .filter(|call| call.0 <= fault.at_ms + WITHIN_MS);
        if early.count() >= CALLS_MIN {
            judge(grid, storm, fault, &told, &mut score);
        }
    }
    score.invented = told.iter().filter(|told| is_invented(told, storm)).count() as u32;
    score
}

/// Compares one fault with the incident that has most of its callers.
fn judge(grid: &Grid, storm: &Storm, fault: &StormFault, told: &[Told], score: &mut Score) {
    score.faults += 1;
    score.customers += customers(grid, &fault.loads);
    let shared = |told: &&Told| {
        let calls = fault.calls.iter();
        calls
            .filter(|call| told.incident.loads.binary_search(&call.1).is_ok())
            .count()
    };
    let meets = |told: &&Told| {
        (fault.at_ms - 60_000..fault.end_ms).contains(&told.incident.key.at_ms) && shared(told) > 0
    };
    let best = told
        .iter()
        .filter(meets)
        .max_by_key(|told| (shared(told), -told.incident.key.at_ms));
    let Some(best) = best else {
        score.missed += 1;
        score.wrongly_out += customers(grid, &fault.loads);
        return;
    };
    let is_right = |device: Option<DeviceIx>| {
        device.is_some_and(|device| {
            device == fault.device || storm.puts_out(grid, device, fault.at_ms) == fault.loads
        })
    };
    let in_3 = best
        .incident
        .candidates
        .iter()
        .take(3)
        .any(|candidate| is_right(Some(candidate.device)));
    score.right_in_3 += u32::from(in_3);
    score.confidence += best.incident.confidence;
    let said: Vec<LoadIx> = best.incident.loads.clone();
    score.wrongly_in += outside(grid, &said, &fault.loads);
    score.wrongly_out += outside(grid, &fault.loads, &said);
    let by_10_min = best
        .updates
        .iter()
        .rfind(|update| update.at_ms <= fault.at_ms + WITHIN_MS);
    score.right_in_10_min += u32::from(by_10_min.is_some_and(|update| is_right(update.device)));
    if is_right(best.incident.device) && !best.incident.premise {
        score.right += 1;
        let right = best
            .updates
            .iter()
            .rev()
            .take_while(|update| is_right(update.device))
            .last();
        let since_ms = right.map_or(0, |update| update.at_ms - fault.at_ms);
        score.minutes += since_ms as f64 / 60_000.0;
    }
}

fn is_invented(told: &Told, storm: &Storm) -> bool {
    let key = told.incident.key;
    let of = |fault: &StormFault| (fault.at_ms - 60_000..fault.end_ms + 600_000).contains(&key.at_ms);
    let mut faults = storm.faults.iter().filter(|fault| of(fault));
    !faults.any(|fault| {
        fault.loads.binary_search(&key.load).is_ok() || fault.calls.iter().any(|call| call.1 == key.load)
    })
}

fn customers(grid: &Grid, loads: &[LoadIx]) -> u64 {
    loads
        .iter()
        .map(|&load| u64::from(grid.load_customers(load)))
        .sum()
}

/// Customers of `these` that are not among `those`.
fn outside(grid: &Grid, these: &[LoadIx], those: &[LoadIx]) -> u64 {
    let apart: Vec<LoadIx> = these
        .iter()
        .copied()
        .filter(|load| those.binary_search(load).is_err())
        .collect();
    customers(grid, &apart)
}

impl Storm {
    /// Whom a device puts out as the network is switched at that moment.
    pub fn puts_out(&self, grid: &Grid, device: DeviceIx, at_ms: i64) -> Vec<LoadIx> {
        let switched = self.transfers.iter().find(|transfer| transfer.holds_at(at_ms));
        match switched {
            Some(transfer) => transfer.state.puts_out(grid, device),
            None => grid.affected(device).dead_loads,
        }
    }

    /// Reports about loads that no fault put out at the time: nonsense and wrong links.
    pub fn strays(&self) -> usize {
        let stray = |at_ms: i64, load: LoadIx| {
            !self.faults.iter().any(|fault| {
                (fault.at_ms..fault.end_ms + 600_000).contains(&at_ms)
                    && fault.loads.binary_search(&load).is_ok()
            })
        };
        let calls = self.evidence.iter().filter(|evidence| match evidence.what {
            What::Call(load) => stray(evidence.at_ms, load),
            _ => false,
        });
        calls.count()
    }
}
