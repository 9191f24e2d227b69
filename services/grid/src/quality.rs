//! What is doubtful in a network although it can be read: told, not refused.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::Serialize;

use crate::import::Imported;
use crate::model::{BusIx, DeviceIx, Grid};
use crate::network::{DeviceKind, Network};

/// How many ids of a finding `Display` writes out; the fields have them all.
const SHOWN: usize = 10;

/// Everything there is to say about the data of one network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Name of the network.
    pub network: String,
    /// How many rows of each kind.
    pub counts: BTreeMap<&'static str, u64>,
    /// Rows that cannot stand: duplicate ids, missing ends, bad values. The other figures are without them.
    pub faults: Vec<String>,
    /// Rows in service that can stand and should be looked at, by kind of doubt. Only kinds that occur.
    pub findings: BTreeMap<&'static str, Vec<String>>,
    /// Groups of joined buses that no source reaches in the normal state.
    pub islands: Vec<Island>,
    /// What the reader passed over.
    pub notes: Vec<String>,
}

/// Buses joined with each other and with no source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Island {
    /// One of its buses.
    pub bus: String,
    /// How many buses it has.
    pub buses: usize,
    /// How many loads in service hang on it.
    pub loads: usize,
}

/// What each kind of finding means, in the order they are told.
const MEANING: [(&str, &str); 10] = [
    (
        "loads_without_path_to_source",
        "loads that no source reaches in the normal state",
    ),
    (
        "loads_partly_supplied",
        "loads that lack some of their phases in the normal state",
    ),
    (
        "loads_without_transformer",
        "supplied loads without a transformer above them",
    ),
    ("loads_without_customers", "loads with no customer behind them"),
    ("loads_without_position", "loads whose bus has no position"),
    ("devices_without_position", "devices without a position"),
    ("devices_on_one_bus", "devices with both ends on one bus"),
    (
        "devices_closing_a_loop",
        "devices that close a loop or a parallel path in the normal state",
    ),
    (
        "devices_normally_open",
        "devices that are open or out of service in the normal state",
    ),
    (
        "buses_joined_to_nothing",
        "buses that no device, load or source names",
    ),
];

impl Report {
    /// Looks at `imported`, which `grid` was made from.
    pub fn new(imported: &Imported, grid: &Grid) -> Report {
        let survey = Survey {
            grid,
            network: &imported.network,
        };
        let mut findings = BTreeMap::new();
        for (kind, ids) in [
            (MEANING[0].0, survey.dead()),
            (MEANING[1].0, survey.partly_dead()),
            (MEANING[2].0, survey.without_transformer()),
            (MEANING[3].0, survey.without_customers()),
            (MEANING[4].0, survey.loads_without_position()),
            (
                MEANING[5].0,
                survey.devices_where(|device| grid.device_position(device).is_none()),
            ),
            (
                MEANING[6].0,
                survey.devices_where(|device| survey.is_on_one_bus(device)),
            ),
            (MEANING[7].0, survey.closing_loops()),
            (
                MEANING[8].0,
                survey.devices_where(|device| !grid.is_normally_closed(device)),
            ),
            (MEANING[9].0, survey.lonely_buses()),
        ] {
            if !ids.is_empty() {
                findings.insert(kind, ids);
            }
        }
        Report {
            network: imported.network.name.clone(),
            counts: survey.counts(),
            faults: imported.skipped.iter().map(ToString::to_string).collect(),
            findings,
            islands: survey.islands(),
            notes: imported.notes.clone(),
        }
    }
}

/// Devices that close a loop or a parallel path in the normal state.
pub fn closing_loops(network: &Network, grid: &Grid) -> Vec<String> {
    Survey { grid, network }.closing_loops()
}

/// Groups of joined buses that no source reaches in the normal state, those with most loads first.
pub fn islands(network: &Network, grid: &Grid) -> Vec<Island> {
    Survey { grid, network }.islands()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "network {}", self.network)?;
        for (what, count) in &self.counts {
            writeln!(f, "  {what} {count}")?;
        }
        list(f, "rows that cannot stand and are left out", &self.faults)?;
        for (kind, meaning) in MEANING {
            if let Some(ids) = self.findings.get(kind) {
                list(f, meaning, ids)?;
            }
        }
        let islands = self.islands.iter().map(|island| {
            format!(
                "{} bus(es) with {} load(s) around {}",
                island.buses, island.loads, island.bus
            )
        });
        list(
            f,
            "islands: buses that no source reaches in the normal state",
            &islands.collect::<Vec<_>>(),
        )?;
        list(f, "passed over by the reader", &self.notes)
    }
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, rows: &[String]) -> fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(f, "{title}: {}", rows.len())?;
    for row in rows.iter().take(SHOWN) {
        writeln!(f, "  {row}")?;
    }
    match rows.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(f, "  and {more} more (--json lists all)"),
    }
}

struct Survey<'a> {
    grid: &'a Grid,
    network: &'a Network,
}

