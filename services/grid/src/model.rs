//! The compact network: interned ids, flat arrays, never changed after it is built.
//!
//! A vertex is one phase of one bus, or the inside of a device that joins its phases. Edges carry the
//! index of their device, so that opening a device is one flag.

use uuid::Uuid;

use crate::below::Below;
use crate::check::Joins;
use crate::ids::{compare, fold_onto};
use crate::network::{Device, DeviceKind, Network, Position};
use crate::phases::Phases;
use crate::supply::SupplyTree;
use crate::trace::Dead;

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(crate) u32);

        impl $name {
            /// Position in the grid's list of its kind.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index! {
    /// A bus of one [`Grid`]; meaningless in another version.
    BusIx
}
index! {
    /// A device of one [`Grid`]; meaningless in another version.
    DeviceIx
}
index! {
    /// A load of one [`Grid`]; meaningless in another version.
    LoadIx
}

/// External ids of one kind: as given, and in folded order for look-up.
#[derive(Debug)]
struct Names {
    given: Vec<Box<str>>,
    order: Vec<u32>,
}

impl Names {
    fn new<'a>(ids: impl Iterator<Item = &'a str>) -> Names {
        let given: Vec<Box<str>> = ids.map(Box::from).collect();
        // All folded forms in one piece: millions of small ones would cost more than the sorting.
        let mut folded = String::with_capacity(given.iter().map(|id| id.len()).sum());
        let mut begins = Vec::with_capacity(given.len() + 1);
        for id in &given {
            begins.push(folded.len());
            fold_onto(&mut folded, id);
        }
        begins.push(folded.len());
        let form = |ix: u32| &folded[begins[ix as usize]..begins[ix as usize + 1]];
        let mut order: Vec<u32> = (0..given.len() as u32).collect();
        order.sort_by(|&one, &other| form(one).cmp(form(other)));
        Names { given, order }
    }

    fn find(&self, id: &str) -> Option<u32> {
        let at = self
            .order
            .binary_search_by(|&ix| compare(&self.given[ix as usize], id));
        at.ok().map(|k| self.order[k])
    }
}

#[derive(Debug)]
struct BusRow {
    first_vertex: u32,
    mask: u64,
    position: Option<Position>,
}

#[derive(Debug)]
struct DeviceRow {
    kind: DeviceKind,
    closed: bool,
    ends: u8,
    first_end: u32,
    /// The vertex that joins all its phases; [`NO_JOINT`] when it passes them straight.
    joint: u32,
}

const NO_JOINT: u32 = u32::MAX;

#[derive(Debug)]
struct LoadRow {
    bus: u32,
    phases: Phases,
    customers: u32,
    in_service: bool,
}

/// Adjacency in one flat array: the neighbours of vertex `v` are `arcs[first[v]..first[v + 1]]`.
#[derive(Debug)]
pub(crate) struct Arcs {
    first: Vec<u32>,
    arcs: Vec<(u32, u32)>,
}

impl Arcs {
    pub(crate) fn new(vertices: usize, edges: &[(u32, u32, u32)]) -> Arcs {
        let mut first = vec![0_u32; vertices + 1];
        for &(a, b, _) in edges {
            first[a as usize + 1] += 1;
            first[b as usize + 1] += 1;
        }
        for v in 0..vertices {
            first[v + 1] += first[v];
        }
        let mut next = first.clone();
        let mut arcs = vec![(0, 0); edges.len() * 2];
        for &(a, b, device) in edges {
            for (from, to) in [(a, b), (b, a)] {
                arcs[next[from as usize] as usize] = (to, device);
                next[from as usize] += 1;
            }
        }
        Arcs { first, arcs }
    }

    /// Neighbours of `vertex` with the device between.
    pub(crate) fn of(&self, vertex: u32) -> &[(u32, u32)] {
        let v = vertex as usize;
        &self.arcs[self.first[v] as usize..self.first[v + 1] as usize]
    }

    pub(crate) fn vertices(&self) -> usize {
        self.first.len() - 1
    }
}

