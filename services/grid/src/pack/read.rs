//! Reads a pack in the order of its references, so that a fault is noted at the row that has it.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::fault::{Fault, Faults, OnBad};
use crate::ids::Folded;
use crate::import::Tell;
use crate::import::text::{self, Text};
use crate::network::{Bus, Device, Load, Network, Source};
use crate::pack::network_rows::{LineRow, SwitchRow, TransformerRow};
use crate::pack::row::{Record, Row, read_table};
use crate::pack::voltage::{BusRow, fill};
use crate::pack::{Contact, Customer, Pack, ServicePoint, Street};

/// Gives the text of a file by its name; none where there is no such file.
type FileOf<'f, 'a> = &'f mut dyn FnMut(&str) -> io::Result<Option<Text<'a>>>;

/// Reads the pack in the folder `dir`, each file as it comes, gzipped or not (`bus.csv` or `bus.csv.gz`).
///
/// The second value lists what was left out; it is empty with [`OnBad::Refuse`].
///
/// # Errors
/// Every fault of every file: with [`OnBad::Refuse`] any fault, with [`OnBad::Skip`] never.
pub fn read_pack(dir: &Path, on_bad: OnBad) -> Result<(Pack, Vec<Fault>), Faults> {
    read_pack_telling(dir, on_bad, &|_| {})
}

/// [`read_pack`], telling how far large files are read.
///
/// # Errors
/// As [`read_pack`].
pub fn read_pack_telling(dir: &Path, on_bad: OnBad, tell: Tell<'_>) -> Result<(Pack, Vec<Fault>), Faults> {
    read(&mut |name| file_in(dir, name, tell), on_bad)
}

/// As [`read_pack`], from anything that gives a file's bytes by name; none where there is no such file.
///
/// # Errors
/// As [`read_pack`].
pub fn read_pack_from(
    file: &mut dyn FnMut(&str) -> io::Result<Option<Vec<u8>>>,
    on_bad: OnBad,
) -> Result<(Pack, Vec<Fault>), Faults> {
    let mut text = |name: &str| {
        let bytes = file(name)?;
        Ok(bytes.map(|bytes| -> Text<'static> { Box::new(io::Cursor::new(bytes)) }))
    };
    read(&mut text, on_bad)
}

fn read(file: FileOf<'_, '_>, on_bad: OnBad) -> Result<(Pack, Vec<Fault>), Faults> {
    let mut reading = Reading::of(file);
    let pack = reading.pack();
    on_bad.judge(pack, reading.faults)
}

/// Reads only the network part, with `load.csv` for the loads.
pub(crate) fn read_network(file: FileOf<'_, '_>, on_bad: OnBad) -> Result<(Network, Vec<Fault>), Faults> {
    let mut reading = Reading::of(file);
    let mut network = reading.network();
    network.loads = reading.loads();
    on_bad.judge(network, reading.faults)
}

/// The network of the pack in `dir`. Its service points are the loads; a folder without customers may give `load.csv`
/// instead. What customers have beyond that is checked and not kept.
pub(crate) fn network_in(dir: &Path, on_bad: OnBad, tell: Tell<'_>) -> Result<(Network, Vec<Fault>), Faults> {
    let mut file = |name: &str| file_in(dir, name, tell);
    if find(dir, ServicePoint::FILE).is_none() && find(dir, Load::FILE).is_some() {
        return read_network(&mut file, on_bad);
    }
    let mut reading = Reading::of(&mut file);
    let mut network = reading.network();
    network.loads = reading.supplied();
    on_bad.judge(network, reading.faults)
}

fn file_in<'a>(dir: &Path, name: &str, tell: Tell<'a>) -> io::Result<Option<Text<'a>>> {
    find(dir, name).map(|path| text::open(&path, tell)).transpose()
}

fn find(dir: &Path, name: &str) -> Option<PathBuf> {
    let names = [name.to_owned(), format!("{name}.gz")];
    names.iter().map(|name| dir.join(name)).find(|path| path.exists())
}

struct Reading<'f, 'a> {
    file: FileOf<'f, 'a>,
    faults: Vec<Fault>,
    buses: HashSet<Folded<'static>>,
    /// Volts of the buses that say theirs.
    voltages: HashMap<Folded<'static>, u32>,
}

impl<'f, 'a> Reading<'f, 'a> {
    fn of(file: FileOf<'f, 'a>) -> Self {
        Reading {
            file,
            faults: Vec::new(),
            buses: HashSet::new(),
            voltages: HashMap::new(),
        }
    }

    fn pack(&mut self) -> Pack {
        let network = self.network();
        let customers = self.customers();
        let accounts: HashSet<Folded<'static>> = customers
            .iter()
            .map(|customer| Folded::owned(&customer.account))
            .collect();
        let mut service_points = Vec::new();
        self.service_points(&accounts, |point| service_points.push(point));
        fill(&mut service_points, &network, &self.voltages);
        Pack {
            network,
            service_points,
            contacts: self.contacts(&accounts),
            streets: self.streets(),
            customers,
        }
    }

    fn network(&mut self) -> Network {
        let buses = self.buses();
        let sources = self.sources();
        let devices = self.devices();
        Network {
            name: "pack".to_owned(),
            buses,
            sources,
            devices,
            loads: Vec::new(),
        }
    }

    fn buses(&mut self) -> Vec<Bus> {
        let (mut seen, mut voltages) = (HashSet::new(), HashMap::new());
        let rows = self.table(Presence::Required, |row, one: &BusRow| {
            voltages.extend(one.voltage_v.map(|volts| (Folded::owned(&one.bus.id), volts)));
            row.fresh("id", seen.insert(Folded::owned(&one.bus.id)))
        });
        self.buses = seen;
        self.voltages = voltages;
        rows.into_iter().map(|one| one.bus).collect()
    }

