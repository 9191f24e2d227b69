//! One switching state as its difference from another whose supply tree is known.
//!
//! What the supply tree fed through an opened device is in doubt, nothing else; from everything that
//! surely still has supply, and over closed ties, supply floods back in. Exact for any mesh, and the work
//! is as large as what hangs below the devices touched, not as the network.

use std::collections::HashSet;

use crate::affected::AffectedCount;
use crate::model::{DeviceIx, Grid, LoadIx};
use crate::supply::SupplyTree;
use crate::trace::{Dead, Share};

/// Who has supply when some devices are opened and some closed.
pub(crate) struct Flood<'g> {
    grid: &'g Grid,
    tree: &'g SupplyTree,
    /// Devices that stop conducting, sorted.
    opened: Vec<DeviceIx>,
    /// Devices that begin to conduct, sorted.
    closed: Vec<DeviceIx>,
    /// Ranges of tree positions in doubt: disjoint, ascending, with the count of positions before each.
    doubt: Vec<(u32, u32, u32)>,
    /// For every position in doubt: has supply come back.
    back: Vec<bool>,
    /// Vertices without supply before that have it now.
    gained: HashSet<u32>,
}

impl<'g> Flood<'g> {
    /// The state of `tree` with `opened` open and `closed` closed; a device in both is open.
    pub(crate) fn new(
        grid: &'g Grid,
        tree: &'g SupplyTree,
        opened: &[DeviceIx],
        closed: &[DeviceIx],
    ) -> Flood<'g> {
        let opened_now: Vec<DeviceIx> = sorted(opened.iter().filter(|&&device| tree.conducts(device)));
        let closed_now = closed.iter();
        let closed_now = closed_now.filter(|device| !tree.conducts(**device) && !opened.contains(device));
        let mut flood = Flood {
            grid,
            tree,
            doubt: ranges(grid, tree, &opened_now),
            opened: opened_now,
            closed: sorted(closed_now),
            back: Vec::new(),
            gained: HashSet::new(),
        };
        flood.run();
        flood
    }

    fn run(&mut self) {
        let doubtful: u32 = self.doubt.iter().map(|&(from, to, _)| to - from).sum();
        self.back = vec![false; doubtful as usize];
        let mut ranges = self.doubt.iter();
        if self.closed.is_empty() && ranges.all(|&(from, to, _)| self.tree.is_only_way(from, to)) {
            return;
        }
        let mut open = Vec::new();
        for at in 0..self.doubt.len() {
            let (from, to, _) = self.doubt[at];
            for position in from..to {
                let vertex = self.tree.at(position);
                if !self.is_live(vertex) && self.is_fed_from_outside(vertex) {
                    self.mark(vertex);
                    open.push(vertex);
                }
            }
        }
        for at in 0..self.closed.len() {
            open.extend(
                self.grid
                    .device_vertices(self.closed[at])
                    .filter(|&v| self.is_live(v)),
            );
        }
        while let Some(vertex) = open.pop() {
            let grid = self.grid;
            for &(next, device) in grid.arcs.of(vertex) {
                if self.conducts(DeviceIx(device)) && !self.is_live(next) {
                    self.mark(next);
                    open.push(next);
                }
            }
        }
    }

    /// Has a vertex in doubt a conducting neighbour that is not in doubt and has supply.
    fn is_fed_from_outside(&self, vertex: u32) -> bool {
        let arcs = self.grid.arcs.of(vertex).iter();
        arcs.filter(|arc| self.conducts(DeviceIx(arc.1)))
            .any(|&(next, _)| self.tree.is_live(next) && self.doubtful(next).is_none())
    }

    fn conducts(&self, device: DeviceIx) -> bool {
        let listed = |list: &[DeviceIx]| !list.is_empty() && list.binary_search(&device).is_ok();
        if self.tree.conducts(device) {
            !listed(&self.opened)
        } else {
            listed(&self.closed)
        }
    }

    /// Where in `back` a vertex stands; none when it is not in doubt.
    fn doubtful(&self, vertex: u32) -> Option<usize> {
        let position = self.tree.position(vertex)?;
        let after = self.doubt.partition_point(|&(from, ..)| from <= position);
        let &(from, to, before) = self.doubt.get(after.checked_sub(1)?)?;
        (position < to).then(|| (position - from + before) as usize)
    }

    fn mark(&mut self, vertex: u32) {
        match self.doubtful(vertex) {
            Some(at) => self.back[at] = true,
            None => _ = self.gained.insert(vertex),
        }
    }

    /// Has a vertex supply in the new state.
    pub(crate) fn is_live(&self, vertex: u32) -> bool {
        match self.doubtful(vertex) {
            Some(at) => self.back[at],
            None => self.tree.is_live(vertex) || self.gained.contains(&vertex),
        }
    }

    /// How many of a load's phases have supply in the new state.
    pub(crate) fn share(&self, load: LoadIx) -> Share {
        Share::of(self.grid.load_vertices(load).map(|vertex| self.is_live(vertex)))
    }

    /// Loads in service with a vertex that lost or gained supply, in grid order.
    pub(crate) fn touched(&self) -> Vec<LoadIx> {
        let mut loads: Vec<LoadIx> = self.each_touched().collect();
        loads.sort_unstable();
        loads
    }

    /// The same in any order, each once: a load is met at the first of its vertices that changed.
    fn each_touched(&self) -> impl Iterator<Item = LoadIx> + '_ {
        let positions = self.doubt.iter().flat_map(|&(from, to, _)| from..to);
        let lost = positions
            .zip(&self.back)
            .filter(|(_, back)| !**back)
            .map(|(position, _)| self.tree.at(position));
        let vertices = lost.chain(self.gained.iter().copied());
        vertices.flat_map(move |vertex| {
            let loads = self.grid.loads_at(vertex);
            loads.filter(move |&load| self.grid.load_in_service(load) && self.is_met_at(load, vertex))
        })
    }

    fn is_met_at(&self, load: LoadIx, vertex: u32) -> bool {
        let mut vertices = self.grid.load_vertices(load);
        vertices.find(|&v| v == vertex || self.is_live(v) != self.tree.is_live(v)) == Some(vertex)
    }

    /// Loads that are worse off than in the state of the tree.
    pub(crate) fn newly_dead(&self) -> Dead {
        let mut dead = Dead::default();
        for load in self.touched() {
            match self.fate(load) {
                Fate::Dead => dead.add(self.grid, load),
                Fate::PartlyDead => dead.partly_dead_loads.push(load),
                Fate::AsBefore => {}
            }
        }
        dead
    }

    /// How many they are.
    pub(crate) fn newly_dead_count(&self) -> AffectedCount {
        let mut count = AffectedCount::default();
        for load in self.each_touched() {
            match self.fate(load) {
                Fate::Dead => {
                    count.loads += 1;
                    count.customers += u64::from(self.grid.load_customers(load));
                }
                Fate::PartlyDead => count.partly_dead_loads += 1,
                Fate::AsBefore => {}
            }
        }
        count
    }

    fn fate(&self, load: LoadIx) -> Fate {
        let (mut before, mut now) = (0, 0);
        for vertex in self.grid.load_vertices(load) {
            before += u32::from(self.tree.is_live(vertex));
            now += u32::from(self.is_live(vertex));
        }
        match now {
            0 if before > 0 => Fate::Dead,
            _ if now < before => Fate::PartlyDead,
            _ => Fate::AsBefore,
        }
    }
}