/// One version of the network, ready to be asked. Share it as `Arc<Grid>`.
///
/// Made by [`Network::grid`]. Indices taken from one grid must not be used with another.
#[derive(Debug)]
pub struct Grid {
    version: Uuid,
    name: String,
    bus_names: Names,
    device_names: Names,
    load_names: Names,
    buses: Vec<BusRow>,
    devices: Vec<DeviceRow>,
    ends: Vec<(u32, Phases)>,
    loads: Vec<LoadRow>,
    /// Loads at each vertex: those of `v` are `load_at[load_first[v]..load_first[v + 1]]`.
    load_first: Vec<u32>,
    load_at: Vec<LoadIx>,
    pub(crate) arcs: Arcs,
    /// Vertices fed from outside, each once.
    pub(crate) roots: Vec<u32>,
    pub(crate) normal: SupplyTree,
    pub(crate) normal_dead: Dead,
    pub(crate) below: Below,
}

impl Grid {
    /// `network` has been checked: every id is unique and every bus it names exists, at the position in
    /// `joins`.
    pub(crate) fn build(network: &Network, joins: &Joins, version: Uuid) -> Grid {
        let mut masks = vec![0_u64; network.buses.len()];
        for (bus, phases) in phases_used(network, joins) {
            masks[bus as usize] |= phases.mask();
        }
        let mut grid = Grid {
            version,
            name: network.name.clone(),
            bus_names: Names::new(network.buses.iter().map(|bus| bus.id.as_str())),
            device_names: Names::new(network.devices.iter().map(|device| device.id.as_str())),
            load_names: Names::new(network.loads.iter().map(|load| load.id.as_str())),
            buses: bus_rows(network, &masks),
            devices: Vec::with_capacity(network.devices.len()),
            ends: Vec::with_capacity(joins.ends.len()),
            loads: Vec::with_capacity(network.loads.len()),
            load_first: Vec::new(),
            load_at: Vec::new(),
            arcs: Arcs::new(0, &[]),
            roots: Vec::new(),
            normal: SupplyTree::default(),
            normal_dead: Dead::default(),
            below: Below::default(),
        };
        grid.add_devices(&network.devices, &joins.ends);
        grid.add_loads(network, joins);
        grid.index_loads();
        grid.add_roots(network, joins);
        grid.normal = SupplyTree::new(&grid, grid.normal_state());
        grid.normal_dead = grid.find_normal_dead();
        grid.below = Below::new(&grid, &joins.sources);
        grid
    }

    fn add_devices(&mut self, devices: &[Device], mut buses: &[u32]) {
        let mut vertices = self
            .buses
            .last()
            .map_or(0, |bus| bus.first_vertex + bus.mask.count_ones());
        let mut edges = Vec::new();
        for (ix, device) in devices.iter().enumerate() {
            let first_end = self.ends.len() as u32;
            let (own, rest) = buses.split_at(device.ends.len());
            buses = rest;
            let phases = device.ends.iter().map(|end| end.phases);
            self.ends.extend(own.iter().copied().zip(phases));
            self.devices.push(DeviceRow {
                kind: device.kind,
                closed: device.in_service && !device.open,
                ends: device.ends.len() as u8,
                first_end,
                joint: NO_JOINT,
            });
            self.join(ix as u32, &mut vertices, &mut edges);
        }
        self.arcs = Arcs::new(vertices as usize, &edges);
    }

    /// Adds the edges of one device: straight, or all to a joint vertex of its own.
    fn join(&mut self, device: u32, vertices: &mut u32, edges: &mut Vec<(u32, u32, u32)>) {
        let ends = self.end_rows(device);
        let straight = ends.iter().all(|(_, phases)| phases.mask() == ends[0].1.mask());
        if straight {
            for pair in ends.windows(2) {
                let across = pair[0].1.iter().zip(pair[1].1.iter());
                edges.extend(
                    across.map(|(a, b)| (self.vertex(pair[0].0, a), self.vertex(pair[1].0, b), device)),
                );
            }
            return;
        }
        let joint = *vertices;
        *vertices += 1;
        self.devices[device as usize].joint = joint;
        for &(bus, phases) in self.end_rows(device) {
            edges.extend(
                phases
                    .iter()
                    .map(|phase| (self.vertex(bus, phase), joint, device)),
            );
        }
    }

