//! The search against another one, written differently: sets of (bus, phase) grown until nothing changes.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use relight_grid::{Bus, Device, DeviceKind, End, Grid, Load, Network, Phases, Source, snapshot};

use crate::data;

type Live = BTreeSet<(String, u8)>;

fn list(phases: Phases) -> Vec<u8> {
    phases.iter().collect()
}

/// Pairs of (bus, phase) a device joins, straight from the rule in the data's description.
fn pairs(device: &Device) -> Vec<((String, u8), (String, u8))> {
    let mut pairs = Vec::new();
    for (i, a) in device.ends.iter().enumerate() {
        for b in &device.ends[i + 1..] {
            let (pa, pb) = (list(a.phases), list(b.phases));
            let same = pa.iter().collect::<BTreeSet<_>>() == pb.iter().collect::<BTreeSet<_>>();
            for (k, &x) in pa.iter().enumerate() {
                for (l, &y) in pb.iter().enumerate() {
                    if !same || k == l {
                        pairs.push(((a.bus.clone(), x), (b.bus.clone(), y)));
                    }
                }
            }
        }
    }
    pairs
}

fn live(network: &Network, conducts: impl Fn(&Device) -> bool) -> Live {
    let mut live = Live::new();
    for source in &network.sources {
        let fed = source.phases.map_or_else(|| (1..=9).collect(), list);
        live.extend(fed.into_iter().map(|phase| (source.bus.clone(), phase)));
    }
    let joined: Vec<_> = network
        .devices
        .iter()
        .filter(|device| conducts(device))
        .flat_map(pairs)
        .collect();
    loop {
        let before = live.len();
        for (a, b) in &joined {
            if live.contains(a) || live.contains(b) {
                live.extend([a.clone(), b.clone()]);
            }
        }
        if live.len() == before {
            return live;
        }
    }
}

fn expected(network: &Network, live: &Live) -> (Vec<String>, Vec<String>) {
    let (mut dead, mut partly) = (Vec::new(), Vec::new());
    for load in network.loads.iter().filter(|load| load.in_service) {
        let phases = list(load.phases);
        let alive = phases
            .iter()
            .filter(|&&phase| live.contains(&(load.bus.clone(), phase)))
            .count();
        match alive {
            0 => dead.push(load.id.clone()),
            n if n < phases.len() => partly.push(load.id.clone()),
            _ => {}
        }
    }
    (dead, partly)
}

/// Loads in service that lost their last phase, and those that lost one and keep another.
fn newly_dead(network: &Network, before: &Live, after: &Live) -> (Vec<String>, Vec<String>) {
    let (mut dead, mut partly) = (Vec::new(), Vec::new());
    for load in network.loads.iter().filter(|load| load.in_service) {
        let alive = |live: &Live| {
            let phases = list(load.phases).into_iter();
            phases
                .filter(|&phase| live.contains(&(load.bus.clone(), phase)))
                .count()
        };
        match (alive(before), alive(after)) {
            (had, 0) if had > 0 => dead.push(load.id.clone()),
            (had, has) if has < had => partly.push(load.id.clone()),
            _ => {}
        }
    }
    (dead, partly)
}

fn phases() -> impl Strategy<Value = Phases> {
    subsequence(vec![1_u8, 2, 3, 4], 1..=4)
        .prop_shuffle()
        .prop_map(|list| Phases::new(&list).expect("drawn from 1 to 4, once each"))
}

fn end(buses: usize) -> impl Strategy<Value = End> {
    (0..buses, phases()).prop_map(|(bus, phases)| End {
        bus: format!("b{bus}"),
        phases,
    })
}

fn ends(buses: usize) -> impl Strategy<Value = Vec<End>> {
    // Mostly the same phases at both ends, as in real networks; sometimes anything, up to 3 windings.
    let same = (0..buses, 0..buses, phases()).prop_map(|(a, b, phases)| {
        [a, b]
            .map(|bus| End {
                bus: format!("b{bus}"),
                phases,
            })
            .to_vec()
    });
    prop_oneof![3 => same, 1 => vec(end(buses), 2..=3)]
}

fn network() -> impl Strategy<Value = Network> {
    let kind = select(DeviceKind::ALL.to_vec());
    let source = (0..3_usize, prop::option::of(phases()));
    let device = (
        kind,
        ends(10),
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.1),
    );
    let load = (0..10_usize, phases(), 0..5_u32, prop::bool::weighted(0.9));
    (vec(device, 1..25), vec(load, 1..12), vec(source, 1..=2)).prop_map(|(devices, loads, sources)| Network {
        name: "random".to_owned(),
        buses: (0..10)
            .map(|k| Bus {
                id: format!("b{k}"),
                position: None,
            })
            .collect(),
        sources: sources
            .iter()
            .map(|(k, phases)| Source {
                bus: format!("b{k}"),
                phases: *phases,
            })
            .collect(),
        devices: (0..).zip(devices).map(device_row).collect(),
        loads: (0..).zip(loads).map(load_row).collect(),
    })
}

fn device_row((k, (kind, ends, in_service, open)): (usize, (DeviceKind, Vec<End>, bool, bool))) -> Device {
    // Only a transformer has more than two ends.
    let kind = if ends.len() > 2 {
        DeviceKind::Transformer
    } else {
        kind
    };
    Device {
        id: format!("d{k}"),
        kind,
        ends,
        in_service,
        open,
        length_m: None,
    }
}

