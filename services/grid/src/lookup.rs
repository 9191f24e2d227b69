//! Finding devices and loads by the names people use for them.
//!
//! An id is taken as the file has it, in any case. Beside it counts: another name the file gives
//! ([`Imported::aliases`]), the name without the class before it (`632633` for `line.632633`) or with one
//! (`line.632633` where the file says `632633`), as long as that leaves no doubt.

use std::collections::HashMap;
use std::fmt;

use crate::ids::fold;
use crate::import::Imported;
use crate::model::{DeviceIx, Grid, LoadIx};
use crate::network::DeviceKind;

/// How many ids an error offers.
const NEAREST: usize = 5;

/// The names of one imported network.
#[derive(Debug)]
pub struct Lookup<'g> {
    grid: &'g Grid,
    devices: HashMap<String, Vec<DeviceIx>>,
    loads: HashMap<String, Vec<LoadIx>>,
}

/// A name that no row has, or several have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// `device` or `load`.
    pub what: &'static str,
    /// The name as it was given.
    pub id: String,
    /// It fits several rows, which `nearest` lists.
    pub ambiguous: bool,
    /// Ids it may stand for, best first.
    pub nearest: Vec<String>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unknown {
            what, id, nearest, ..
        } = self;
        if self.ambiguous {
            return write!(f, "{id:.100?} fits more than one {what}: {}", nearest.join(", "));
        }
        write!(f, "no {what} is called {id:.100?}")?;
        match nearest.as_slice() {
            [] => write!(f, "; the network has none"),
            nearest => write!(f, "; the nearest are {}", nearest.join(", ")),
        }
    }
}

impl std::error::Error for Unknown {}

impl<'g> Lookup<'g> {
    /// The names of `imported`, which `grid` was made from.
    pub fn new(grid: &'g Grid, imported: &Imported) -> Lookup<'g> {
        let mut lookup = Lookup {
            grid,
            devices: HashMap::new(),
            loads: HashMap::new(),
        };
        for (alias, id) in &imported.aliases {
            let alias = fold(alias);
            if let Some(device) = grid.device(id) {
                lookup.devices.entry(alias.clone()).or_default().push(device);
            }
            if let Some(load) = grid.load(id) {
                lookup.loads.entry(alias).or_default().push(load);
            }
        }
        // A row may have one name twice, in different case.
        lookup.devices.values_mut().for_each(once_each);
        lookup.loads.values_mut().for_each(once_each);
        lookup
    }

    /// The device called `id`; several when the file gives one name to several, as to a bank.
    ///
    /// # Errors
    /// No device has that name, or devices have it that do not belong together.
    pub fn devices(&self, id: &str) -> Result<Vec<DeviceIx>, Unknown> {
        let exact = self.grid.device(id);
        let named = self.devices.get(&fold(id));
        match (exact, named) {
            // A device that is open in part is several rows under the name of one.
            (Some(device), Some(parts)) if parts.contains(&device) => return Ok(parts.clone()),
            (Some(device), _) => return Ok(vec![device]),
            (None, Some(devices)) => return Ok(devices.clone()),
            (None, None) => {}
        }
        if let Some(device) = self.without_class(id) {
            return Ok(vec![device]);
        }
        let all = || self.grid.devices().map(|device| self.grid.device_id(device));
        match self.with_any_class(id, all()).as_slice() {
            [one] => Ok(self.grid.device(one).into_iter().collect()),
            found => Err(unknown("device", id, found, all())),
        }
    }

    /// The load called `id`.
    ///
    /// # Errors
    /// No load has that name, or several have it.
    pub fn load(&self, id: &str) -> Result<LoadIx, Unknown> {
        let plain = fold(id);
        let plain = plain.strip_prefix("load.").unwrap_or_default();
        if let Some(load) = self.grid.load(id).or_else(|| self.grid.load(plain)) {
            return Ok(load);
        }
        if let Some(&[load]) = self.loads.get(&fold(id)).map(Vec::as_slice) {
            return Ok(load);
        }
        let all = || self.grid.loads().map(|load| self.grid.load_id(load));
        match self.with_any_class(id, all()).as_slice() {
            [one] => Ok(self.grid.load(one).expect("the id is one of the grid's")),
            found => Err(unknown("load", id, found, all())),
        }
    }

    /// `line.x` where the file says `x`, if `x` may be called a line.
    fn without_class(&self, id: &str) -> Option<DeviceIx> {
        let (class, name) = id.split_once('.')?;
        let device = self.grid.device(name)?;
        let kind = self.grid.device_kind(device);
        // OpenDSS calls whatever has two ends a line; a file of another kind may know better.
        let fits = match fold(class).as_str() {
            "line" => kind != DeviceKind::Transformer,
            "switch" => kind.is_switching(),
            word => word == kind.as_str(),
        };
        fits.then_some(device)
    }

    /// Ids that are `CLASS.id`.
    fn with_any_class<'a>(&self, id: &str, all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let wanted = fold(id);
        all.filter(|given| {
            given
                .split_once('.')
                .is_some_and(|(_, name)| fold(name) == wanted)
        })
        .collect()
    }
}

fn once_each<T: Ord>(rows: &mut Vec<T>) {
    rows.sort_unstable();
    rows.dedup();
}

fn unknown<'a>(what: &'static str, id: &str, found: &[&str], all: impl Iterator<Item = &'a str>) -> Unknown {
    Unknown {
        what,
        id: id.to_owned(),
        ambiguous: !found.is_empty(),
        nearest: if found.is_empty() {
            nearest(id, all)
        } else {
            found.iter().map(|&id| id.to_owned()).collect()
        },
    }
}

/// The ids most like `id`: by their likeness as a whole, or by that of the name behind the class.
fn nearest<'a>(id: &str, all: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = fold(id);
    let mut scored: Vec<(f64, &str)> = all
        .map(|given| {
            let own = fold(given);
            let name = own.split_once('.').map_or(own.as_str(), |(_, name)| name);
            let likeness = |text: &str| strsim::jaro_winkler(text, &wanted);
            (likeness(&own).max(likeness(name)), given)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored
        .iter()
        .take(NEAREST)
        .map(|(_, given)| (*given).to_owned())
        .collect()
}
