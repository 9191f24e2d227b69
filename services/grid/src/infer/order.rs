//! The same evidence in any order ends the same: days of it, in networks with meshes and single phases too.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::evidence::{Evidence, What};
use super::oracle::{engine, evidence, networks};
use super::{Change, Engine, IncidentKey, Switched};
use crate::model::{DeviceIx, Grid};
use crate::network::{Device, DeviceKind, End, Network};

/// Networks with up to three more ways than needed and with phases missing: sets of loads that cross each other.
fn meshed() -> impl Strategy<Value = Network> {
    let ties = vec((0..9_usize, 0..9_usize), 0..4);
    (networks(), ties, vec(0..10_usize, 20)).prop_map(|(mut network, ties, phases)| {
        let buses = network.buses.len();
        for (k, (one, other)) in ties.into_iter().enumerate() {
            let (one, other) = (one % buses, other % buses);
            if one != other {
                network
                    .devices
                    .push(tie(k, &network.buses[one].id, &network.buses[other].id));
            }
        }
        let of = |k: usize| {
            ["1", "2", "3", "12", "23", "13"]
                .get(phases[k % 20])
                .unwrap_or(&"123")
        };
        for (k, device) in network.devices.iter_mut().enumerate() {
            let ends = device.ends.iter_mut();
            ends.for_each(|end| end.phases = of(k).parse().expect("phases"));
        }
        for (k, load) in network.loads.iter_mut().enumerate() {
            load.phases = of(10 + k).parse().expect("phases");
        }
        network
    })
}

/// The same, with some of the ways open.
fn tied() -> impl Strategy<Value = Network> {
    (meshed(), any::<u16>()).prop_map(|(mut network, open)| {
        let ties = network
            .devices
            .iter_mut()
            .filter(|device| device.id.starts_with("tie"));
        ties.enumerate()
            .for_each(|(k, tie)| tie.open = open >> k & 1 == 1);
        network
    })
}

fn tie(k: usize, one: &str, other: &str) -> Device {
    let end = |bus: &str| End {
        bus: bus.to_owned(),
        phases: "123".parse().expect("phases"),
    };
    Device {
        id: format!("tie{k}"),
        kind: DeviceKind::Switch,
        ends: vec![end(one), end(other)],
        in_service: true,
        open: false,
        length_m: None,
    }
}

/// What is heard in six bursts over almost three days: (burst, second, load, kind), where the kinds above those of
/// [`reports`] are trips.
fn days() -> impl Strategy<Value = Vec<(u32, u32, usize, u8)>> {
    let seconds = prop_oneof![Just(1_000_u32), Just(15_000), Just(40_000)];
    seconds.prop_flat_map(|seconds| vec((0..6_u32, 0..seconds, 0..9_usize, 0..5_u8), 1..40))
}

fn evidence_of_days(grid: &Grid, days: &[(u32, u32, usize, u8)]) -> Vec<Evidence> {
    let devices: Vec<DeviceIx> = grid.devices().collect();
    let heard = days.iter().map(|&(burst, second, at, kind)| {
        let at_s = burst * 40_000 + second;
        if kind < 4 {
            return evidence(grid, &[(at_s, at, kind)])[0];
        }
        Evidence::new(
            i64::from(at_s) * 1000,
            What::ScadaOpen(devices[at % devices.len()]),
        )
    });
    heard.collect()
}

/// Takes every piece in and decides after each for which `decide` says so; gives who was told of in the end.
fn along_the_way(
    engine: &mut Engine,
    heard: &[Evidence],
    decide: &[bool],
    now_ms: i64,
) -> BTreeSet<IncidentKey> {
    let mut told = BTreeSet::new();
    let mut tell = |changes: Vec<Change>| {
        for change in changes {
            match change {
                Change::Now { key, .. } => told.insert(key),
                Change::Merged { key, .. } | Change::Gone { key } => told.remove(&key),
            };
        }
    };
    for (piece, &now) in heard.iter().zip(decide.iter().cycle()) {
        engine.accept(*piece);
        if now {
            tell(engine.decide(piece.at_ms));
        }
    }
    tell(engine.decide(now_ms));
    told
}

/// What comes to the engine.
#[derive(Debug, Clone)]
enum News {
    Heard(Evidence),
    Switched(i64, Switched),
}

impl News {
    fn at_ms(&self) -> i64 {
        match self {
            News::Heard(evidence) => evidence.at_ms,
            News::Switched(at_ms, _) => *at_ms,
        }
    }

    fn tell(&self, engine: &mut Engine) {
        match self {
            News::Heard(evidence) => drop(engine.accept(*evidence)),
            News::Switched(at_ms, switched) => engine.switch(*at_ms, switched.clone()),
        }
    }
}

/// (burst, second, bits of the devices that are opened, bits of those that are closed), where most leave most alone.
type Switchings = Vec<(u32, u32, u32, u32)>;

fn switchings() -> impl Strategy<Value = Switchings> {
    let some = || prop_oneof![Just(0_u32), (0..12_u32).prop_map(|k| 1 << k), any::<u32>()];
    vec((0..6_u32, 0..15_000_u32, some(), some()), 1..5)
}

