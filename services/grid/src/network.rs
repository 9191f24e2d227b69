//! A network as its source told it: plain rows, ids as text. [`Network::grid`] checks and interns it.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::fault::{Fault, Faults};
use crate::model::Grid;
use crate::phases::Phases;

/// A place on the earth, WGS84 degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Longitude, -180 to 180.
    pub lon: f64,
    /// Latitude, -90 to 90.
    pub lat: f64,
}

impl Position {
    /// None unless both are finite and in range.
    pub fn new(lon: f64, lat: f64) -> Option<Position> {
        let ok = (-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat);
        ok.then_some(Position { lon, lat })
    }
}

/// What a device is. Everything but a load joins buses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// Overhead line or cable.
    Line,
    /// Series reactor or capacitor.
    Reactor,
    /// Transformer or regulator, two windings or more.
    Transformer,
    /// Switch without protection: load-break switch, disconnector, tie.
    Switch,
    /// Circuit breaker.
    Breaker,
    /// Automatic recloser.
    Recloser,
    /// Fuse or dropout.
    Fuse,
}

impl DeviceKind {
    /// All kinds.
    pub const ALL: [DeviceKind; 7] = [
        DeviceKind::Line,
        DeviceKind::Reactor,
        DeviceKind::Transformer,
        DeviceKind::Switch,
        DeviceKind::Breaker,
        DeviceKind::Recloser,
        DeviceKind::Fuse,
    ];

    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            DeviceKind::Line => "line",
            DeviceKind::Reactor => "reactor",
            DeviceKind::Transformer => "transformer",
            DeviceKind::Switch => "switch",
            DeviceKind::Breaker => "breaker",
            DeviceKind::Recloser => "recloser",
            DeviceKind::Fuse => "fuse",
        }
    }

    /// Can it be opened on purpose or by itself: switch, breaker, recloser, fuse.
    pub fn is_switching(self) -> bool {
        match self {
            DeviceKind::Switch | DeviceKind::Breaker | DeviceKind::Recloser | DeviceKind::Fuse => true,
            DeviceKind::Line | DeviceKind::Reactor | DeviceKind::Transformer => false,
        }
    }
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeviceKind {
    type Err = ();

    fn from_str(text: &str) -> Result<DeviceKind, ()> {
        DeviceKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(())
    }
}

/// A node of the network, all phases of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bus {
    /// External id; case does not count.
    pub id: String,
    /// Where it is, if known.
    pub position: Option<Position>,
}

/// A bus that is fed from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The fed bus.
    pub bus: String,
    /// The fed phases; none means every phase the bus has.
    pub phases: Option<Phases>,
}

/// One end of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The bus it joins.
    pub bus: String,
    /// On these phases.
    pub phases: Phases,
}

/// A device that joins two or more ends.
///
/// Ends with the same set of phases pass them straight, the first to the first and so on; otherwise
/// every phase of every end is joined.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// External id, unique among devices; case does not count.
    pub id: String,
    /// What it is.
    pub kind: DeviceKind,
    /// Two ends, or more for a transformer.
    pub ends: Vec<End>,
    /// Is it in service in the normal state.
    pub in_service: bool,
    /// Is it open in the normal state.
    pub open: bool,
    /// Length, metres, where the source gives one.
    pub length_m: Option<f64>,
}

/// A service point or an aggregated load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// External id, unique among loads; case does not count.
    pub id: String,
    /// The bus it hangs on.
    pub bus: String,
    /// It is dead when all of these are.
    pub phases: Phases,
    /// Customers behind it.
    pub customers: u32,
    /// A load out of service is never dead: nobody is there.
    pub in_service: bool,
}

/// All rows of one network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Network {
    /// Name, for people.
    pub name: String,
    /// Nodes.
    pub buses: Vec<Bus>,
    /// Where it is fed.
    pub sources: Vec<Source>,
    /// What joins nodes.
    pub devices: Vec<Device>,
    /// What is fed.
    pub loads: Vec<Load>,
}

