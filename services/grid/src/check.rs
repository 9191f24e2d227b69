//! Can the rows of a network stand: ids that are ids and used once, ends on buses that exist.

use std::collections::{HashMap, HashSet};

use crate::ids::{Folded, check_id};
use crate::network::{Device, DeviceKind, Network};

/// Most windings of a transformer.
pub(crate) const WINDINGS_MAX: usize = 20;

/// A row of a network, by its position in the list of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    Bus(usize),
    Device(usize),
    Load(usize),
    Source(usize),
    /// No single row.
    Network,
}

/// Which rows of a network stand, and what is wrong with the others.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) faults: Vec<(Row, String)>,
    pub(crate) buses: Vec<bool>,
    pub(crate) devices: Vec<bool>,
    pub(crate) loads: Vec<bool>,
    pub(crate) sources: Vec<bool>,
    pub(crate) joins: Joins,
}

/// Positions in the list of buses; complete when there is no fault. Looking a bus up by its name is the
/// dearest part of making a grid, so it is done once.
#[derive(Debug, Default)]
pub(crate) struct Joins {
    /// Of the ends of all devices, one device after the other.
    pub(crate) ends: Vec<u32>,
    /// Of the loads.
    pub(crate) loads: Vec<u32>,
    /// Of the sources.
    pub(crate) sources: Vec<u32>,
}

impl Checked {
    pub(crate) fn new(network: &Network) -> Checked {
        let mut check = Check {
            buses: HashMap::with_capacity(network.buses.len()),
            faults: Vec::new(),
        };
        let buses = check.buses(network);
        let mut joins = Joins::default();
        let mut devices = check.unique(
            ("device", Row::Device),
            network.devices.iter().map(|device| device.id.as_str()),
        );
        let mut loads = check.unique(
            ("load", Row::Load),
            network.loads.iter().map(|load| load.id.as_str()),
        );
        for (ix, (good, device)) in devices.iter_mut().zip(&network.devices).enumerate() {
            *good = *good && check.device(Row::Device(ix), device, &mut joins.ends);
        }
        for (ix, (good, load)) in loads.iter_mut().zip(&network.loads).enumerate() {
            let named = ("load", load.id.as_str(), load.bus.as_str());
            *good = *good && check.bus(Row::Load(ix), named, &mut joins.loads);
        }
        let sources = network.sources.iter().enumerate();
        let sources: Vec<bool> = sources
            .map(|(ix, source)| {
                let named = ("source", source.bus.as_str(), source.bus.as_str());
                check.bus(Row::Source(ix), named, &mut joins.sources)
            })
            .collect();
        if !sources.contains(&true) {
            check.fault(
                Row::Network,
                "the network has no source; name at least one bus that is fed".to_owned(),
            );
        }
        Checked {
            faults: check.faults,
            buses,
            devices,
            loads,
            sources,
            joins,
        }
    }
}

struct Check<'n> {
    buses: HashMap<Folded<'n>, u32>,
    faults: Vec<(Row, String)>,
}

impl<'n> Check<'n> {
    fn fault(&mut self, row: Row, problem: String) {
        self.faults.push((row, problem));
    }

    fn buses(&mut self, network: &'n Network) -> Vec<bool> {
        let good = self.unique(("bus", Row::Bus), network.buses.iter().map(|bus| bus.id.as_str()));
        let known = network
            .buses
            .iter()
            .zip(0..)
            .zip(&good)
            .filter(|(_, good)| **good);
        self.buses
            .extend(known.map(|((bus, ix), _)| (Folded::new(&bus.id), ix)));
        good
    }

    /// Says for each id whether it stands; of several that are one, the first does.
    fn unique<'a>(
        &mut self,
        (what, row): (&str, fn(usize) -> Row),
        ids: impl ExactSizeIterator<Item = &'a str>,
    ) -> Vec<bool> {
        let mut seen = HashSet::with_capacity(ids.len());
        let judged = ids.enumerate().map(|(ix, id)| {
            if let Err(problem) = check_id(id) {
                self.fault(row(ix), format!("{what} {problem}"));
                return false;
            }
            let fresh = seen.insert(Folded::new(id));
            if !fresh {
                self.fault(
                    row(ix),
                    format!("{what} {id:?} is defined twice; ids differ by more than case"),
                );
            }
            fresh
        });
        judged.collect()
    }

    fn bus(&mut self, row: Row, (what, id, bus): (&str, &str, &str), joins: &mut Vec<u32>) -> bool {
        let found = self.buses.get(&Folded::new(bus)).copied();
        joins.extend(found);
        if found.is_none() {
            self.fault(
                row,
                format!("{what} {id:?} names the bus {bus:?}, which does not exist"),
            );
        }
        found.is_some()
    }

    fn device(&mut self, row: Row, device: &Device, joins: &mut Vec<u32>) -> bool {
        let most = if device.kind == DeviceKind::Transformer {
            WINDINGS_MAX
        } else {
            2
        };
        let enough = (2..=most).contains(&device.ends.len());
        if !enough {
            let (kind, id, count) = (device.kind, &device.id, device.ends.len());
            self.fault(
                row,
                format!("{kind} {id:?} has {count} end(s); give 2, or 2 to {WINDINGS_MAX} to a transformer"),
            );
        }
        device
            .ends
            .iter()
            .all(|end| self.bus(row, ("device", device.id.as_str(), end.bus.as_str()), joins))
            && enough
    }
}