fn load_row((k, (bus, phases, customers, in_service)): (usize, (usize, Phases, u32, bool))) -> Load {
    Load {
        id: format!("l{k}"),
        bus: format!("b{bus}"),
        phases,
        customers,
        in_service,
    }
}

fn ids(grid: &Grid, loads: &[relight_grid::LoadIx]) -> Vec<String> {
    loads.iter().map(|&load| grid.load_id(load).to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn dead_is_what_another_search_finds(
        network in network(), open in vec(0..25_usize, 0..4), close in vec(0..25_usize, 0..4),
    ) {
        let grid = data::grid(&network);
        let named = |wanted: &[usize]| -> Vec<_> {
            wanted.iter().filter_map(|k| grid.device(&format!("D{k}"))).collect()
        };
        let dead = grid.dead(&named(&open), &named(&close));
        let is_in = |list: &[usize], device: &Device| list.iter().any(|k| device.id == format!("d{k}"));
        let live = live(&network, |device| {
            !is_in(&open, device) && (is_in(&close, device) || device.in_service && !device.open)
        });
        let (all, partly) = expected(&network, &live);
        let customers: u64 =
            network.loads.iter().filter(|l| all.contains(&l.id)).map(|l| u64::from(l.customers)).sum();
        prop_assert_eq!(ids(&grid, &dead.dead_loads), all);
        prop_assert_eq!(ids(&grid, &dead.partly_dead_loads), partly);
        prop_assert_eq!(dead.customers, customers);
    }

    /// Known beforehand or searched, list and count are what a search before and one after the opening tell.
    #[test]
    fn whom_each_device_puts_out_is_what_another_search_finds(network in network()) {
        let grid = data::grid(&network);
        let conducts = |device: &Device| device.in_service && !device.open;
        let before = live(&network, conducts);
        for device in grid.devices() {
            let after = live(&network, |other| conducts(other) && other.id != grid.device_id(device));
            let (all, partly) = newly_dead(&network, &before, &after);
            let affected = grid.affected(device);
            prop_assert_eq!(ids(&grid, &affected.dead_loads), all);
            prop_assert_eq!(ids(&grid, &affected.partly_dead_loads), partly);
            let count = grid.affected_count(device);
            prop_assert_eq!(count.loads as usize, affected.dead_loads.len());
            prop_assert_eq!(count.partly_dead_loads as usize, affected.partly_dead_loads.len());
            prop_assert_eq!(count.customers, affected.customers);
            let customers = affected.dead_loads.iter().map(|load| u64::from(grid.load_customers(*load)));
            prop_assert_eq!(affected.customers, customers.sum::<u64>());
        }
    }

    /// What travels between services is the same network; only the order of devices may change.
    #[test]
    fn a_snapshot_reads_back_as_it_was_written(network in network()) {
        let read = snapshot::read(&snapshot::write(&network).unwrap()).unwrap();
        let sorted = |network: &Network| {
            let mut devices = network.devices.clone();
            devices.sort_by(|a, b| a.id.cmp(&b.id));
            devices
        };
        prop_assert_eq!(sorted(&read), sorted(&network));
        prop_assert_eq!((&read.buses, &read.loads), (&network.buses, &network.loads));
        let dead = |network: &Network| ids(&data::grid(network), &data::grid(network).dead(&[], &[]).dead_loads);
        prop_assert_eq!(dead(&read), dead(&network));
    }

    /// Not one device is left out or named wrongly, whatever the mesh.
    #[test]
    fn single_points_of_failure_are_what_trying_each_device_finds(network in network()) {
        let grid = data::grid(&network);
        let at_start = grid.dead(&[], &[]).dead_loads;
        let in_service = |id: &str| network.loads.iter().any(|load| load.id == id && load.in_service);
        for load in grid.loads().filter(|load| !at_start.contains(load) && in_service(grid.load_id(*load))) {
            let mut found = grid.single_points_of_failure(load);
            found.sort();
            let tried: Vec<_> = grid
                .devices()
                .filter(|&device| grid.dead(&[device], &[]).dead_loads.contains(&load))
                .collect();
            prop_assert_eq!(found, tried);
        }
    }

    #[test]
    fn the_common_device_puts_all_loads_out_and_none_is_missed(network in network()) {
        let grid = data::grid(&network);
        let at_start = grid.dead(&[], &[]).dead_loads;
        let live: Vec<_> = grid
            .loads()
            .filter(|load| !at_start.contains(load))
            .filter(|&load| network.loads[load.index()].in_service)
            .take(3)
            .collect();
        let candidates: Vec<_> = grid
            .devices()
            .filter(|&device| !matches!(grid.device_kind(device), DeviceKind::Line | DeviceKind::Reactor))
            .filter(|&device| {
                let out = grid.dead(&[device], &[]).dead_loads;
                !live.is_empty() && live.iter().all(|load| out.contains(load))
            })
            .collect();
        match grid.common_device(&live) {
            Some(device) => prop_assert!(candidates.contains(&device)),
            None => prop_assert!(candidates.is_empty()),
        }
    }
}