impl Network {
    /// The compact form of this network.
    ///
    /// # Errors
    /// Every duplicate id, unknown bus, device with fewer than two ends, and a network without a source.
    pub fn grid(&self, version: Uuid) -> Result<Grid, Faults> {
        let mut copy = self.clone();
        let faults = copy.drop_bad();
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        Ok(Grid::build(&copy, version))
    }

    /// Removes every row that cannot stand and says why each went.
    pub(crate) fn drop_bad(&mut self) -> Vec<Fault> {
        let mut check = Check {
            network: self.name.clone(),
            faults: Vec::new(),
        };
        let buses = check.unique("bus", &mut self.buses, |bus| &bus.id);
        check.unique("device", &mut self.devices, |device| &device.id);
        check.unique("load", &mut self.loads, |load| &load.id);
        self.devices.retain(|device| check.device(device, &buses));
        self.loads
            .retain(|load| check.bus("load", &load.id, &load.bus, &buses));
        self.sources
            .retain(|source| check.bus("source", &source.bus, &source.bus, &buses));
        if self.sources.is_empty() {
            check.fault("the network has no source; name at least one bus that is fed".to_owned());
        }
        check.faults
    }

    /// Adds a bus without a position for every end that names one not listed.
    pub(crate) fn add_missing_buses(&mut self) {
        let mut known: HashSet<String> = self.buses.iter().map(|bus| fold(&bus.id)).collect();
        for end in self.devices.iter().flat_map(|device| &device.ends) {
            if known.insert(fold(&end.bus)) {
                self.buses.push(Bus {
                    id: end.bus.clone(),
                    position: None,
                });
            }
        }
    }
}

/// Most windings of a transformer.
pub(crate) const WINDINGS_MAX: usize = 20;

/// The rule for all ids, so that every network can be written as a pack.
pub(crate) fn check_id(id: &str) -> Result<(), String> {
    let ok = (1..=100).contains(&id.chars().count())
        && !id.contains(|c: char| c.is_whitespace() || c.is_control());
    if ok {
        Ok(())
    } else {
        Err(format!(
            "{id:.40?} is not an id; write 1 to 100 characters without white space"
        ))
    }
}

/// External ids are compared in this form.
pub(crate) fn fold(id: &str) -> String {
    // Nearly all ids are ASCII, and a large network folds millions.
    if id.is_ascii() {
        id.to_ascii_lowercase()
    } else {
        id.to_lowercase()
    }
}

struct Check {
    network: String,
    faults: Vec<Fault>,
}

impl Check {
    fn fault(&mut self, problem: String) {
        self.faults.push(Fault {
            file: self.network.clone(),
            line: None,
            column: None,
            problem,
        });
    }

    /// Keeps the first row of each id; returns the ids kept.
    fn unique<T>(&mut self, what: &str, rows: &mut Vec<T>, id: impl Fn(&T) -> &str) -> HashSet<String> {
        let mut seen = HashSet::with_capacity(rows.len());
        rows.retain(|row| {
            if let Err(problem) = check_id(id(row)) {
                self.fault(format!("{what} {problem}"));
                return false;
            }
            let fresh = seen.insert(fold(id(row)));
            if !fresh {
                self.fault(format!(
                    "{what} {:?} is defined twice; ids differ by more than case",
                    id(row)
                ));
            }
            fresh
        });
        seen
    }

    fn bus(&mut self, what: &str, id: &str, bus: &str, known: &HashSet<String>) -> bool {
        let ok = known.contains(&fold(bus));
        if !ok {
            self.fault(format!(
                "{what} {id:?} names the bus {bus:?}, which does not exist"
            ));
        }
        ok
    }

    fn device(&mut self, device: &Device, buses: &HashSet<String>) -> bool {
        let most = if device.kind == DeviceKind::Transformer {
            WINDINGS_MAX
        } else {
            2
        };
        let enough = (2..=most).contains(&device.ends.len());
        if !enough {
            let (kind, id, count) = (device.kind, &device.id, device.ends.len());
            self.fault(format!(
                "{kind} {id:?} has {count} end(s); give 2, or 2 to {WINDINGS_MAX} to a transformer"
            ));
        }
        device
            .ends
            .iter()
            .all(|end| self.bus("device", &device.id, &end.bus, buses))
            && enough
    }
}
