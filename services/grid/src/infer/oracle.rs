//! The engine against a plain search: all explanations of small storms are written out and scored one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use super::evidence::{Evidence, What};
use super::likelihood::{Heard, Likelihood};
use super::{Change, Engine, IncidentKey, Weights};
use crate::model::{DeviceIx, Grid, LoadIx};
use crate::network::{Bus, Device, DeviceKind, End, Load, Network, Source};

/// A radial network: device `k` feeds bus `k + 1` from bus `from[k]`, which comes before it.
pub(super) fn network(from: &[usize], kinds: &[u8], loads: &[(usize, u32)]) -> Network {
    let bus = |k: usize| format!("b{k}");
    let end = |k: usize| End {
        bus: bus(k),
        phases: "1".parse().expect("a phase"),
    };
    let kinds = kinds
        .iter()
        .map(|kind| [DeviceKind::Fuse, DeviceKind::Line, DeviceKind::Transformer][*kind as usize]);
    Network {
        name: "random".to_owned(),
        buses: (0..=from.len())
            .map(|k| Bus {
                id: bus(k),
                position: None,
            })
            .collect(),
        sources: vec![Source {
            bus: bus(0),
            phases: None,
        }],
        devices: from
            .iter()
            .zip(kinds)
            .enumerate()
            .map(|(k, (&above, kind))| Device {
                id: format!("d{k}"),
                kind,
                ends: vec![end(above % (k + 1)), end(k + 1)],
                in_service: true,
                open: false,
                length_m: None,
            })
            .collect(),
        loads: loads
            .iter()
            .enumerate()
            .map(|(k, &(at, customers))| Load {
                id: format!("l{k}"),
                bus: bus(1 + at % from.len()),
                phases: "1".parse().expect("a phase"),
                customers,
                in_service: true,
            })
            .collect(),
    }
}

pub(super) fn networks() -> impl Strategy<Value = Network> {
    (2..9_usize).prop_flat_map(|devices| {
        (
            vec(0..devices, devices),
            vec(0..3_u8, devices),
            vec((0..devices, 1..3_u32), 2..9),
        )
            .prop_map(|(from, kinds, loads)| network(&from, &kinds, &loads))
    })
}

/// What is heard within `seconds`: (second, load, kind); kind 0 is a call, 1 a last gasp, then pings.
fn reports(seconds: u32, kinds: u8) -> impl Strategy<Value = Vec<(u32, usize, u8)>> {
    vec((0..seconds, 0..9_usize, 0..kinds), 1..10)
}

pub(super) fn evidence(grid: &Grid, reports: &[(u32, usize, u8)]) -> Vec<Evidence> {
    let loads: Vec<LoadIx> = grid.loads().collect();
    let heard = reports.iter().map(|&(at_s, load, kind)| {
        let what = [What::Call, What::LastGasp, What::PingOn, What::PingOff][usize::from(kind)];
        Evidence::new(i64::from(at_s) * 1000, what(loads[load % loads.len()]))
    });
    heard.collect()
}

pub(super) fn engine(network: &Network) -> Engine {
    let grid = Arc::new(network.grid(Uuid::nil()).expect("a good network"));
    Engine::new(grid, &[], Weights::default())
}

/// Score of the best explanation by any set of devices and premises of which none lies in another.
fn best(grid: &Grid, heard: &BTreeSet<Evidence>, now_ms: i64) -> f64 {
    let weights = Weights::default();
    let mut rates: BTreeMap<Vec<LoadIx>, f64> = BTreeMap::new();
    for device in grid.devices() {
        *rates.entry(grid.dead(&[device], &[]).dead_loads).or_default() +=
            weights.rate(grid.device_kind(device), None);
    }
    for (device, lines) in cleared(grid) {
        *rates.entry(grid.dead(&[device], &[]).dead_loads).or_default() +=
            weights.rates.line_cleared_per_km * weights.km(None) * f64::from(lines);
    }
    for load in grid.loads() {
        *rates.entry(vec![load]).or_default() += weights.rates.premise;
    }
    rates.remove(&Vec::new());
    let sets: Vec<(Vec<LoadIx>, f64)> = rates
        .into_iter()
        .map(|(loads, rate)| {
            let score = rate.ln() + fit(grid, &loads, heard, now_ms);
            (loads, score)
        })
        .collect();
    let reporting: BTreeSet<LoadIx> = heard.iter().filter_map(Evidence::load).collect();
    cover(&sets, &reporting)
}

/// Devices with how many lines they are the first above.
fn cleared(grid: &Grid) -> BTreeMap<DeviceIx, u32> {
    let is_line = |device: &DeviceIx| grid.device_kind(*device) == DeviceKind::Line;
    let mut cleared = BTreeMap::new();
    for line in grid.devices().filter(is_line) {
        let below = grid.dead(&[line], &[]).dead_loads;
        let way = below.first().map(|load| grid.normal_supply().path(*load));
        let above = way.into_iter().flatten().skip_while(|device| *device != line);
        if let Some(device) = above.into_iter().find(|device| !is_line(device)) {
            *cleared.entry(device).or_default() += 1;
        }
    }
    cleared
}