/// Everything, in the order it happened, no two switchings at the same moment.
fn news_of(grid: &Grid, days: &[(u32, u32, usize, u8)], switchings: &Switchings) -> Vec<News> {
    let devices: Vec<DeviceIx> = grid.devices().collect();
    let chosen = |bits: u32| {
        let chosen = devices
            .iter()
            .enumerate()
            .filter(|(k, _)| bits >> (k % 32) & 1 == 1);
        chosen.map(|(_, device)| *device).collect::<Vec<_>>()
    };
    let switched: BTreeMap<i64, Switched> = switchings
        .iter()
        .map(|&(burst, second, opened, closed)| {
            let (opened, closed) = (chosen(opened & !closed), chosen(closed));
            (
                i64::from(burst * 40_000 + second) * 1000,
                Switched { opened, closed },
            )
        })
        .collect();
    let switched = switched
        .into_iter()
        .map(|(at_ms, how)| News::Switched(at_ms, how));
    let mut heard = evidence_of_days(grid, days);
    heard.sort();
    let mut all: Vec<News> = switched.chain(heard.into_iter().map(News::Heard)).collect();
    all.sort_by_key(News::at_ms);
    all
}

/// Tells everything and decides after each for which `decide` says so; gives who was told of in the end.
fn switched_along_the_way(
    engine: &mut Engine,
    news: &[News],
    decide: &[bool],
    now_ms: i64,
) -> BTreeSet<IncidentKey> {
    let mut told = BTreeSet::new();
    let mut changes = Vec::new();
    for (one, &now) in news.iter().zip(decide.iter().cycle()) {
        one.tell(engine);
        if now {
            changes.extend(engine.decide(one.at_ms()));
        }
    }
    changes.extend(engine.decide(now_ms));
    for change in changes {
        match change {
            Change::Now { key, .. } => told.insert(key),
            Change::Merged { key, .. } | Change::Gone { key } => told.remove(&key),
        };
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same with switchings amid it, of which each may be heard of long after what came next.
    #[test]
    fn switchings_in_any_order_end_the_same(
        network in tied(),
        days in days(),
        switchings in switchings(),
        order in vec(any::<u32>(), 48),
        decide in vec(any::<bool>(), 1..8),
        later_min in prop_oneof![0..180_i64, Just(20_000)],
    ) {
        let mut once = engine(&network);
        let sorted = news_of(once.grid(), &days, &switchings);
        let now_ms = sorted[sorted.len() - 1].at_ms() + later_min * 60_000;
        sorted.iter().for_each(|one| one.tell(&mut once));
        once.decide(now_ms);
        let expected = once.incidents();
        let keys: BTreeSet<IncidentKey> = expected.iter().map(|incident| incident.key).collect();
        let mut mixed: Vec<(u32, News)> = order.iter().copied().zip(sorted.clone()).collect();
        mixed.sort_by_key(|(at, _)| *at);
        let mixed: Vec<News> = mixed.into_iter().map(|(_, one)| one).collect();
        let backwards: Vec<News> = sorted.iter().rev().cloned().collect();
        for (news, decide) in [(&sorted, &[true][..]), (&mixed, &decide), (&mixed, &[true]), (&backwards, &[true])] {
            let mut other = engine(&network);
            let told = switched_along_the_way(&mut other, news, decide, now_ms);
            prop_assert_eq!(other.incidents(), expected.clone());
            prop_assert_eq!(&told, &keys);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Days of calls, meters and trips that come in any order, backwards or mixed up, with decisions at any point
    /// along the way, end as what was sorted and decided once; and whoever listened knows the same incidents.
    #[test]
    fn days_in_any_order_end_the_same(
        network in prop_oneof![networks(), meshed()],
        (days, mixed) in days().prop_flat_map(|days| (Just(days.clone()), Just(days).prop_shuffle())),
        decide in vec(any::<bool>(), 1..8),
        later_min in prop_oneof![0..180_i64, Just(20_000)],
    ) {
        let mut once = engine(&network);
        let mut sorted = evidence_of_days(once.grid(), &days);
        sorted.sort();
        let now_ms = sorted[sorted.len() - 1].at_ms + later_min * 60_000;
        sorted.iter().for_each(|&piece| { once.accept(piece); });
        once.decide(now_ms);
        let expected = once.incidents();
        let keys: BTreeSet<IncidentKey> = expected.iter().map(|incident| incident.key).collect();
        let mixed = evidence_of_days(once.grid(), &mixed);
        let backwards: Vec<Evidence> = sorted.iter().rev().copied().collect();
        for (heard, decide) in [(&mixed, &decide[..]), (&mixed, &[true]), (&backwards, &[true]), (&sorted, &[true])] {
            let mut other = engine(&network);
            let told = along_the_way(&mut other, heard, decide, now_ms);
            prop_assert_eq!(other.incidents(), expected.clone());
            prop_assert_eq!(&told, &keys);
        }
    }
}