impl Survey<'_> {
    fn counts(&self) -> BTreeMap<&'static str, u64> {
        let network = self.network;
        let mut counts = BTreeMap::from([
            ("buses", network.buses.len() as u64),
            ("sources", network.sources.len() as u64),
            ("devices", network.devices.len() as u64),
            ("loads", network.loads.len() as u64),
            (
                "customers",
                network.loads.iter().map(|load| u64::from(load.customers)).sum(),
            ),
        ]);
        for kind in DeviceKind::ALL {
            let count = network
                .devices
                .iter()
                .filter(|device| device.kind == kind)
                .count();
            counts.insert(plural(kind), count as u64);
        }
        counts
    }

    fn dead(&self) -> Vec<String> {
        let loads = self.grid.dead(&[], &[]).dead_loads;
        loads
            .iter()
            .map(|&load| self.grid.load_id(load).to_owned())
            .collect()
    }

    fn partly_dead(&self) -> Vec<String> {
        let loads = self.grid.dead(&[], &[]).partly_dead_loads;
        loads
            .iter()
            .map(|&load| self.grid.load_id(load).to_owned())
            .collect()
    }

    /// Supplied loads with no transformer on the way: whatever the way, its lowest part decides.
    fn without_transformer(&self) -> Vec<String> {
        let supply = self.grid.normal_supply();
        let bare = self.grid.loads().filter(|&load| {
            let path = supply.path(load);
            let is_transformer =
                |&device: &DeviceIx| self.grid.device_kind(device) == DeviceKind::Transformer;
            self.grid.load_in_service(load) && !path.is_empty() && !path.iter().any(is_transformer)
        });
        bare.map(|load| self.grid.load_id(load).to_owned()).collect()
    }

    fn without_customers(&self) -> Vec<String> {
        let loads = self.network.loads.iter();
        let empty = loads.filter(|load| load.in_service && load.customers == 0);
        empty.map(|load| load.id.clone()).collect()
    }

    fn loads_without_position(&self) -> Vec<String> {
        let nowhere = self
            .grid
            .loads()
            .filter(|&load| self.grid.bus_position(self.grid.load_at(load).0).is_none());
        nowhere.map(|load| self.grid.load_id(load).to_owned()).collect()
    }

    fn devices_where(&self, wanted: impl Fn(DeviceIx) -> bool) -> Vec<String> {
        let found = self.grid.devices().filter(|&device| wanted(device));
        found
            .map(|device| self.grid.device_id(device).to_owned())
            .collect()
    }

    fn is_on_one_bus(&self, device: DeviceIx) -> bool {
        let mut buses = self.grid.device_ends(device).map(|(bus, _)| bus);
        let first = buses.next();
        buses.all(|bus| Some(bus) == first)
    }

    /// Conducting devices whose ends are joined without them. Two that share their buses and no phase,
    /// as single-phase regulators do, make no loop.
    fn closing_loops(&self) -> Vec<String> {
        let mut joined = Joined::new(self.grid.buses().len());
        let mut side_by_side: HashMap<Vec<BusIx>, u64> = HashMap::new();
        let mut closing = Vec::new();
        for device in self
            .grid
            .devices()
            .filter(|&device| self.grid.is_normally_closed(device))
        {
            let mut buses: Vec<BusIx> = self.grid.device_ends(device).map(|(bus, _)| bus).collect();
            buses.sort_unstable();
            buses.dedup();
            if buses.len() < 2 {
                continue;
            }
            let phases = self
                .grid
                .device_ends(device)
                .fold(0, |mask, (_, phases)| mask | phases.mask());
            let beside = side_by_side.entry(buses.clone()).or_default();
            let is_new = buses[1..].iter().all(|&bus| joined.join(buses[0], bus));
            if !is_new && (*beside == 0 || *beside & phases != 0) {
                closing.push(self.grid.device_id(device).to_owned());
            }
            *beside |= phases;
        }
        closing
    }

    fn islands(&self) -> Vec<Island> {
        let mut joined = Joined::new(self.grid.buses().len());
        for device in self
            .grid
            .devices()
            .filter(|&device| self.grid.is_normally_closed(device))
        {
            let buses: Vec<BusIx> = self.grid.device_ends(device).map(|(bus, _)| bus).collect();
            buses[1..].iter().for_each(|&bus| _ = joined.join(buses[0], bus));
        }
        let sources = self
            .network
            .sources
            .iter()
            .filter_map(|source| self.grid.bus(&source.bus));
        let fed: Vec<BusIx> = sources.map(|bus| joined.root(bus)).collect();
        let mut islands: BTreeMap<BusIx, Island> = BTreeMap::new();
        for bus in self.grid.buses() {
            let root = joined.root(bus);
            if !fed.contains(&root) {
                let new = || Island {
                    bus: self.grid.bus_id(bus).to_owned(),
                    buses: 0,
                    loads: 0,
                };
                islands.entry(root).or_insert_with(new).buses += 1;
            }
        }
        for load in self.grid.loads().filter(|&load| self.grid.load_in_service(load)) {
            if let Some(island) = islands.get_mut(&joined.root(self.grid.load_at(load).0)) {
                island.loads += 1;
            }
        }
        let mut islands: Vec<Island> = islands.into_values().collect();
        islands.sort_by_key(|island| std::cmp::Reverse((island.loads, island.buses)));
        islands
    }

    fn lonely_buses(&self) -> Vec<String> {
        let lonely = self.grid.buses().filter(|&bus| !self.grid.has_phases(bus));
        lonely.map(|bus| self.grid.bus_id(bus).to_owned()).collect()
    }
}

fn plural(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Line => "lines",
        DeviceKind::Reactor => "reactors",
        DeviceKind::Transformer => "transformers",
        DeviceKind::Switch => "switches",
        DeviceKind::Breaker => "breakers",
        DeviceKind::Recloser => "reclosers",
        DeviceKind::Fuse => "fuses",
    }
}

/// Which buses are joined, whatever their phases.
struct Joined(Vec<u32>);

impl Joined {
    fn new(buses: usize) -> Joined {
        Joined((0..buses as u32).collect())
    }

    fn root(&mut self, bus: BusIx) -> BusIx {
        let mut at = bus.0;
        while self.0[at as usize] != at {
            // Halving the way keeps the next ones short.
            self.0[at as usize] = self.0[self.0[at as usize] as usize];
            at = self.0[at as usize];
        }
        BusIx(at)
    }

    /// Joins two buses; false when they were joined already.
    fn join(&mut self, a: BusIx, b: BusIx) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.index()] = b.0;
        a != b
    }
}
