//! The engine against storms with known truth: how often it is right, and what must not move it.
//!
//! Seeds are fixed, so a figure that falls below its bound is a change of the code. The tables of
//! `docs/inference.md` are measured with more storms by `relight simulate storm`.

use std::collections::BTreeMap;
use std::sync::Arc;

use relight_grid::infer::replay::{Told, replay};
use relight_grid::infer::{Engine, Evidence, Incident, Weights, What};
use relight_grid::simulate::{Score, Storm, StormFault, StormSettings, measure, storm};
use relight_grid::{DeviceKind, Grid, LoadIx, demo};

use crate::data;

/// A network with lengths of its devices, and the engine for it.
struct Field {
    engine: Engine,
    lengths_m: Vec<Option<f64>>,
}

impl Field {
    fn new(network: &relight_grid::Network) -> Field {
        let lengths_m: Vec<Option<f64>> = network.devices.iter().map(|device| device.length_m).collect();
        let grid = Arc::new(data::grid(network));
        Field {
            engine: Engine::new(grid, &lengths_m, Weights::default()),
            lengths_m,
        }
    }

    fn town() -> Field {
        Field::new(&demo::town(42).network())
    }

    fn storm(&self, settings: &StormSettings, seed: u64) -> Storm {
        storm(self.engine.grid(), &self.lengths_m, settings, seed)
    }

    /// Scores of the storms of seeds 0 to `storms`, added up.
    fn score(&mut self, settings: &StormSettings, storms: u64) -> Score {
        let mut sum = Score::default();
        for seed in 0..storms {
            let storm = self.storm(settings, seed);
            self.engine.forget();
            sum += measure(&mut self.engine, &storm);
        }
        sum
    }

    fn told(&mut self, evidence: &[Evidence]) -> Vec<Told> {
        self.engine.forget();
        replay(&mut self.engine, evidence.to_vec(), Vec::new(), None)
    }
}

fn settings(meter_coverage: f64, wrong_links: f64) -> StormSettings {
    StormSettings {
        meter_coverage,
        wrong_links,
        ..StormSettings::default()
    }
}

fn share(part: u32, score: &Score) -> f64 {
    f64::from(part) / f64::from(score.faults)
}

/// Prints the figures, and answers the share of faults whose device was first.
fn right(what: &str, score: &Score) -> f64 {
    println!(
        "{what}: {} faults, right {:.3}, in 10 min {:.3}, in 3 {:.3}, confidence {:.3}, invented {}",
        score.faults,
        share(score.right, score),
        share(score.right_in_10_min, score),
        share(score.right_in_3, score),
        score.confidence / f64::from(score.faults),
        score.invented
    );
    share(score.right, score)
}

#[test]
fn in_the_demo_town_the_right_device_is_first() {
    let mut town = Field::town();
    for (meters, wrong, least) in [
        (0.0, 0.0, 0.9),
        (0.3, 0.0, 0.96),
        (0.0, 0.05, 0.8),
        (0.3, 0.1, 0.8),
    ] {
        let score = town.score(&settings(meters, wrong), 8);
        let right = right(&format!("town, meters {meters}, wrong links {wrong}"), &score);
        assert!(right >= least, "{right}");
        assert!(share(score.right_in_3, &score) >= right, "{score:?}");
    }
}

/// What a method would get right that knew how many call, that all calls are about one device, and how often
/// devices fail: the likeliest of all sets that hold the callers.
fn knows_the_rates(grid: &Grid, storm: &Storm, settings: &StormSettings) -> (u32, u32) {
    let mut sets: BTreeMap<Vec<LoadIx>, f64> = BTreeMap::new();
    for device in grid
        .devices()
        .filter(|&device| grid.device_kind(device) != DeviceKind::Line)
    {
        *sets.entry(grid.affected(device).dead_loads).or_default() += 1.0;
    }
    sets.remove(&Vec::new());
    let (mut faults, mut right) = (0, 0);
    for fault in &storm.faults {
        let mut callers: Vec<LoadIx> = fault.calls.iter().map(|call| call.1).collect();
        let early = fault
            .calls
            .iter()
            .filter(|call| call.0 <= fault.at_ms + 600_000)
            .count();
        if early < 3 {
            continue;
        }
        callers.sort_unstable();
        callers.dedup();
        let silent = |loads: &[LoadIx]| {
            let customers: u32 = loads.iter().map(|&load| grid.load_customers(load)).sum();
            f64::from(customers) - fault.calls.len() as f64
        };
        let best = sets
            .iter()
            .filter(|(loads, _)| callers.iter().all(|load| loads.binary_search(load).is_ok()))
            .map(|(loads, rate)| {
                (
                    rate.ln() + silent(loads) * (-settings.call_share * 0.85).ln_1p(),
                    loads,
                )
            })
            .max_by(|a, b| a.0.total_cmp(&b.0));
        faults += 1;
        right += u32::from(best.is_some_and(|best| *best.1 == fault.loads));
    }
    (faults, right)
}