    fn add_loads(&mut self, network: &Network, joins: &Joins) {
        let loads = network.loads.iter().zip(&joins.loads);
        self.loads.extend(loads.map(|(load, &bus)| LoadRow {
            bus,
            phases: load.phases,
            customers: load.customers,
            in_service: load.in_service,
        }));
    }

    fn index_loads(&mut self) {
        let mut first = vec![0_u32; self.arcs.vertices() + 1];
        for vertex in self.loads().flat_map(|load| self.load_vertices(load)) {
            first[vertex as usize + 1] += 1;
        }
        for v in 1..first.len() {
            first[v] += first[v - 1];
        }
        let mut next = first.clone();
        let mut at = vec![LoadIx(0); first[first.len() - 1] as usize];
        for load in self.loads() {
            for vertex in self.load_vertices(load) {
                at[next[vertex as usize] as usize] = load;
                next[vertex as usize] += 1;
            }
        }
        (self.load_first, self.load_at) = (first, at);
    }

    fn add_roots(&mut self, network: &Network, joins: &Joins) {
        for (source, &bus) in network.sources.iter().zip(&joins.sources) {
            let fed = source.phases.or(Phases::from_mask(self.buses[bus as usize].mask));
            let phases = fed.into_iter().flat_map(Phases::iter);
            let vertices: Vec<u32> = phases.map(|phase| self.vertex(bus, phase)).collect();
            self.roots.extend(vertices);
        }
        self.roots.sort_unstable();
        self.roots.dedup();
    }

    /// The vertex of one phase of one bus; the phase is one the bus has.
    fn vertex(&self, bus: u32, phase: u8) -> u32 {
        let row = &self.buses[bus as usize];
        row.first_vertex + (row.mask & ((1 << phase) - 1)).count_ones()
    }

    fn end_rows(&self, device: u32) -> &[(u32, Phases)] {
        let row = &self.devices[device as usize];
        &self.ends[row.first_end as usize..row.first_end as usize + usize::from(row.ends)]
    }

    /// For every device: does it conduct in the normal state.
    pub(crate) fn normal_state(&self) -> Vec<bool> {
        self.devices.iter().map(|device| device.closed).collect()
    }

    pub(crate) fn load_vertices(&self, load: LoadIx) -> impl Iterator<Item = u32> + Clone + '_ {
        let row = &self.loads[load.index()];
        row.phases.iter().map(|phase| self.vertex(row.bus, phase))
    }

    /// The vertices of some phases of a bus, which it has.
    pub(crate) fn vertices(&self, bus: BusIx, phases: Phases) -> impl Iterator<Item = u32> + '_ {
        phases.iter().map(move |phase| self.vertex(bus.0, phase))
    }

    /// Loads that hang on a vertex.
    pub(crate) fn loads_at(&self, vertex: u32) -> impl Iterator<Item = LoadIx> + '_ {
        let v = vertex as usize;
        let range = self.load_first[v] as usize..self.load_first[v + 1] as usize;
        self.load_at[range].iter().copied()
    }

    /// The vertices a device joins, its own joint one included; some may come twice.
    pub(crate) fn device_vertices(&self, device: DeviceIx) -> impl Iterator<Item = u32> + '_ {
        let ends = self.end_rows(device.0).iter();
        let ends =
            ends.flat_map(move |&(bus, phases)| phases.iter().map(move |phase| self.vertex(bus, phase)));
        let joint = Some(self.devices[device.index()].joint).filter(|&joint| joint != NO_JOINT);
        ends.chain(joint)
    }

    pub(crate) fn load_in_service(&self, load: LoadIx) -> bool {
        self.loads[load.index()].in_service
    }
}

/// What a service asks a grid about its rows.
impl Grid {
    /// The version every answer is about.
    pub fn version(&self) -> Uuid {
        self.version
    }

