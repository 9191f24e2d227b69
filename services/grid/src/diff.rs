//! What another version of a network changes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::Serialize;

use crate::ids::fold;
use crate::model::Grid;
use crate::network::{Bus, Device, Load, Network};

/// How many rows of each kind of change `Display` writes out; the fields have them all.
const SHOWN: usize = 10;

/// What is different in `new` against `old`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// Nodes.
    pub buses: Changes,
    /// What joins them.
    pub devices: Changes,
    /// What is fed.
    pub loads: Changes,
    /// Buses fed from outside.
    pub sources: Changes,
    /// Loads of both versions that have supply in the normal state of the old one only.
    pub loads_losing_supply: Vec<String>,
    /// Loads of both versions that have supply in the normal state of the new one only.
    pub loads_gaining_supply: Vec<String>,
    /// Customers in the new version less those in the old one.
    pub customers: i64,
}

/// Rows of one kind that differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Changes {
    /// Only in the new version.
    pub added: Vec<String>,
    /// Only in the old version.
    pub removed: Vec<String>,
    /// In both: the id, and what is different.
    pub changed: BTreeMap<String, Vec<String>>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl Diff {
    /// Compares two networks with their grids, row by row and by id.
    pub fn new(old: (&Network, &Grid), new: (&Network, &Grid)) -> Diff {
        let (losing, gaining) = supply_changes(old.1, new.1);
        let customers = |network: &Network| {
            network
                .loads
                .iter()
                .map(|load| i64::from(load.customers))
                .sum::<i64>()
        };
        Diff {
            buses: changes(&old.0.buses, &new.0.buses, |bus| &bus.id, bus_changes),
            devices: changes(
                &old.0.devices,
                &new.0.devices,
                |device| &device.id,
                device_changes,
            ),
            loads: changes(&old.0.loads, &new.0.loads, |load| &load.id, load_changes),
            sources: changes(
                &old.0.sources,
                &new.0.sources,
                |source| &source.bus,
                |_, _| Vec::new(),
            ),
            loads_losing_supply: losing,
            loads_gaining_supply: gaining,
            customers: customers(new.0) - customers(old.0),
        }
    }

    /// Is nothing different.
    pub fn is_empty(&self) -> bool {
        self.buses.is_empty()
            && self.devices.is_empty()
            && self.loads.is_empty()
            && self.sources.is_empty()
            && self.loads_losing_supply.is_empty()
            && self.loads_gaining_supply.is_empty()
    }
}

fn changes<T>(
    old: &[T],
    new: &[T],
    id: impl Fn(&T) -> &String,
    compare: impl Fn(&T, &T) -> Vec<String>,
) -> Changes {
    let before: HashMap<String, &T> = old.iter().map(|row| (fold(id(row)), row)).collect();
    let mut left = before.clone();
    let mut changes = Changes::default();
    for row in new {
        left.remove(&fold(id(row)));
        match before.get(&fold(id(row))) {
            None => changes.added.push(id(row).clone()),
            Some(was) => {
                let what = compare(was, row);
                if !what.is_empty() {
                    changes.changed.insert(id(row).clone(), what);
                }
            }
        }
    }
    changes.removed = left.into_values().map(|row| id(row).clone()).collect();
    changes.added.sort();
    changes.removed.sort();
    changes
}

/// `what: old to new` when they differ.
fn differs<T: PartialEq>(what: &str, old: T, new: T, show: impl Fn(&T) -> String) -> Option<String> {
    (old != new).then(|| format!("{what}: {} to {}", show(&old), show(&new)))
}

fn yes_no(value: &bool) -> String {
    if *value { "yes" } else { "no" }.to_owned()
}

fn bus_changes(old: &Bus, new: &Bus) -> Vec<String> {
    let show = |bus: &Option<_>| {
        bus.map_or("none".to_owned(), |at: crate::Position| {
            format!("{} {}", at.lon, at.lat)
        })
    };
    differs("position", old.position, new.position, show)
        .into_iter()
        .collect()
}

fn device_changes(old: &Device, new: &Device) -> Vec<String> {
    let ends = |device: &Device| -> String {
        let ends: Vec<String> = device
            .ends
            .iter()
            .map(|end| format!("{}:{}", fold(&end.bus), end.phases))
            .collect();
        ends.join(" ")
    };
    [
        differs("kind", old.kind, new.kind, ToString::to_string),
        differs("ends", ends(old), ends(new), String::clone),
        differs("in service", old.in_service, new.in_service, yes_no),
        differs("open", old.open, new.open, yes_no),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn load_changes(old: &Load, new: &Load) -> Vec<String> {
    let at = |load: &Load| format!("{}:{}", fold(&load.bus), load.phases);
    [
        differs("bus", at(old), at(new), String::clone),
        differs("customers", old.customers, new.customers, ToString::to_string),
        differs("in service", old.in_service, new.in_service, yes_no),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Loads of both grids that are dead in the new normal state only, and in the old one only.
fn supply_changes(old: &Grid, new: &Grid) -> (Vec<String>, Vec<String>) {
    let only_dead_in = |here: &Grid, there: &Grid| {
        let mut ids: Vec<String> = Vec::new();
        let dead_there = there.dead(&[], &[]).dead_loads;
        for load in here.dead(&[], &[]).dead_loads {
            let other = there.load(here.load_id(load));
            if other.is_some_and(|other| dead_there.binary_search(&other).is_err()) {
                ids.push(here.load_id(load).to_owned());
            }
        }
        ids
    };
    (only_dead_in(new, old), only_dead_in(old, new))
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "no difference");
        }
        for (what, rows) in [
            ("buses", &self.buses),
            ("devices", &self.devices),
            ("loads", &self.loads),
            ("sources", &self.sources),
        ] {
            list(f, &format!("{what} added"), &rows.added)?;
            list(f, &format!("{what} removed"), &rows.removed)?;
            let changed = rows
                .changed
                .iter()
                .map(|(id, what)| format!("{id} ({})", what.join("; ")));
            list(f, &format!("{what} changed"), &changed.collect::<Vec<_>>())?;
        }
        list(f, "loads losing supply", &self.loads_losing_supply)?;
        list(f, "loads gaining supply", &self.loads_gaining_supply)?;
        writeln!(f, "customers {:+}", self.customers)
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