/// Storms on each real network.
const STORMS: u64 = 4;

/// Real feeders have sets that differ by a load or two, which no method tells apart: the bound is what knowing
/// the rates would reach, less what not knowing them costs.
#[test]
fn on_real_networks_it_is_nearly_as_good_as_knowing_the_rates() -> anyhow::Result<()> {
    for name in data::golden_names() {
        let mut field = Field::new(&data::golden_network(&name)?);
        let settings = StormSettings {
            nested_share: 0.0,
            switchings: 0,
            ..settings(0.0, 0.0)
        };
        let score = field.score(&settings, STORMS);
        let (mut faults, mut known) = (0, 0);
        for seed in 0..STORMS {
            let storm = field.storm(&settings, seed);
            let (of, right) = knows_the_rates(field.engine.grid(), &storm, &settings);
            (faults, known) = (faults + of, known + right);
        }
        right(&name, &score);
        assert_eq!(score.faults, faults);
        let lost = known.saturating_sub(score.right);
        assert!(
            lost * 10 <= faults + 10,
            "{name}: {known} of {faults} by knowing the rates, {lost} more"
        );
    }
    Ok(())
}

/// The incident that has most of a fault's callers.
fn said<'t>(told: &'t [Told], fault: &StormFault) -> Option<&'t Incident> {
    let of_fault = |told: &&Told| (fault.at_ms - 60_000..fault.end_ms).contains(&told.incident.key.at_ms);
    let shared = |told: &&Told| {
        let callers = fault.calls.iter().map(|call| call.1);
        callers
            .filter(|load| told.incident.loads.binary_search(load).is_ok())
            .count()
    };
    let best = told.iter().filter(of_fault).max_by_key(shared)?;
    Some(&best.incident)
}

/// A confidence that moves by less is the same to people.
const MOVED_P: f64 = 0.01;

/// One report in a thousand about a random load at a random moment: pranks and wrong accounts.
#[test]
fn one_nonsense_report_in_a_thousand_moves_no_inference() {
    let mut town = Field::town();
    let quiet = StormSettings {
        nonsense_share: 0.0,
        switchings: 0,
        ..StormSettings::default()
    };
    for seed in 0..6 {
        let storm = town.storm(&quiet, seed);
        let before = town.told(&storm.evidence);
        let mut disturbed = storm.evidence.clone();
        let loads: Vec<LoadIx> = town.engine.grid().loads().collect();
        for k in 0..=storm.evidence.len() / 1000 {
            let load = loads[(seed as usize * 7919 + k * 104_729) % loads.len()];
            let at_ms = storm.evidence[(seed as usize * 31 + k * 997) % storm.evidence.len()].at_ms + 1;
            disturbed.push(Evidence::new(at_ms, What::Call(load)));
        }
        let after = town.told(&disturbed);
        for fault in &storm.faults {
            let (before, after) = (said(&before, fault), said(&after, fault));
            let at = format!("seed {seed}, fault at {}", fault.at_ms);
            let answer = |one: &Incident| (one.device, one.premise, one.loads.clone());
            assert_eq!(before.map(answer), after.map(answer), "{at}");
            let sure = |one: Option<&Incident>| one.map_or(0.0, |one| one.confidence);
            assert!(
                (sure(before) - sure(after)).abs() < MOVED_P,
                "{at}: {} then {}",
                sure(before),
                sure(after)
            );
        }
    }
}