    /// Name, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bus with this external id, in any case.
    pub fn bus(&self, id: &str) -> Option<BusIx> {
        self.bus_names.find(id).map(BusIx)
    }

    /// The device with this external id, in any case.
    pub fn device(&self, id: &str) -> Option<DeviceIx> {
        self.device_names.find(id).map(DeviceIx)
    }

    /// The load with this external id, in any case.
    pub fn load(&self, id: &str) -> Option<LoadIx> {
        self.load_names.find(id).map(LoadIx)
    }

    /// All buses.
    pub fn buses(&self) -> impl ExactSizeIterator<Item = BusIx> + use<> {
        (0..self.buses.len() as u32).map(BusIx)
    }

    /// All devices.
    pub fn devices(&self) -> impl ExactSizeIterator<Item = DeviceIx> + use<> {
        (0..self.devices.len() as u32).map(DeviceIx)
    }

    /// All loads.
    pub fn loads(&self) -> impl ExactSizeIterator<Item = LoadIx> + use<> {
        (0..self.loads.len() as u32).map(LoadIx)
    }

    /// External id of a bus, as given.
    pub fn bus_id(&self, bus: BusIx) -> &str {
        &self.bus_names.given[bus.index()]
    }

    /// External id of a device, as given.
    pub fn device_id(&self, device: DeviceIx) -> &str {
        &self.device_names.given[device.index()]
    }

    /// External id of a load, as given.
    pub fn load_id(&self, load: LoadIx) -> &str {
        &self.load_names.given[load.index()]
    }

    /// Where a bus is, if its source said so.
    pub fn bus_position(&self, bus: BusIx) -> Option<Position> {
        self.buses[bus.index()].position
    }

    /// Does anything hang on a bus.
    pub(crate) fn has_phases(&self, bus: BusIx) -> bool {
        self.buses[bus.index()].mask != 0
    }

    /// What a device is.
    pub fn device_kind(&self, device: DeviceIx) -> DeviceKind {
        self.devices[device.index()].kind
    }

    /// Does a device conduct in the normal state: in service and closed.
    pub fn is_normally_closed(&self, device: DeviceIx) -> bool {
        self.devices[device.index()].closed
    }

    /// The ends of a device, in the order of its source.
    pub fn device_ends(&self, device: DeviceIx) -> impl Iterator<Item = (BusIx, Phases)> + '_ {
        self.end_rows(device.0)
            .iter()
            .map(|&(bus, phases)| (BusIx(bus), phases))
    }

    /// Where a device is: its first end with a position.
    pub fn device_position(&self, device: DeviceIx) -> Option<Position> {
        self.device_ends(device)
            .find_map(|(bus, _)| self.bus_position(bus))
    }

    /// The bus of a load and the phases it hangs on.
    pub fn load_at(&self, load: LoadIx) -> (BusIx, Phases) {
        let row = &self.loads[load.index()];
        (BusIx(row.bus), row.phases)
    }

    /// Customers behind a load.
    pub fn load_customers(&self, load: LoadIx) -> u32 {
        self.loads[load.index()].customers
    }
}

/// Every phase that anything uses, with the bus it uses it at.
fn phases_used(network: &Network, joins: &Joins) -> impl Iterator<Item = (u32, Phases)> {
    let ends = network.devices.iter().flat_map(|device| &device.ends);
    let ends = joins.ends.iter().copied().zip(ends.map(|end| end.phases));
    let loads = network.loads.iter().map(|load| load.phases);
    let loads = joins.loads.iter().copied().zip(loads);
    let sources = joins.sources.iter().copied().zip(&network.sources);
    let sources = sources.filter_map(|(bus, source)| Some((bus, source.phases?)));
    ends.chain(loads).chain(sources)
}

fn bus_rows(network: &Network, masks: &[u64]) -> Vec<BusRow> {
    let mut first_vertex = 0;
    let rows = network.buses.iter().zip(masks).map(|(bus, &mask)| {
        let row = BusRow {
            first_vertex,
            mask,
            position: bus.position,
        };
        first_vertex += mask.count_ones();
        row
    });
    rows.collect()
}
