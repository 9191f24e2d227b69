//! The way from a load back to its source, in one switching state.
//!
//! A breadth-first tree over what conducts. Where the network is radial the tree is the only way and
//! its answers are exact; where it is not, a device is named only after a search confirms that opening
//! it puts every load in question out.

use std::collections::{HashSet, VecDeque};

use crate::model::{DeviceIx, Grid, LoadIx};
use crate::network::DeviceKind;

const NONE: u32 = u32::MAX;

/// Parents of all vertices in one switching state.
#[derive(Debug, Default)]
pub(crate) struct SupplyTree {
    conducts: Vec<bool>,
    /// (parent vertex, device between); [`NONE`] as vertex for roots and for what is dead.
    parent: Vec<(u32, u32)>,
    live: Vec<bool>,
    radial: bool,
}

impl SupplyTree {
    pub(crate) fn new(grid: &Grid, conducts: &[bool]) -> SupplyTree {
        let vertices = grid.arcs.vertices();
        let mut parent = vec![(NONE, NONE); vertices];
        let mut live = vec![false; vertices];
        let mut open: VecDeque<u32> = grid.roots.iter().copied().collect();
        open.iter().for_each(|&root| live[root as usize] = true);
        let mut arcs_seen = 0_usize;
        let mut reached = open.len();
        while let Some(vertex) = open.pop_front() {
            for &(next, device) in grid.arcs.of(vertex).iter().filter(|arc| conducts[arc.1 as usize]) {
                arcs_seen += 1;
                if !live[next as usize] {
                    live[next as usize] = true;
                    reached += 1;
                    parent[next as usize] = (vertex, device);
                    open.push_back(next);
                }
            }
        }
        // Every edge is met from both sides; a forest has one edge per vertex that is no root.
        let radial = arcs_seen / 2 == reached - grid.roots.len();
        SupplyTree {
            conducts: conducts.to_vec(),
            parent,
            live,
            radial,
        }
    }
}

/// The way each load is fed in one switching state. See [`Grid::supply`] and [`Grid::normal_supply`].
#[derive(Debug)]
pub struct Supply<'g> {
    grid: &'g Grid,
    tree: Tree<'g>,
}

#[derive(Debug)]
enum Tree<'g> {
    Normal(&'g SupplyTree),
    Own(SupplyTree),
}

impl Grid {
    /// How loads are fed in the normal state. Costs nothing: the tree is made with the grid.
    pub fn normal_supply(&self) -> Supply<'_> {
        Supply {
            grid: self,
            tree: Tree::Normal(&self.normal),
        }
    }

    /// How loads are fed when `opened` are open and `closed` are closed; see [`Grid::dead`].
    pub fn supply(&self, opened: &[DeviceIx], closed: &[DeviceIx]) -> Supply<'_> {
        let tree = SupplyTree::new(self, &self.state(opened, closed));
        Supply {
            grid: self,
            tree: Tree::Own(tree),
        }
    }

    /// [`Supply::transformer`] in the normal state.
    pub fn supplying_transformer(&self, load: LoadIx) -> Option<DeviceIx> {
        self.normal_supply().transformer(load)
    }

    /// [`Supply::protective_above`] in the normal state.
    pub fn protective_above(&self, load: LoadIx) -> Vec<DeviceIx> {
        self.normal_supply().protective_above(load)
    }

    /// [`Supply::common_device`] in the normal state.
    pub fn common_device(&self, loads: &[LoadIx]) -> Option<DeviceIx> {
        self.normal_supply().common_device(loads)
    }

    /// [`Supply::single_points_of_failure`] in the normal state.
    pub fn single_points_of_failure(&self, load: LoadIx) -> Vec<DeviceIx> {
        self.normal_supply().single_points_of_failure(load)
    }
}

impl Supply<'_> {
    fn tree(&self) -> &SupplyTree {
        match &self.tree {
            Tree::Normal(tree) => tree,
            Tree::Own(tree) => tree,
        }
    }

    /// Every device on the way of the load's first live phase, from the load to the source; empty when
    /// the load is dead.
    pub fn path(&self, load: LoadIx) -> Vec<DeviceIx> {
        let live = self
            .grid
            .load_vertices(load)
            .find(|&vertex| self.tree().live[vertex as usize]);
        live.map(|vertex| self.path_of(vertex)).unwrap_or_default()
    }

    fn path_of(&self, mut vertex: u32) -> Vec<DeviceIx> {
        let mut path = Vec::new();
        let mut seen = HashSet::new();
        loop {
            let (above, device) = self.tree().parent[vertex as usize];
            if above == NONE {
                return path;
            }
            // A way passes a joint vertex by two edges, and a device twice when phases are joined above it.
            if seen.insert(device) {
                path.push(DeviceIx(device));
            }
            vertex = above;
        }
    }

    /// The lowest transformer that alone puts the load out: the one its neighbours share. A regulator
    /// counts too.
    pub fn transformer(&self, load: LoadIx) -> Option<DeviceIx> {
        self.lowest(&[load], |kind| kind == DeviceKind::Transformer)
    }

    /// Switches, breakers, reclosers and fuses that alone put the load out, from the load to the source.
    pub fn protective_above(&self, load: LoadIx) -> Vec<DeviceIx> {
        let mut above = self.shared_path(&[load]);
        above
            .retain(|&device| self.grid.device_kind(device).is_switching() && self.puts_out(device, &[load]));
        above
    }

    /// The lowest transformer or switching device that alone puts all of `loads` out; of two in a row
    /// the one nearer to the loads. None when there is none, no load is given or one is dead already.
    pub fn common_device(&self, loads: &[LoadIx]) -> Option<DeviceIx> {
        self.lowest(loads, |kind| {
            kind == DeviceKind::Transformer || kind.is_switching()
        })
    }

    fn lowest(&self, loads: &[LoadIx], wanted: impl Fn(DeviceKind) -> bool) -> Option<DeviceIx> {
        let mut shared = self.shared_path(loads).into_iter();
        shared.find(|&device| wanted(self.grid.device_kind(device)) && self.puts_out(device, loads))
    }

    /// Every device whose opening alone puts the load out, from the source to the load.
    pub fn single_points_of_failure(&self, load: LoadIx) -> Vec<DeviceIx> {
        let mut points = self.shared_path(&[load]);
        points.retain(|&device| self.puts_out(device, &[load]));
        points.reverse();
        points
    }

    /// Devices on the ways of all live phases of all `loads`, lowest first. What alone puts the loads
    /// out lies on every way there is, so it is among these.
    fn shared_path(&self, loads: &[LoadIx]) -> Vec<DeviceIx> {
        let Some((&first, _)) = loads.split_first() else {
            return Vec::new();
        };
        if loads.iter().any(|&load| self.path(load).is_empty()) {
            return Vec::new();
        }
        let mut shared = self.path(first);
        for vertex in loads.iter().flat_map(|&load| self.grid.load_vertices(load)) {
            if self.tree().live[vertex as usize] {
                let way: HashSet<DeviceIx> = self.path_of(vertex).into_iter().collect();
                shared.retain(|device| way.contains(device));
            }
        }
        shared
    }

    fn puts_out(&self, device: DeviceIx, loads: &[LoadIx]) -> bool {
        if self.tree().radial {
            return true;
        }
        let mut conducts = self.tree().conducts.clone();
        conducts[device.index()] = false;
        self.grid.all_dead(loads, &conducts)
    }
}
