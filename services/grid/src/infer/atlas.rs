//! The candidates: devices with the same loads below are one class, classes lie in each other like boxes.
//!
//! Built region by region, when the first evidence of a region arrives. A class that overlaps another
//! without containing it (a single-phase regulator above a three-phase switch) is kept beside the tree
//! as a crossing class of the smallest class around both.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::boxes::{Set, split};
use super::evidence::{Evidence, What};
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
    /// The largest class around it, or itself.
    pub(crate) root: ClassIx,
    /// Classes that cross classes below this one.
    pub(crate) crossing: Vec<ClassIx>,
}

/// Where a load lies among the classes.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// Its region is built.
    built: bool,
    /// The smallest class around it.
    lowest: Option<ClassIx>,
    /// Its own class.
    leaf: Option<ClassIx>,
}

/// Candidates of one grid in one switching state.
#[derive(Debug)]
pub(crate) struct Atlas {
    pub(crate) grid: Arc<Grid>,
    weights: Arc<Weights>,
    pub(crate) lengths_m: Arc<[Option<f64>]>,
    state: Arc<State>,
    classes: Vec<Class>,
    /// Of every load of the grid: one look for each report.
    places: Vec<Place>,
    of_device: HashMap<DeviceIx, ClassIx>,
    telemetered_closed: HashSet<DeviceIx>,
    /// Kilometres of line that a device is the first above: a fault there is cleared by it.
    clears_km: HashMap<DeviceIx, f64>,
}

impl Atlas {
    pub(crate) fn new(
        grid: Arc<Grid>,
        weights: Arc<Weights>,
        lengths_m: Arc<[Option<f64>]>,
        state: Arc<State>,
        telemetered_closed: HashSet<DeviceIx>,
    ) -> Atlas {
        Atlas {
            places: vec![Place::default(); grid.loads().len()],
            grid,
            weights,
            lengths_m,
            state,
            classes: Vec::new(),
            of_device: HashMap::new(),
            telemetered_closed,
            clears_km: HashMap::new(),
        }
    }

    pub(crate) fn class(&self, class: ClassIx) -> &Class {
        &self.classes[class.0 as usize]
    }

    /// Loads that are dark in this state before anything fails.
    pub(crate) fn is_dark(&self, load: LoadIx) -> bool {
        self.state.dark.contains(&load)
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
        let lowest = self.lowest(load);
        if let Some(leaf) = self.places[load.index()].leaf {
            return leaf;
        }
        let leaf = match lowest {
            Some(class) if self.class(class).loads.len() == 1 => class,
            parent => self.add(vec![load], Vec::new(), parent),
        };
        self.places[load.index()].leaf = Some(leaf);
        leaf
    }

    /// The first load of the largest class around `load`, if its region is built.
    pub(crate) fn root_of(&self, load: LoadIx) -> Option<LoadIx> {
        let place = self.places.get(load.index())?;
        let root = self.class(place.leaf.or(place.lowest)?).root;
        self.class(root).loads.first().copied()
    }

    /// Whether the region that evidence is about is built.
    pub(crate) fn is_near(&self, evidence: &Evidence) -> bool {
        match evidence.what {
            What::ScadaOpen(device) => self.of_device.contains_key(&device),
            What::Call(load) | What::LastGasp(load) | What::PingOff(load) | What::PingOn(load) => {
                self.places.get(load.index()).is_some_and(|place| place.built)
            }
        }
    }

    /// The smallest class with a device around `load`.
    fn lowest(&mut self, load: LoadIx) -> Option<ClassIx> {
        if !self.places[load.index()].built {
            self.build_around(load);
        }
        self.places[load.index()].lowest
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

    /// Telemetry watches a device and says it is closed, or no longer says so; gives its class if it is built.
    pub(crate) fn watch(&mut self, device: DeviceIx, closed: bool) -> Option<ClassIx> {
        if closed {
            self.telemetered_closed.insert(device);
        } else {
            self.telemetered_closed.remove(&device);
        }
        let class = self.of_device.get(&device).copied()?;
        self.rate_class(class);
        Some(class)
    }

    /// Builds every class of the region around `load`.
    fn build_around(&mut self, load: LoadIx) {
        let (members, found) = self.region(load);
        for member in &members {
            self.places[member.index()].built = true;
        }
        self.measure_lines(&members, &found.values().flatten().copied().collect());
        let (nested, crossing) = split(found, &members, &self.grid);
        for Set { loads, devices } in nested {
            let parent = self.places[loads[0].index()].lowest;
            let class = self.add(loads, devices, parent);
            for &load in &self.classes[class.0 as usize].loads {
                self.places[load.index()].lowest = Some(class);
            }
        }
        for Set { loads, devices } in crossing {
            self.add_crossing(loads, devices);
        }
    }

    /// Every load that goes out together with `load`, or with one that does, by a device that is no candidate too
    /// large; and the devices by the loads they put out. It is the same region for each of its loads: what was
    /// heard first does not decide which classes there are.
    fn region(&self, load: LoadIx) -> (Vec<LoadIx>, BTreeMap<Vec<LoadIx>, Vec<DeviceIx>>) {
        let supply = self.state.supply(&self.grid);
        let mut members = BTreeSet::from([load]);
        let mut sets: BTreeMap<Vec<LoadIx>, Vec<DeviceIx>> = BTreeMap::new();
        let (mut seen, mut fresh) = (HashSet::new(), vec![load]);
        while !fresh.is_empty() {
            let mut above = supply.devices_above(&std::mem::take(&mut fresh));
            above.retain(|device| !seen.contains(device));
            for device in above {
                let set = self.puts_out(device);
                let is_small = set.len() <= self.weights.incident.loads_max;
                // One that puts out none of them may yet be met again, above those it does.
                if is_small && set.iter().any(|load| members.contains(load)) {
                    fresh.extend(set.iter().copied().filter(|&load| members.insert(load)));
                    sets.entry(set).or_default().push(device);
                    seen.insert(device);
                }
            }
        }
        (members.into_iter().collect(), sets)
    }

    /// Kilometres of the lines above these loads, each counted to the next device above it that is none. Only of the region's own devices:
    /// what is above several regions is not weighed, and would know as much as was built.
    fn measure_lines(&mut self, loads: &[LoadIx], own: &HashSet<DeviceIx>) {
        let (supply, mut seen) = (self.state.supply(&self.grid), HashSet::new());
        for &load in loads {
            let mut km = 0.0;
            for device in supply.path(load) {
                let is_new = seen.insert(device);
                if self.grid.device_kind(device) == DeviceKind::Line {
                    let length_m = self.lengths_m.get(device.index()).copied().flatten();
                    km += if is_new { self.weights.km(length_m) } else { 0.0 };
                } else if own.contains(&device) {
                    *self.clears_km.entry(device).or_default() += std::mem::take(&mut km);
                } else {
                    km = 0.0;
                }
            }
        }
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
            root: parent.map_or(class, |parent| self.class(parent).root),
            crossing: Vec::new(),
        });
        self.rate_class(class);
        class
    }

    fn add_crossing(&mut self, loads: Vec<LoadIx>, devices: Vec<DeviceIx>) {
        let mut around = self.places[loads[0].index()].lowest;
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
        let clears_km = self.clears_km.get(&device).copied().unwrap_or(0.0);
        self.weights.rate(self.grid.device_kind(device), length_m)
            + self.weights.rates.line_cleared_per_km * clears_km
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
        let mut at = self.places[load.index()].lowest;
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
