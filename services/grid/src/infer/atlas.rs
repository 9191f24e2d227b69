//! The candidates: devices with the same loads below are one class, classes lie in each other like boxes.
//!
//! Built region by region, when the first evidence of a region arrives. A class that overlaps another
//! without containing it (a single-phase regulator above a three-phase switch) is kept beside the tree
//! as a crossing class of the smallest class around both.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::state::State;
use super::weights::Weights;
use crate::model::{DeviceIx, Grid, LoadIx};
use crate::network::DeviceKind;

/// A class of this atlas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ClassIx(u32);

/// Devices that put out the same loads. A class of one load without a device is that customer's premise.
#[derive(Debug)]
pub(crate) struct Class {
    /// The loads, ascending.
    pub(crate) loads: Vec<LoadIx>,
    pub(crate) customers: u32,
    /// The most likely device first.
    pub(crate) devices: Vec<DeviceIx>,
    /// ln of faults per hour.
    pub(crate) ln_rate: f64,
    /// The smallest class around it.
    pub(crate) parent: Option<ClassIx>,
    /// Classes that cross classes below this one.
    pub(crate) crossing: Vec<ClassIx>,
}

/// Candidates of one grid in one switching state.
#[derive(Debug)]
pub(crate) struct Atlas {
    pub(crate) grid: Arc<Grid>,
    weights: Arc<Weights>,
    lengths_m: Arc<[Option<f64>]>,
    state: Arc<State>,
    /// Loads without supply in this state whatever else happens.
    dark: HashSet<LoadIx>,
    classes: Vec<Class>,
    /// The smallest class around each load of a built region.
    lowest: HashMap<LoadIx, Option<ClassIx>>,
    leaf: HashMap<LoadIx, ClassIx>,
    of_device: HashMap<DeviceIx, ClassIx>,
    telemetered_closed: HashSet<DeviceIx>,
}

impl Atlas {
    pub(crate) fn new(
        grid: Arc<Grid>,
        weights: Arc<Weights>,
        lengths_m: Arc<[Option<f64>]>,
        state: Arc<State>,
        telemetered_closed: HashSet<DeviceIx>,
    ) -> Atlas {
        let switched = &state.switched;
        let dark = grid.dead(&switched.opened, &switched.closed).dead_loads;
        Atlas {
            grid,
            weights,
            lengths_m,
            state,
            dark: dark.into_iter().collect(),
            classes: Vec::new(),
            lowest: HashMap::new(),
            leaf: HashMap::new(),
            of_device: HashMap::new(),
            telemetered_closed,
        }
    }

    pub(crate) fn class(&self, class: ClassIx) -> &Class {
        &self.classes[class.0 as usize]
    }

    /// Loads that are dark in this state before anything fails.
    pub(crate) fn is_dark(&self, load: LoadIx) -> bool {
        self.dark.contains(&load)
    }

    pub(crate) fn state(&self) -> &Arc<State> {
        &self.state
    }

    pub(crate) fn telemetered_closed(&self) -> &HashSet<DeviceIx> {
        &self.telemetered_closed
    }

    /// Whom `device` puts out in this state.
    pub(crate) fn puts_out(&self, device: DeviceIx) -> Vec<LoadIx> {
        self.state.puts_out(&self.grid, device)
    }

    /// The class of `load` alone; the region around it is built when it is new.
    pub(crate) fn leaf(&mut self, load: LoadIx) -> ClassIx {
        if let Some(&leaf) = self.leaf.get(&load) {
            return leaf;
        }
        if !self.lowest.contains_key(&load) {
            self.build_around(load);
        }
        let lowest = self.lowest.get(&load).copied().flatten();
        let leaf = match lowest {
            Some(class) if self.class(class).loads.len() == 1 => class,
            parent => self.add(vec![load], Vec::new(), parent),
        };
        self.leaf.insert(load, leaf);
        leaf
    }