/// The best choice of disjoint sets that together have all reporting loads; sets without a reporter never pay.
fn cover(sets: &[(Vec<LoadIx>, f64)], reporting: &BTreeSet<LoadIx>) -> f64 {
    let Some(first) = reporting.first() else {
        return 0.0;
    };
    let choices = sets
        .iter()
        .filter(|(loads, _)| loads.contains(first))
        .map(|(loads, score)| {
            let rest = reporting
                .iter()
                .copied()
                .filter(|load| !loads.contains(load))
                .collect();
            let others: Vec<(Vec<LoadIx>, f64)> = sets
                .iter()
                .filter(|(other, _)| other.iter().all(|load| !loads.contains(load)))
                .cloned()
                .collect();
            score + cover(&others, &rest)
        });
    choices.fold(f64::NEG_INFINITY, f64::max)
}

fn fit(grid: &Grid, loads: &[LoadIx], heard: &BTreeSet<Evidence>, now_ms: i64) -> f64 {
    let (mut calls, mut gasps): (BTreeMap<i64, u32>, BTreeMap<i64, u32>) = Default::default();
    for &load in loads {
        let times = |call: bool| {
            heard.iter().filter(move |evidence| match evidence.what {
                What::Call(of) => call && of == load,
                What::LastGasp(of) => !call && of == load,
                _ => false,
            })
        };
        for evidence in times(true).take(grid.load_customers(load) as usize) {
            *calls.entry(evidence.at_ms / 30_000).or_default() += 1;
        }
        for evidence in times(false).take(1) {
            *gasps.entry(evidence.at_ms / 30_000).or_default() += 1;
        }
    }
    let Some(&first) = calls.keys().chain(gasps.keys()).min() else {
        return f64::NEG_INFINITY;
    };
    let since = |steps: BTreeMap<i64, u32>| {
        steps
            .into_iter()
            .map(|(at, n)| ((at - first) as f64 * 0.5, n))
            .collect()
    };
    let age_min = (now_ms / 30_000 - first) as f64 * 0.5;
    Likelihood::new(&Weights::default()).opened(&Heard {
        calls: since(calls),
        gasps: since(gasps),
        customers: loads.iter().map(|&load| grid.load_customers(load)).sum(),
        loads: loads.len() as u32,
        fed: 0,
        elapsed_min: age_min,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// The tree's best score is that of the best explanation there is. (All within five minutes: a later
    /// burst has a test of its own.)
    #[test]
    fn the_best_explanation_is_found(network in networks(), reports in reports(300, 2), later in 0..100_i64) {
        let mut engine = engine(&network);
        let heard = evidence(engine.grid(), &reports);
        heard.iter().for_each(|&piece| { engine.accept(piece); });
        let now_ms = (1800 + later * 60) * 1000;
        engine.decide(now_ms);
        let found: f64 = engine.best_scores().sum();
        let expected = best(engine.grid(), &heard.iter().copied().collect(), now_ms);
        prop_assert!((found - expected).abs() < 1e-6, "found {found}, there is {expected}");
    }

    /// The same evidence in another order, with repeats and with decisions in between, ends the same.
    #[test]
    fn the_order_of_arrival_does_not_matter(
        network in networks(),
        reports in reports(7000, 4),
        shuffled in any::<prop::sample::Index>(),
    ) {
        let (mut one, mut other) = (engine(&network), engine(&network));
        let heard = evidence(one.grid(), &reports);
        let now_ms = 7_200_000; // after every report: time asked about never runs back
        heard.iter().for_each(|&piece| { one.accept(piece); });
        one.decide(now_ms);
        let mut mixed = heard.clone();
        mixed.rotate_left(shuffled.index(heard.len()));
        mixed.reverse();
        for piece in mixed.iter().chain(&heard) {
            other.accept(*piece);
            other.decide(piece.at_ms);
        }
        other.decide(now_ms);
        prop_assert_eq!(one.incidents(), other.incidents());
    }

    /// Every load that reported an outage is in exactly one incident's affected set, or in none twice.
    #[test]
    fn every_reporter_belongs_to_one_incident(network in networks(), reports in reports(1800, 2)) {
        let mut engine = engine(&network);
        let heard = evidence(engine.grid(), &reports);
        heard.iter().for_each(|&piece| { engine.accept(piece); });
        let changes = engine.decide(1_900_000);
        let incidents = engine.incidents();
        for load in heard.iter().filter_map(Evidence::load) {
            let with = incidents.iter().filter(|incident| incident.loads.contains(&load)).count();
            prop_assert_eq!(with, 1);
        }
        let told: BTreeSet<IncidentKey> = changes.iter().map(|change| match change {
            Change::Now { key, .. } | Change::Merged { key, .. } | Change::Gone { key } => *key,
        }).collect();
        let are: BTreeSet<IncidentKey> = incidents.iter().map(|incident| incident.key).collect();
        prop_assert_eq!(told, are);
        for incident in &incidents {
            let sum: f64 = incident.candidates.iter().map(|candidate| candidate.p).sum();
            prop_assert!((0.0..=1.0 + 1e-9).contains(&incident.confidence) && sum <= 1.0 + 1e-9);
            if let Some(named) = incident.device {
                prop_assert_eq!(incident.candidates[0].device, named, "{:?}", incident);
            }
        }
    }
}
