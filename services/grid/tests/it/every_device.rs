//! Every device of the real networks, transformers included, against a search that shares no code and no
//! idea with the crate: phases of buses are joined in sets, anew for every opened device.

use std::collections::HashMap;

use relight_grid::{Device, Grid, LoadIx, Network};

use crate::data;

/// The rows of a network as numbers: what the description of the data says, and nothing else.
struct Plain {
    vertices: usize,
    sources: Vec<usize>,
    /// Per device: does it conduct, and the pairs it joins.
    devices: Vec<(bool, Vec<(usize, usize)>)>,
    loads: Vec<(bool, Vec<usize>)>,
}

impl Plain {
    fn new(network: &Network) -> Plain {
        let mut number: HashMap<(String, u8), usize> = HashMap::new();
        let mut vertex = |bus: &str, phase: u8| {
            let next = number.len();
            *number.entry((bus.to_lowercase(), phase)).or_insert(next)
        };
        let mut devices = Vec::new();
        for device in &network.devices {
            let pairs = pairs(device, &mut vertex);
            devices.push((device.in_service && !device.open, pairs));
        }
        let loads = network
            .loads
            .iter()
            .map(|load| {
                (
                    load.in_service,
                    load.phases.iter().map(|p| vertex(&load.bus, p)).collect(),
                )
            })
            .collect();
        let sources = network
            .sources
            .iter()
            .flat_map(|source| (1..=9).map(move |phase| (source, phase)))
            .filter(|(source, phase)| source.phases.is_none_or(|fed| fed.iter().any(|p| p == *phase)))
            .map(|(source, phase)| vertex(&source.bus, phase))
            .collect();
        Plain {
            vertices: number.len(),
            sources,
            devices,
            loads,
        }
    }

    /// Loads dead and loads partly dead when the devices for which `conducts` says so conduct.
    fn dead(&self, conducts: impl Fn(usize, bool) -> bool) -> (Vec<usize>, Vec<usize>) {
        // One set more than vertices: the last is the supply.
        let mut sets = Sets((0..=self.vertices).collect());
        let supply = self.vertices;
        self.sources.iter().for_each(|&source| sets.join(source, supply));
        for (at, (normally, pairs)) in self.devices.iter().enumerate() {
            if conducts(at, *normally) {
                pairs.iter().for_each(|&(a, b)| sets.join(a, b));
            }
        }
        let fed = sets.find(supply);
        let (mut dead, mut partly) = (Vec::new(), Vec::new());
        for (at, (in_service, phases)) in self.loads.iter().enumerate() {
            let live = phases.iter().filter(|&&phase| sets.find(phase) == fed).count();
            if *in_service && live == 0 {
                dead.push(at);
            } else if *in_service && live < phases.len() {
                partly.push(at);
            }
        }
        (dead, partly)
    }
}

/// Equal sets of phases pass straight, the k-th to the k-th; otherwise all are joined with all.
fn pairs(device: &Device, vertex: &mut impl FnMut(&str, u8) -> usize) -> Vec<(usize, usize)> {
    let ends: Vec<(Vec<usize>, Vec<u8>)> = device
        .ends
        .iter()
        .map(|end| {
            let mut sorted: Vec<u8> = end.phases.iter().collect();
            let vertices = sorted.iter().map(|&phase| vertex(&end.bus, phase)).collect();
            sorted.sort_unstable();
            (vertices, sorted)
        })
        .collect();
    let straight = ends.iter().all(|(_, sorted)| *sorted == ends[0].1);
    let mut pairs = Vec::new();
    if straight {
        for end in &ends[1..] {
            pairs.extend(ends[0].0.iter().copied().zip(end.0.iter().copied()));
        }
    } else {
        let all: Vec<usize> = ends.iter().flat_map(|(vertices, _)| vertices.clone()).collect();
        pairs.extend(all.iter().map(|&other| (all[0], other)));
    }
    pairs
}

struct Sets(Vec<usize>);

impl Sets {
    fn find(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a] = b;
    }
}

fn numbers(loads: &[LoadIx]) -> Vec<usize> {
    loads.iter().map(|load| load.index()).collect()
}

/// Opens each device, and answers how many there were.
fn check_each(name: &str, network: &Network) -> usize {
    let (grid, plain) = (data::grid(network), Plain::new(network));
    let start = plain.dead(|_, normally| normally);
    for device in grid.devices() {
        let expected = plain.dead(|at, normally| normally && at != device.index());
        let dead = grid.dead(&[device], &[]);
        let id = grid.device_id(device);
        assert_eq!(
            (numbers(&dead.dead_loads), numbers(&dead.partly_dead_loads)),
            expected,
            "{name}: {id}"
        );
        check_affected(&grid, device, &start, &expected, network);
    }
    grid.devices().len()
}

/// What is newly dead, its size, and the question about one load, all say the same.
fn check_affected(
    grid: &Grid,
    device: relight_grid::DeviceIx,
    start: &(Vec<usize>, Vec<usize>),
    after: &(Vec<usize>, Vec<usize>),
    network: &Network,
) {
    let id = grid.device_id(device);
    let newly: Vec<usize> = after
        .0
        .iter()
        .copied()
        .filter(|load| !start.0.contains(load))
        .collect();
    let affected = grid.affected(device);
    assert_eq!(numbers(&affected.dead_loads), newly, "{id}");
    let customers: u64 = newly
        .iter()
        .map(|&load| u64::from(network.loads[load].customers))
        .sum();
    let count = grid.affected_count(device);
    assert_eq!(
        (count.loads as usize, count.customers),
        (newly.len(), customers),
        "{id}"
    );
    assert_eq!(
        count.partly_dead_loads as usize,
        affected.partly_dead_loads.len(),
        "{id}"
    );
    for load in grid.loads().step_by(97) {
        let is_newly_dead = newly.binary_search(&load.index()).is_ok();
        assert_eq!(grid.puts_out(device, load), is_newly_dead, "{id}");
    }
}

#[test]
fn every_device_of_the_real_networks_agrees_with_a_plain_search() -> anyhow::Result<()> {
    for name in data::golden_names() {
        let devices = check_each(&name, &data::golden_network(&name)?);
        println!("{name}: {devices} devices");
    }
    Ok(())
}

/// Pairs of devices, one opened and one closed, spread over the whole network.
#[test]
fn openings_and_closings_of_the_real_networks_agree_with_a_plain_search() -> anyhow::Result<()> {
    for name in data::golden_names() {
        let network = data::golden_network(&name)?;
        let (grid, plain) = (data::grid(&network), Plain::new(&network));
        let ties: Vec<_> = grid
            .devices()
            .filter(|&device| !grid.is_normally_closed(device))
            .collect();
        let opened: Vec<_> = grid.devices().step_by(23).collect();
        for (k, pair) in opened.windows(2).enumerate() {
            let closed: Vec<_> = ties.iter().copied().skip(k % (ties.len() + 1)).take(2).collect();
            let expected = plain.dead(|at, normally| {
                let is = |list: &[relight_grid::DeviceIx]| list.iter().any(|device| device.index() == at);
                (normally || is(&closed)) && !is(pair)
            });
            let dead = grid.dead(pair, &closed);
            assert_eq!(
                (numbers(&dead.dead_loads), numbers(&dead.partly_dead_loads)),
                expected,
                "{name}: {k}"
            );
        }
    }
    Ok(())
}
