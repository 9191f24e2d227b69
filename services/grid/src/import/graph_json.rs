//! Plain graph JSON, gzipped or not: `sources`, `buses`, `edges`, `loads`, phases at every end.
//!
//! It is read as it comes, a row at a time. A bus that only a device names is added without a position. A row that cannot
//! stand is named with the line it begins on.

mod rows;

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use self::rows::{RawBus, RawEdge, RawLoad, RawSource, device, load, source};
use crate::check::Row;
use crate::fault::{Fault, Faults, OnBad};
use crate::import::{Imported, place, text};
use crate::network::{Bus, Network};

/// Reads `bytes`; `file` is the name faults are reported under.
///
/// # Errors
/// As [`read_from`].
pub fn read(file: &str, bytes: &[u8], on_bad: OnBad) -> Result<Imported, Faults> {
    let text = text::unpacked(bytes).map_err(|error| whole(file, None, error.to_string()))?;
    read_from(file, text, on_bad)
}

/// Reads the text behind `from`, which is not gzipped; `file` is the name faults are reported under.
///
/// # Errors
/// A broken archive or JSON text; every bad device, load and source unless told to skip them.
pub fn read_from(file: &str, from: impl BufRead, on_bad: OnBad) -> Result<Imported, Faults> {
    let breaks = Rc::new(Cell::new(0));
    let counted = Counted {
        from,
        breaks: Rc::clone(&breaks),
    };
    let mut reading = Reading {
        file,
        breaks,
        faults: Vec::new(),
        begins: Begins::default(),
        network: Network::default(),
        at: HashMap::new(),
        seen: Vec::new(),
    };
    let mut json = serde_json::Deserializer::from_reader(counted);
    let read = json.deserialize_map(&mut reading).and_then(|()| json.end());
    read.map_err(|error| not_a_graph(file, &error))?;
    let notes = reading.finish();
    let begins = reading.begins;
    let mut network = reading.network;
    reading
        .faults
        .extend(network.drop_bad(file, |row| begins.line(row)));
    let (network, skipped) = on_bad.judge(network, reading.faults)?;
    Ok(Imported {
        network,
        skipped,
        notes,
        aliases: Vec::new(),
    })
}

fn not_a_graph(file: &str, error: &serde_json::Error) -> Faults {
    match error.is_io() {
        true => whole(file, None, format!("cannot be read on: {error}")),
        false => whole(
            file,
            Some(error.line() as u64),
            format!("not a network graph: {error}"),
        ),
    }
}

fn whole(file: &str, line: Option<u64>, problem: String) -> Faults {
    Faults(vec![Fault {
        file: file.to_owned(),
        line,
        column: None,
        problem,
    }])
}

/// Counts the lines that were read.
struct Counted<R> {
    from: R,
    breaks: Rc<Cell<u64>>,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        let breaks = into[..count].iter().filter(|byte| **byte == b'\n').count();
        self.breaks.set(self.breaks.get() + breaks as u64);
        Ok(count)
    }
}

/// The lines on which the rows of a network begin.
#[derive(Default)]
struct Begins {
    buses: Vec<u64>,
    sources: Vec<u64>,
    devices: Vec<u64>,
    loads: Vec<u64>,
}

impl Begins {
    fn line(&self, row: Row) -> Option<u64> {
        let (lines, ix) = match row {
            // One that only a device names has no line of its own.
            Row::Bus(ix) => (&self.buses, ix),
            Row::Source(ix) => (&self.sources, ix),
            Row::Device(ix) => (&self.devices, ix),
            Row::Load(ix) => (&self.loads, ix),
            Row::Network => return None,
        };
        lines.get(ix).copied()
    }
}

/// The graph as far as it is read.
struct Reading<'a> {
    file: &'a str,
    breaks: Rc<Cell<u64>>,
    faults: Vec<Fault>,
    begins: Begins,
    network: Network,
    /// Where the listed buses are.
    at: HashMap<String, RawBus>,
    /// The parts that were there.
    seen: Vec<String>,
}

impl<'de> Visitor<'de> for &mut Reading<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with sources, edges and loads")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(part) = map.next_key::<String>()? {
            if self.seen.contains(&part) {
                return Err(A::Error::custom(format!("{part:.40?} is there twice")));
            }
            match part.as_str() {
                "name" => self.network.name = map.next_value()?,
                "sources" | "edges" | "loads" => {
                    map.next_value_seed(Each(|row: &RawValue| self.row(&part, row)))?
                }
                "buses" => map.next_value_seed(Entries(|id, row: &RawValue| self.bus(id, row)))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            self.seen.push(part);
        }
        for part in ["sources", "edges", "loads"] {
            if !self.seen.iter().any(|seen| seen == part) {
                return Err(A::Error::missing_field(part));
            }
        }
        Ok(())
    }
}

