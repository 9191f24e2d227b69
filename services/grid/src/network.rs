//! A network as its source told it: plain rows, ids as text. [`Network::grid`] checks and interns it.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::check::{Checked, Row};
use crate::fault::{Fault, Faults};
use crate::ids::fold;
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
        let checked = Checked::new(self);
        if !checked.faults.is_empty() {
            return Err(Faults(told(checked.faults, &self.name, |_| None)));
        }
        Ok(Grid::build(self, &checked.joins, version))
    }

    /// Removes every row that cannot stand and says why each went: in which file, and on which line where that is known.
    pub(crate) fn drop_bad(&mut self, file: &str, line: impl Fn(Row) -> Option<u64>) -> Vec<Fault> {
        let checked = Checked::new(self);
        keep(&mut self.buses, &checked.buses);
        keep(&mut self.devices, &checked.devices);
        keep(&mut self.loads, &checked.loads);
        keep(&mut self.sources, &checked.sources);
        told(checked.faults, file, line)
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

fn told(faults: Vec<(Row, String)>, file: &str, line: impl Fn(Row) -> Option<u64>) -> Vec<Fault> {
    let faults = faults.into_iter();
    faults
        .map(|(row, problem)| Fault {
            file: file.to_owned(),
            line: line(row),
            column: None,
            problem,
        })
        .collect()
}

/// Keeps the rows that are marked good.
fn keep<T>(rows: &mut Vec<T>, good: &[bool]) {
    let mut good = good.iter();
    rows.retain(|_| *good.next().expect("every row is judged"));
}
