//! The way from a load back to its source, in one switching state.
//!
//! A breadth-first tree over what conducts. Where the network is radial the tree is the only way and
//! its answers are exact; where it is not, a device is named only after a search confirms that opening
//! it puts every load in question out.

use std::collections::HashSet;

use crate::flood::Flood;
use crate::model::{Arcs, DeviceIx, Grid, LoadIx};
use crate::network::DeviceKind;
use crate::trace::Share;

const NONE: u32 = u32::MAX;

/// Parents of all vertices in one switching state, and the tree's vertices in Euler order: what hangs
/// below a vertex is one range of positions.
#[derive(Debug, Default)]
pub(crate) struct SupplyTree {
    conducts: Vec<bool>,
    /// (parent vertex, device between); [`NONE`] as vertex for roots and for what is dead.
    parent: Vec<(u32, u32)>,
    /// Position of each live vertex; [`NONE`] for what is dead.
    enter: Vec<u32>,
    /// The position behind the last vertex below each.
    leave: Vec<u32>,
    /// The vertex at each position.
    order: Vec<u32>,
    /// How many of the vertices before each position have a way beside the tree.
    loose: Vec<u32>,
    radial: bool,
}

impl SupplyTree {
    pub(crate) fn new(grid: &Grid, conducts: Vec<bool>) -> SupplyTree {
        SupplyTree::over(&grid.arcs, &grid.roots, conducts)
    }

    /// A tree over any graph whose edges name devices.
    pub(crate) fn over(arcs: &Arcs, roots: &[u32], conducts: Vec<bool>) -> SupplyTree {
        let vertices = arcs.vertices();
        let mut tree = SupplyTree {
            conducts,
            parent: vec![(NONE, NONE); vertices],
            enter: vec![NONE; vertices],
            leave: vec![NONE; vertices],
            order: Vec::new(),
            loose: Vec::new(),
            radial: false,
        };
        let reached = tree.search(arcs, roots);
        tree.number(roots.len(), &reached);
        tree.count_loose(arcs);
        tree
    }

    /// Breadth first from the sources; answers the live vertices in the order they were met.
    fn search(&mut self, arcs: &Arcs, roots: &[u32]) -> Vec<u32> {
        let mut reached = roots.to_vec();
        // Until the tree is numbered, `enter` only says who was met.
        reached.iter().for_each(|&root| self.enter[root as usize] = 0);
        let mut arcs_seen = 0_usize;
        let mut next_up = 0;
        while let Some(&vertex) = reached.get(next_up) {
            next_up += 1;
            for &(next, device) in arcs.of(vertex) {
                if !self.conducts[device as usize] {
                    continue;
                }
                arcs_seen += 1;
                if self.enter[next as usize] == NONE {
                    self.enter[next as usize] = 0;
                    self.parent[next as usize] = (vertex, device);
                    reached.push(next);
                }
            }
        }
        // Every edge is met from both sides; a forest has one edge per vertex that is no root.
        self.radial = arcs_seen / 2 == reached.len() - roots.len();
        reached
    }

    /// Gives every live vertex its position: parents before children, and each subtree in one run.
    fn number(&mut self, roots: usize, reached: &[u32]) {
        // First the size of every subtree, from the leaves up, in `leave`.
        reached.iter().for_each(|&vertex| self.leave[vertex as usize] = 1);
        for &vertex in reached[roots..].iter().rev() {
            let above = self.parent[vertex as usize].0;
            self.leave[above as usize] += self.leave[vertex as usize];
        }
        // Then each takes the next free run of its parent; `free` is where that begins.
        let mut free = vec![0_u32; self.parent.len()];
        let mut free_for_roots = 0;
        self.order = vec![0; reached.len()];
        for &vertex in reached {
            let v = vertex as usize;
            let slot = match self.parent[v].0 {
                NONE => &mut free_for_roots,
                above => &mut free[above as usize],
            };
            let (enter, size) = (*slot, self.leave[v]);
            *slot += size;
            (self.enter[v], self.leave[v], free[v]) = (enter, enter + size, enter + 1);
            self.order[enter as usize] = vertex;
        }
    }

    fn count_loose(&mut self, arcs: &Arcs) {
        let mut count = 0;
        self.loose = vec![0; self.order.len() + 1];
        for at in 0..self.order.len() {
            count += u32::from(self.loose_ends(arcs, self.order[at]).next().is_some());
            self.loose[at + 1] = count;
        }
    }

    /// The far ends of what conducts at this vertex and the tree does not use.
    pub(crate) fn loose_ends<'a>(&'a self, arcs: &'a Arcs, vertex: u32) -> impl Iterator<Item = u32> + 'a {
        let conducting = arcs.of(vertex).iter().filter(|arc| self.conducts[arc.1 as usize]);
        let loose = conducting.filter(move |&&(next, device)| {
            self.parent[vertex as usize] != (next, device) && self.parent[next as usize] != (vertex, device)
        });
        loose.map(|&(next, _)| next)
    }