/// A list whose elements are handed over one by one.
struct Each<F>(F);

impl<'de, F: FnMut(&RawValue)> DeserializeSeed<'de> for Each<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&RawValue)> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(row) = list.next_element::<Box<RawValue>>()? {
            (self.0)(&row);
        }
        Ok(())
    }
}

/// An object whose entries are handed over one by one, so that a name given twice is seen.
struct Entries<F>(F);

impl<'de, F: FnMut(String, &RawValue)> DeserializeSeed<'de> for Entries<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, F: FnMut(String, &RawValue)> Visitor<'de> for Entries<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("buses by their names")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(id) = map.next_key()? {
            let row: Box<RawValue> = map.next_value()?;
            (self.0)(id, &row);
        }
        Ok(())
    }
}

impl Reading<'_> {
    /// Takes over a row of a list.
    fn row(&mut self, part: &str, row: &RawValue) {
        let line = self.line(row);
        match part {
            "sources" => {
                let read = |row: &RawSource| {
                    let (RawSource::Bus(bus) | RawSource::Phases { bus, .. }) = row;
                    (bus.clone(), source(row))
                };
                if let Some(source) = self.good(row, read) {
                    self.network.sources.push(source);
                    self.begins.sources.push(line);
                }
            }
            "edges" => {
                if let Some(device) = self.good(row, |edge: &RawEdge| (edge.id.clone(), device(edge))) {
                    self.network.devices.push(device);
                    self.begins.devices.push(line);
                }
            }
            _ => {
                if let Some(load) = self.good(row, |row: &RawLoad| (row.id.clone(), load(row))) {
                    self.network.loads.push(load);
                    self.begins.loads.push(line);
                }
            }
        }
    }

    /// Takes over a listed bus and where it is.
    fn bus(&mut self, id: String, row: &RawValue) {
        let line = self.line(row);
        let place: Option<RawBus> = self.parsed(row).unwrap_or_default();
        self.begins.buses.push(line);
        self.network.buses.push(Bus {
            id: id.clone(),
            position: None,
        });
        self.at.insert(id, place.unwrap_or_default());
    }

    /// Places the buses and adds those that only devices name.
    fn finish(&mut self) -> Vec<String> {
        let mut notes = Vec::new();
        let at = std::mem::take(&mut self.at);
        place(
            &mut self.network,
            |id| at.get(id).and_then(|bus| Some((bus.x?, bus.y?))),
            &mut notes,
        );
        let listed = self.network.buses.len();
        self.network.add_missing_buses();
        for bus in &self.network.buses[listed..] {
            notes.push(format!(
                "bus {:?} is named by a device but not listed under buses",
                bus.id
            ));
        }
        notes
    }

    /// The line a row that was just read begins on, counted from 1.
    fn line(&self, row: &RawValue) -> u64 {
        let within = row.get().bytes().filter(|byte| *byte == b'\n').count() as u64;
        self.breaks.get() + 1 - within
    }

    /// What the row means, when it is good.
    fn good<R: DeserializeOwned, T>(
        &mut self,
        row: &RawValue,
        read: impl Fn(&R) -> (String, Result<T, String>),
    ) -> Option<T> {
        let line = self.line(row);
        let (id, value) = self.parsed(row).map(|row| read(&row))?;
        let note = |problem| self.fault(line, Some(id.chars().take(100).collect()), problem);
        value.map_err(note).ok()
    }

    fn parsed<R: DeserializeOwned>(&mut self, row: &RawValue) -> Option<R> {
        let parsed = serde_json::from_str(row.get());
        let note = |error: serde_json::Error| {
            let line = self.line(row) + error.line().saturating_sub(1) as u64;
            let words = error.to_string();
            // Its own line counts from the row's beginning.
            let words = words.split(" at line ").next().unwrap_or_default();
            self.fault(line, None, words.to_owned());
        };
        parsed.map_err(note).ok()
    }

    fn fault(&mut self, line: u64, column: Option<String>, problem: String) {
        self.faults.push(Fault {
            file: self.file.to_owned(),
            line: Some(line),
            column,
            problem,
        });
    }
}