    /// The class of a device, if it has loads below.
    pub(crate) fn of_device(&mut self, device: DeviceIx) -> Option<ClassIx> {
        if let Some(&class) = self.of_device.get(&device) {
            return Some(class);
        }
        let first = *self.puts_out(device).first()?;
        self.leaf(first);
        self.of_device.get(&device).copied()
    }

    /// Builds every class of the largest set around `load` that is not too large.
    fn build_around(&mut self, load: LoadIx) {
        let members = self.region(load);
        self.lowest.insert(load, None);
        for &member in &members {
            self.lowest.entry(member).or_insert(None);
        }
        let found = self.sets(&members);
        let (nested, crossing) = split(found, &self.grid);
        for (loads, devices) in nested {
            let parent = self.lowest.get(&loads[0]).copied().flatten();
            let class = self.add(loads.clone(), devices, parent);
            for load in loads {
                self.lowest.insert(load, Some(class));
            }
        }
        for (loads, devices) in crossing {
            self.add_crossing(loads, devices);
        }
    }

    fn region(&self, load: LoadIx) -> Vec<LoadIx> {
        let supply = self.state.supply(&self.grid);
        let sets = supply
            .path(load)
            .into_iter()
            .rev()
            .map(|device| self.puts_out(device));
        sets.filter(|set| set.len() <= self.weights.incident.loads_max)
            .find(|set| set.binary_search(&load).is_ok())
            .unwrap_or_default()
    }

    /// The devices above `members` by the loads they put out, as far as these lie within.
    fn sets(&self, members: &[LoadIx]) -> BTreeMap<Vec<LoadIx>, Vec<DeviceIx>> {
        let supply = self.state.supply(&self.grid);
        let mut devices: Vec<DeviceIx> = members.iter().flat_map(|&load| supply.path(load)).collect();
        devices.sort_unstable();
        devices.dedup();
        let mut sets: BTreeMap<Vec<LoadIx>, Vec<DeviceIx>> = BTreeMap::new();
        for device in devices {
            let set = self.puts_out(device);
            let within = set.iter().all(|load| members.binary_search(load).is_ok());
            if !set.is_empty() && within {
                sets.entry(set).or_default().push(device);
            }
        }
        sets
    }

    fn add(&mut self, loads: Vec<LoadIx>, mut devices: Vec<DeviceIx>, parent: Option<ClassIx>) -> ClassIx {
        devices.sort_by(|&a, &b| self.rate(b).total_cmp(&self.rate(a)).then(a.cmp(&b)));
        let customers = loads
            .iter()
            .map(|&load| self.grid.load_customers(load).max(1))
            .sum();
        let class = ClassIx(self.classes.len() as u32);
        self.of_device
            .extend(devices.iter().map(|&device| (device, class)));
        self.classes.push(Class {
            loads,
            customers,
            devices,
            ln_rate: 0.0,
            parent,
            crossing: Vec::new(),
        });
        self.rate_class(class);
        class
    }

    fn add_crossing(&mut self, loads: Vec<LoadIx>, devices: Vec<DeviceIx>) {
        let mut around = self.lowest.get(&loads[0]).copied().flatten();
        while let Some(class) = around {
            if contains(&self.class(class).loads, &loads) {
                break;
            }
            around = self.class(class).parent;
        }
        // Without a class around both there is nothing to weigh it against in one piece.
        if let Some(parent) = around {
            let class = self.add(loads, devices, Some(parent));
            self.classes[parent.0 as usize].crossing.push(class);
        }
    }

    fn rate(&self, device: DeviceIx) -> f64 {
        let length_m = self.lengths_m.get(device.index()).copied().flatten();
        self.weights.rate(self.grid.device_kind(device), length_m)
    }

    fn rate_class(&mut self, class: ClassIx) {
        let row = self.class(class);
        let open = row
            .devices
            .iter()
            .filter(|device| !self.telemetered_closed.contains(device));
        let mut rate: f64 = open.map(|&device| self.rate(device)).sum();
        if row.loads.len() == 1 {
            rate += self.weights.rates.premise;
        }
        self.classes[class.0 as usize].ln_rate = rate.ln();
    }