    /// Is the tree the only way to all vertices from one position up to another.
    pub(crate) fn is_only_way(&self, from: u32, to: u32) -> bool {
        self.loose[from as usize] == self.loose[to as usize]
    }

    pub(crate) fn conducts(&self, device: DeviceIx) -> bool {
        self.conducts[device.index()]
    }

    pub(crate) fn is_live(&self, vertex: u32) -> bool {
        self.enter[vertex as usize] != NONE
    }

    /// Where a vertex stands in the order; none when it is dead.
    pub(crate) fn position(&self, vertex: u32) -> Option<u32> {
        Some(self.enter[vertex as usize]).filter(|&at| at != NONE)
    }

    /// The positions of a vertex and of all below it; none when it is dead.
    pub(crate) fn range(&self, vertex: u32) -> Option<(u32, u32)> {
        Some((self.position(vertex)?, self.leave[vertex as usize]))
    }

    /// The vertex at a position.
    pub(crate) fn at(&self, position: u32) -> u32 {
        self.order[position as usize]
    }

    /// The vertices with supply, each before those it feeds.
    pub(crate) fn order(&self) -> &[u32] {
        &self.order
    }

    /// The vertex above one in the tree; none for sources and for what is dead.
    pub(crate) fn above(&self, vertex: u32) -> Option<u32> {
        Some(self.parent[vertex as usize].0).filter(|&above| above != NONE)
    }

    /// The device through which the tree feeds a vertex; none for sources and for what is dead.
    pub(crate) fn feeder_of(&self, vertex: u32) -> Option<DeviceIx> {
        let (above, device) = self.parent[vertex as usize];
        (above != NONE).then_some(DeviceIx(device))
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
    Known(&'g SupplyTree),
    Own(SupplyTree),
}

impl Grid {
    /// How loads are fed in the normal state. Costs nothing: the tree is made with the grid.
    pub fn normal_supply(&self) -> Supply<'_> {
        Supply::over(self, &self.normal)
    }

    /// How loads are fed when `opened` are open and `closed` are closed; see [`Grid::dead`].
    pub fn supply(&self, opened: &[DeviceIx], closed: &[DeviceIx]) -> Supply<'_> {
        let tree = SupplyTree::new(self, self.state(opened, closed));
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

impl<'g> Supply<'g> {
    /// How loads are fed in the state that `tree` was made of.
    pub(crate) fn over(grid: &'g Grid, tree: &'g SupplyTree) -> Supply<'g> {
        Supply {
            grid,
            tree: Tree::Known(tree),
        }
    }
}

impl Supply<'_> {
    fn tree(&self) -> &SupplyTree {
        match &self.tree {
            Tree::Known(tree) => tree,
            Tree::Own(tree) => tree,
        }
    }

    /// Every device on the way of the load's first live phase, from the load to the source; empty when
    /// the load is dead.
    pub fn path(&self, load: LoadIx) -> Vec<DeviceIx> {
        let live = self
            .grid
            .load_vertices(load)
            .find(|&vertex| self.tree().is_live(vertex));
        live.map(|vertex| self.path_of(vertex)).unwrap_or_default()
    }

    /// Every device on the way of any live phase of `loads`, in grid order. Ways that meet are followed once.
    pub(crate) fn devices_above(&self, loads: &[LoadIx]) -> Vec<DeviceIx> {
        let (mut devices, mut met) = (Vec::new(), HashSet::new());
        let vertices = loads.iter().flat_map(|&load| self.grid.load_vertices(load));
        for mut vertex in vertices.filter(|&vertex| self.tree().is_live(vertex)) {
            while met.insert(vertex) {
                let (above, device) = self.tree().parent[vertex as usize];
                if above == NONE {
                    break;
                }
                devices.push(DeviceIx(device));
                vertex = above;
            }
        }
        devices.sort_unstable();
        devices.dedup();
        devices
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
        above.retain(|&device| self.grid.device_kind(device).is_switching() && self.decides(device, &[load]));
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
        shared.find(|&device| wanted(self.grid.device_kind(device)) && self.decides(device, loads))
    }

    /// Every device whose opening alone puts the load out, from the source to the load.
    pub fn single_points_of_failure(&self, load: LoadIx) -> Vec<DeviceIx> {
        let mut points = self.shared_path(&[load]);
        points.retain(|&device| self.decides(device, &[load]));
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
            if self.tree().is_live(vertex) {
                let way: HashSet<DeviceIx> = self.path_of(vertex).into_iter().collect();
                shared.retain(|device| way.contains(device));
            }
        }
        shared
    }

    /// Does opening `device`, which lies on every way in the tree, put all of `loads` out.
    fn decides(&self, device: DeviceIx, loads: &[LoadIx]) -> bool {
        self.tree().radial || self.puts_out(device, loads)
    }

    /// Are all of `loads` without supply when `device` opens.
    pub(crate) fn puts_out(&self, device: DeviceIx, loads: &[LoadIx]) -> bool {
        let flood = Flood::new(self.grid, self.tree(), &[device], &[]);
        loads.iter().all(|&load| matches!(flood.share(load), Share::None))
    }
}