    fn sources(&mut self) -> Vec<Source> {
        let buses = std::mem::take(&mut self.buses);
        let rows = self.table(Presence::Required, |row, source: &Source| {
            row.known("bus", buses.contains(&Folded::new(&source.bus)), Bus::FILE)
        });
        self.buses = buses;
        if rows.is_empty() {
            self.file_fault(Source::FILE, "no good row; name at least one bus that is fed");
        }
        rows
    }

    fn devices(&mut self) -> Vec<Device> {
        let buses = std::mem::take(&mut self.buses);
        let mut seen = HashSet::new();
        let mut good = |row: &mut Row<'_>, device: &Device, columns: [&str; 2]| {
            let known = device.ends.iter().enumerate().all(|(k, end)| {
                row.known(
                    columns[k.min(1)],
                    buses.contains(&Folded::new(&end.bus)),
                    Bus::FILE,
                )
            });
            known && row.fresh("id", seen.insert(Folded::owned(&device.id)))
        };
        let ends = ["from_bus", "to_bus"];
        let lines = self.table(Presence::Optional, |row, line: &LineRow| good(row, &line.0, ends));
        let switches = self.table(Presence::Optional, |row, switch: &SwitchRow| {
            good(row, &switch.0, ends)
        });
        let transformers = self.table(Presence::Optional, |row, transformer: &TransformerRow| {
            good(row, &transformer.0, ["windings"; 2])
        });
        self.buses = buses;
        let lines = lines.into_iter().map(|row| row.0);
        let switches = switches.into_iter().map(|row| row.0);
        lines
            .chain(switches)
            .chain(transformers.into_iter().map(|row| row.0))
            .collect()
    }

    fn loads(&mut self) -> Vec<Load> {
        let buses = std::mem::take(&mut self.buses);
        let mut seen = HashSet::new();
        self.table(Presence::Required, |row, load: &Load| {
            row.known("bus", buses.contains(&Folded::new(&load.bus)), Bus::FILE)
                && row.fresh("id", seen.insert(Folded::owned(&load.id)))
        })
    }

    /// The service points as loads; customers, contacts and streets are only looked over.
    fn supplied(&mut self) -> Vec<Load> {
        let mut accounts = HashSet::new();
        self.each(Presence::Required, |row, customer: Customer| {
            row.fresh("account", accounts.insert(Folded::owned(&customer.account)));
        });
        let mut loads = Vec::new();
        self.service_points(&accounts, |point| loads.push(point.load()));
        self.contacts(&accounts);
        self.streets();
        loads
    }

    fn customers(&mut self) -> Vec<Customer> {
        let mut seen = HashSet::new();
        self.table(Presence::Required, |row, customer: &Customer| {
            row.fresh("account", seen.insert(Folded::owned(&customer.account)))
        })
    }

    fn service_points(&mut self, accounts: &HashSet<Folded<'static>>, mut take: impl FnMut(ServicePoint)) {
        let buses = std::mem::take(&mut self.buses);
        let mut seen = HashSet::new();
        self.each(Presence::Required, |row, point: ServicePoint| {
            let bus = row.known("bus", buses.contains(&Folded::new(&point.bus)), Bus::FILE);
            let account = row.known(
                "account",
                accounts.contains(&Folded::new(&point.account)),
                Customer::FILE,
            );
            if bus && account && row.fresh("id", seen.insert(Folded::owned(&point.id))) {
                take(point);
            }
        });
    }

    fn contacts(&mut self, accounts: &HashSet<Folded<'static>>) -> Vec<Contact> {
        let mut seen = HashSet::new();
        self.table(Presence::Optional, |row, contact: &Contact| {
            let key = (
                Folded::owned(&contact.account),
                contact.channel,
                Folded::owned(&contact.value),
            );
            row.known("account", accounts.contains(&key.0), Customer::FILE)
                && row.fresh("value", seen.insert(key))
        })
    }

    fn streets(&mut self) -> Vec<Street> {
        let mut seen = HashSet::new();
        self.table(Presence::Optional, |row, street: &Street| {
            row.fresh("id", seen.insert(Folded::owned(&street.id)))
        })
    }

    /// The rows that `accept` finds good.
    fn table<T: Record>(
        &mut self,
        presence: Presence,
        mut accept: impl FnMut(&mut Row<'_>, &T) -> bool,
    ) -> Vec<T> {
        let mut rows = Vec::new();
        self.each(presence, |row, value: T| {
            if accept(row, &value) {
                rows.push(value);
            }
        });
        rows
    }

    fn each<T: Record>(&mut self, presence: Presence, accept: impl FnMut(&mut Row<'_>, T)) {
        match (self.file)(T::FILE) {
            Ok(Some(text)) => read_table(text, &mut self.faults, accept),
            Ok(None) if matches!(presence, Presence::Optional) => {}
            Ok(None) => {
                let problem = format!("the file is missing; its first line is {}", T::COLUMNS.join(","));
                self.file_fault(T::FILE, &problem);
            }
            Err(error) => self.file_fault(T::FILE, &format!("the file cannot be read: {error}")),
        }
    }

    fn file_fault(&mut self, file: &str, problem: &str) {
        self.faults.push(Fault {
            file: file.to_owned(),
            line: None,
            column: None,
            problem: problem.to_owned(),
        });
    }
}

/// Must the file be there.
enum Presence {
    Required,
    Optional,
}