    /// The device to name for a class: the most likely one that telemetry does not say is closed.
    pub(crate) fn named(&self, class: ClassIx) -> Option<DeviceIx> {
        let devices = &self.class(class).devices;
        let open = devices
            .iter()
            .find(|device| !self.telemetered_closed.contains(device));
        open.or(devices.first()).copied()
    }

    /// The smallest class around `class`, itself included, that has a device.
    pub(crate) fn with_device(&self, class: ClassIx) -> Option<ClassIx> {
        let mut at = Some(class);
        while let Some(class) = at {
            if !self.class(class).devices.is_empty() {
                return Some(class);
            }
            at = self.class(class).parent;
        }
        None
    }

    /// The smallest class around `load` that has a transformer.
    pub(crate) fn transformer(&self, load: LoadIx) -> Option<ClassIx> {
        let mut at = self.lowest.get(&load).copied().flatten();
        while let Some(class) = at {
            let kinds = self
                .class(class)
                .devices
                .iter()
                .map(|&device| self.grid.device_kind(device));
            if kinds.into_iter().any(|kind| kind == DeviceKind::Transformer) {
                return Some(class);
            }
            at = self.class(class).parent;
        }
        None
    }
}

/// Is every load of `inner` in `outer`; both ascending.
pub(crate) fn contains(outer: &[LoadIx], inner: &[LoadIx]) -> bool {
    inner.len() <= outer.len() && inner.iter().all(|load| outer.binary_search(load).is_ok())
}

/// Loads with the devices that put exactly them out.
type Set = (Vec<LoadIx>, Vec<DeviceIx>);

/// Largest first, those that lie in each other; and those that cross one of them.
///
/// Classes with a switching device come first in doubt: they are what crews find open. Crossing lines
/// are left out: what is wrong on a line is cleared by the protection above it.
fn split(found: BTreeMap<Vec<LoadIx>, Vec<DeviceIx>>, grid: &Grid) -> (Vec<Set>, Vec<Set>) {
    let rank = |devices: &[DeviceIx]| {
        let kinds = || devices.iter().map(|&device| grid.device_kind(device));
        if kinds().any(DeviceKind::is_switching) {
            0
        } else if kinds().any(|kind| kind == DeviceKind::Transformer) {
            1
        } else {
            2
        }
    };
    let mut by_rank: Vec<(u8, Set)> = found.into_iter().map(|set| (rank(&set.1), set)).collect();
    by_rank.sort_by(|(a, x), (b, y)| {
        (a, y.0.len(), &x.0).cmp(&(b, x.0.len(), &y.0)) // larger first within a rank
    });
    let (mut nested, mut crossing) = (Nested::default(), Vec::new());
    for (rank, set) in by_rank {
        if nested.fits(&set.0) {
            nested.add(set);
        } else if rank < 2 {
            crossing.push(set);
        }
    }
    let mut nested = nested.sets;
    nested.sort_by(|x, y| y.0.len().cmp(&x.0.len()).then_with(|| x.0.cmp(&y.0)));
    (nested, crossing)
}

/// Sets of which no two cross.
#[derive(Default)]
struct Nested {
    sets: Vec<Set>,
    /// The sets around each load, by place in `sets`.
    around: HashMap<LoadIx, Vec<usize>>,
}

impl Nested {
    /// Is each set that shares a load with `loads` inside it or around it.
    fn fits(&self, loads: &[LoadIx]) -> bool {
        let mut shared: HashMap<usize, usize> = HashMap::new();
        for &set in loads.iter().filter_map(|load| self.around.get(load)).flatten() {
            *shared.entry(set).or_default() += 1;
        }
        shared
            .into_iter()
            .all(|(set, count)| count == loads.len() || count == self.sets[set].0.len())
    }

    fn add(&mut self, set: Set) {
        for &load in &set.0 {
            self.around.entry(load).or_default().push(self.sets.len());
        }
        self.sets.push(set);
    }
}