/// What becomes of a load.
enum Fate {
    Dead,
    PartlyDead,
    AsBefore,
}

fn sorted<'a>(devices: impl Iterator<Item = &'a DeviceIx>) -> Vec<DeviceIx> {
    let mut devices: Vec<DeviceIx> = devices.copied().collect();
    devices.sort_unstable();
    devices.dedup();
    devices
}

/// Tree positions fed through any of `devices`: outermost ranges, with the count of positions before each.
fn ranges(grid: &Grid, tree: &SupplyTree, devices: &[DeviceIx]) -> Vec<(u32, u32, u32)> {
    let fed = devices.iter().flat_map(|&device| {
        let vertices = grid.device_vertices(device);
        vertices.filter(move |&vertex| tree.feeder_of(vertex) == Some(device))
    });
    let mut found: Vec<(u32, u32)> = fed.filter_map(|vertex| tree.range(vertex)).collect();
    found.sort_unstable();
    let mut outer: Vec<(u32, u32, u32)> = Vec::with_capacity(found.len());
    for (from, to) in found {
        match outer.last() {
            // Ranges of a tree are nested or apart, and an outer one begins first.
            Some(&(_, end, _)) if from < end => {}
            Some(&(start, end, before)) => outer.push((from, to, before + end - start)),
            None => outer.push((from, to, 0)),
        }
    }
    outer
}
