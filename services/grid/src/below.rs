//! Whom a device puts out where it is the only way: known before anybody asks.
//!
//! A tree over a coarser graph than the grid's: a vertex is a whole bus or a whole device. When nothing but
//! the device joins what hangs below it there with the rest, no phase below keeps supply when it opens; and when it
//! feeds no vertex but those below, nobody else notices. Then its answer is a run of one list. In every other case
//! this module knows nothing and says so. Made with the grid, for the normal state.

use crate::affected::AffectedCount;
use crate::model::{Arcs, DeviceIx, Grid, LoadIx};
use crate::supply::SupplyTree;
use crate::trace::Dead;

/// Runs of loads, one for each device.
#[derive(Debug, Default)]
pub(crate) struct Below {
    /// Loads in service that have supply on some phase: what hangs below a device is one run of them.
    loads: Vec<LoadIx>,
    /// Customers behind the loads before each.
    customers: Vec<u64>,
    /// For every device the run that it puts out; none where that has to be searched.
    runs: Vec<Option<(u32, u32)>>,
}

impl Below {
    /// `sources` are the buses fed from outside.
    pub(crate) fn new(grid: &Grid, sources: &[u32]) -> Below {
        let coarse = Coarse::new(grid, sources);
        let mut loads: Vec<(u32, LoadIx)> = grid
            .loads()
            .filter(|&load| grid.load_in_service(load))
            .filter(|&load| grid.load_vertices(load).any(|vertex| grid.normal.is_live(vertex)))
            .filter_map(|load| Some((coarse.tree.position(grid.load_at(load).0.0)?, load)))
            .collect();
        loads.sort_unstable();
        let before = counts_before(&loads, coarse.tree.order().len());
        let mut below = Below {
            loads: loads.into_iter().map(|(_, load)| load).collect(),
            customers: vec![0],
            runs: Vec::with_capacity(grid.devices().len()),
        };
        let mut customers = 0;
        for &load in &below.loads {
            customers += u64::from(grid.load_customers(load));
            below.customers.push(customers);
        }
        let run = |(from, to): (u32, u32)| (before[from as usize], before[to as usize]);
        below
            .runs
            .extend(grid.devices().map(|device| coarse.below(device).map(run)));
        below
    }

    /// How many a device puts out; none where that has to be searched.
    pub(crate) fn count(&self, device: DeviceIx) -> Option<AffectedCount> {
        let (from, to) = self.runs[device.index()]?;
        Some(AffectedCount {
            loads: to - from,
            partly_dead_loads: 0,
            customers: self.customers[to as usize] - self.customers[from as usize],
        })
    }

    /// Whom a device puts out; none where that has to be searched.
    pub(crate) fn dead(&self, device: DeviceIx) -> Option<Dead> {
        let (from, to) = self.runs[device.index()]?;
        let mut dead_loads = self.loads[from as usize..to as usize].to_vec();
        // Mostly in order as they are, which a stable sort notices.
        dead_loads.sort();
        Some(Dead {
            dead_loads,
            partly_dead_loads: Vec::new(),
            customers: self.customers[to as usize] - self.customers[from as usize],
        })
    }
}

/// How many of the loads stand before each position.
fn counts_before(loads: &[(u32, LoadIx)], positions: usize) -> Vec<u32> {
    let mut before = vec![0; positions + 1];
    for &(position, _) in loads {
        before[position as usize + 1] += 1;
    }
    for at in 0..positions {
        before[at + 1] += before[at];
    }
    before
}

/// The tree over buses and devices: vertices are the buses, then the devices.
struct Coarse<'g> {
    grid: &'g Grid,
    tree: SupplyTree,
    /// For every vertex: the least and the greatest position that anything below it reaches beside the tree.
    reach: Vec<(u32, u32)>,
}

impl<'g> Coarse<'g> {
    fn new(grid: &'g Grid, sources: &[u32]) -> Coarse<'g> {
        let buses = grid.buses().len();
        let edges: Vec<(u32, u32, u32)> = grid
            .devices()
            .flat_map(|device| {
                let ends = grid.device_ends(device);
                ends.map(move |(bus, _)| (bus.0, vertex(grid, device), device.0))
            })
            .collect();
        let arcs = Arcs::new(buses + grid.devices().len(), &edges);
        drop(edges);
        let mut roots = sources.to_vec();
        roots.sort_unstable();
        roots.dedup();
        let tree = SupplyTree::over(&arcs, &roots, grid.normal_state());
        Coarse {
            grid,
            reach: reach(&tree, &arcs),
            tree,
        }
    }

    /// The positions strictly below a device when it is the only way to them and feeds nothing else.
    fn below(&self, device: DeviceIx) -> Option<(u32, u32)> {
        let vertex = vertex(self.grid, device);
        let Some((own, end)) = self.tree.range(vertex) else {
            // It is open, or nothing feeds it: opening it changes nothing.
            return Some((0, 0));
        };
        let (least, greatest) = self.reach[vertex as usize];
        let is_only_way = least >= own && greatest < end;
        (is_only_way && self.feeds_only_below(device, own, end)).then_some((own + 1, end))
    }

    /// Two phases of the bus above can be joined in a device: then it feeds one of them.
    fn feeds_only_below(&self, device: DeviceIx, own: u32, end: u32) -> bool {
        let above = self.grid.device_ends(device).filter(|(bus, _)| {
            let position = self.tree.position(bus.0);
            position.is_none_or(|at| at < own || at >= end)
        });
        let mut vertices = above.flat_map(|(bus, phases)| self.grid.vertices(bus, phases));
        vertices.all(|vertex| self.grid.normal.feeder_of(vertex) != Some(device))
    }
}

/// The vertex of a device, behind those of all buses.
fn vertex(grid: &Grid, device: DeviceIx) -> u32 {
    grid.buses().len() as u32 + device.0
}

/// See [`Coarse::reach`]; from the leaves up, so that each vertex is done when the one above it takes it in.
fn reach(tree: &SupplyTree, arcs: &Arcs) -> Vec<(u32, u32)> {
    let mut reach = vec![(u32::MAX, 0); arcs.vertices()];
    for &vertex in tree.order().iter().rev() {
        let Some(above) = tree.above(vertex) else {
            continue;
        };
        let (mut least, mut greatest) = reach[vertex as usize];
        for position in tree.loose_ends(arcs, vertex).filter_map(|end| tree.position(end)) {
            (least, greatest) = (least.min(position), greatest.max(position));
        }
        let up = &mut reach[above as usize];
        *up = (up.0.min(least), up.1.max(greatest));
    }
    reach
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use crate::demo::{Province, province};

    /// Answers stay as fast as they are: nothing has to be searched where no mesh is.
    #[test]
    fn every_answer_is_known_where_the_network_is_radial() {
        let size = Province {
            feeders: 40,
            transformers: 400,
            customers: 5_000,
            large_customers: 600,
            large_transformers: 30,
        };
        let grid = province(size)
            .grid(Uuid::nil())
            .expect("the generator makes no mistake");
        assert!(grid.devices().all(|device| grid.below.count(device).is_some()));
    }
}
