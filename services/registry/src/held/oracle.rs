//! What switching changes, against another search written differently: one set of live (bus, phase) per state, grown
//! until nothing changes.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*, sample::subsequence};
use relight_grid::{Bus, Device, DeviceKind, End, Load, Network, Phases, Source};

use super::*;

const BUSES: usize = 6;

type Live = BTreeSet<(String, u8)>;

fn phases() -> impl Strategy<Value = Phases> {
    subsequence(vec![1_u8, 2, 3, 4], 1..=4)
        .prop_shuffle()
        .prop_map(|list| Phases::new(&list).expect("drawn from 1 to 4, once each"))
}

fn device() -> impl Strategy<Value = Device> {
    let same = phases().prop_map(|phases| (phases, phases));
    let ends = prop_oneof![3 => same, 1 => (phases(), phases())];
    let row = (0..BUSES, 0..BUSES, ends, any::<bool>(), prop::bool::weighted(0.9));
    row.prop_map(|(from, to, (here, there), open, in_service)| {
        let end = |bus, phases| End {
            bus: format!("b{bus}"),
            phases,
        };
        Device {
            id: String::new(),
            kind: DeviceKind::Switch,
            ends: vec![end(from, here), end(to, there)],
            in_service,
            open,
            length_m: None,
        }
    })
}

fn load() -> impl Strategy<Value = Load> {
    (0..BUSES, phases(), prop::bool::weighted(0.9)).prop_map(|(bus, phases, in_service)| Load {
        id: String::new(),
        bus: format!("b{bus}"),
        phases,
        customers: 1,
        in_service,
    })
}

fn network() -> impl Strategy<Value = Network> {
    let source = (0..BUSES, phases()).prop_map(|(bus, phases)| Source {
        bus: format!("b{bus}"),
        phases: Some(phases),
    });
    (vec(device(), 1..14), vec(load(), 1..10), source).prop_map(|(mut devices, mut loads, source)| {
        (0..)
            .zip(&mut devices)
            .for_each(|(k, device)| device.id = format!("D{k}"));
        (0..)
            .zip(&mut loads)
            .for_each(|(k, load)| load.id = format!("L{k}"));
        Network {
            name: "random".to_owned(),
            buses: (0..BUSES)
                .map(|k| Bus {
                    id: format!("b{k}"),
                    position: None,
                })
                .collect(),
            sources: vec![source],
            devices,
            loads,
        }
    })
}

/// Devices by number, and whether each is closed.
fn switched() -> impl Strategy<Value = Vec<(usize, bool)>> {
    vec((0..14_usize, any::<bool>()), 0..5)
}

fn joined(device: &Device) -> Vec<[(String, u8); 2]> {
    let [here, there] = [0, 1].map(|end| device.ends[end].phases.iter().collect::<Vec<u8>>());
    let passes = here.iter().collect::<BTreeSet<_>>() == there.iter().collect::<BTreeSet<_>>();
    let mut pairs = Vec::new();
    for (k, &x) in here.iter().enumerate() {
        for (l, &y) in there.iter().enumerate() {
            if !passes || k == l {
                pairs.push([(device.ends[0].bus.clone(), x), (device.ends[1].bus.clone(), y)]);
            }
        }
    }
    pairs
}

fn live(network: &Network, switched: &[(usize, bool)]) -> Live {
    let is_closed = |k: usize, device: &Device| {
        let said = switched.iter().rev().find(|(at, _)| *at == k);
        said.map_or(device.in_service && !device.open, |(_, closed)| *closed)
    };
    let source = &network.sources[0];
    let fed = source.phases.into_iter().flat_map(Phases::iter);
    let mut live: Live = fed.map(|phase| (source.bus.clone(), phase)).collect();
    let devices = network.devices.iter().enumerate();
    let conducting = devices.filter(|(k, device)| is_closed(*k, device));
    let pairs: Vec<_> = conducting.flat_map(|(_, device)| joined(device)).collect();
    loop {
        let before = live.len();
        for pair in &pairs {
            if pair.iter().any(|end| live.contains(end)) {
                live.extend(pair.clone());
            }
        }
        if live.len() == before {
            return live;
        }
    }
}

/// Lost, restored and partly dead, straight from what the fields of [`Difference`] mean.
fn expected(network: &Network, before: &Live, after: &Live) -> Difference {
    let mut difference = Difference::default();
    for load in network.loads.iter().filter(|load| load.in_service) {
        let has = |live: &Live| -> BTreeSet<u8> {
            let phases = load.phases.iter();
            phases
                .filter(|&phase| live.contains(&(load.bus.clone(), phase)))
                .collect()
        };
        let (had, has) = (has(before), has(after));
        let list = match (had.is_empty(), has.is_empty()) {
            (false, true) => &mut difference.lost,
            (true, false) => &mut difference.restored,
            _ if !had.is_subset(&has) => &mut difference.partly_dead,
            _ => continue,
        };
        list.push(fold(&load.id));
    }
    difference
}

/// The lists are in the order of the grid; that is not said here.
fn sorted(mut difference: Difference) -> Difference {
    difference.lost.sort();
    difference.restored.sort();
    difference.partly_dead.sort();
    difference
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_switching_changes_is_what_another_search_finds(
        network in network(), before in switched(), after in switched(),
    ) {
        let held = Held::new(network.grid(Uuid::nil()).expect("every bus is there"));
        let state = |switched: &[(usize, bool)]| {
            let ids: Vec<_> = switched.iter().map(|(k, closed)| (format!("D{k}"), *closed)).collect();
            State::of(&held.grid, ids.iter().map(|(id, closed)| (id.as_str(), *closed)))
        };
        let found = held.difference(&state(&before), &state(&after));
        let expected = expected(&network, &live(&network, &before), &live(&network, &after));
        prop_assert_eq!(sorted(found), sorted(expected));
    }
}
