//! Plain graph JSON, gzipped or not: `sources`, `buses`, `edges`, `loads`, phases at every end.
//!
//! A bus that only a device names is added without a position. A row that cannot stand is named with the line it begins on.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::check::Row;
use crate::fault::{Fault, Faults, OnBad};
use crate::import::{Imported, gunzip, place};
use crate::network::{Bus, Device, DeviceKind, End, Load, Network, Source};
use crate::phases::{Phases, PhasesError};

/// Reads `bytes`; `file` is the name faults are reported under.
///
/// # Errors
/// A broken archive or JSON text; every bad device, load and source unless told to skip them.
pub fn read(file: &str, bytes: &[u8], on_bad: OnBad) -> Result<Imported, Faults> {
    let whole = |line, problem| {
        Faults(vec![Fault {
            file: file.to_owned(),
            line,
            column: None,
            problem,
        }])
    };
    let text = gunzip(bytes.to_vec()).map_err(|problem| whole(None, problem))?;
    let raw: Raw<'_> = serde_json::from_slice(&text)
        .map_err(|error| whole(Some(error.line() as u64), format!("not a network graph: {error}")))?;
    let mut reading = Reading {
        file,
        lines: Lines::of(&text),
        faults: Vec::new(),
        notes: Vec::new(),
        begins: Begins::default(),
    };
    let mut network = reading.network(&raw);
    let begins = &reading.begins;
    let faults = network.drop_bad(file, |row| begins.line(row));
    reading.faults.extend(faults);
    let Reading { faults, notes, .. } = reading;
    let (network, skipped) = on_bad.judge(network, faults)?;
    Ok(Imported {
        network,
        skipped,
        notes,
        aliases: Vec::new(),
    })
}

/// The rows are kept as text: where a row lies in it says its line, and one that is bad leaves the others readable.
#[derive(Deserialize)]
struct Raw<'t> {
    #[serde(default)]
    name: String,
    #[serde(borrow)]
    sources: Vec<&'t RawValue>,
    #[serde(borrow, default, deserialize_with = "each_bus")]
    buses: Vec<(String, &'t RawValue)>,
    #[serde(borrow)]
    edges: Vec<&'t RawValue>,
    #[serde(borrow)]
    loads: Vec<&'t RawValue>,
}

#[derive(Default, Deserialize)]
struct RawBus {
    x: Option<f64>,
    y: Option<f64>,
}

/// The entries of an object one by one, so that a name given twice is seen.
fn each_bus<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, &'de RawValue)>, D::Error> {
    struct Each;
    impl<'de> Visitor<'de> for Each {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("buses by their names")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut buses = Vec::new();
            while let Some(bus) = map.next_entry()? {
                buses.push(bus);
            }
            Ok(buses)
        }
    }
    from.deserialize_map(Each)
}

#[derive(Deserialize)]
struct RawEdge {
    #[serde(deserialize_with = "name")]
    id: String,
    kind: String,
    from: Option<String>,
    fp: Option<Vec<u8>>,
    to: Option<String>,
    tp: Option<Vec<u8>>,
    wdg: Option<Vec<RawWinding>>,
    #[serde(default = "yes")]
    en: bool,
    #[serde(default)]
    open: bool,
}

#[derive(Deserialize)]
struct RawWinding {
    bus: String,
    ph: Vec<u8>,
}

#[derive(Deserialize)]
struct RawLoad {
    #[serde(deserialize_with = "name")]
    id: String,
    bus: String,
    ph: Vec<u8>,
    #[serde(default = "one", deserialize_with = "count")]
    cust: u32,
    #[serde(default = "yes")]
    en: bool,
}

/// A source: its bus, or its bus with the phases that are fed.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawSource {
    Bus(String),
    Phases { bus: String, ph: Option<Vec<u8>> },
}

/// A name, also when it is written as a number.
fn name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(name) => Ok(name),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        _ => Err(serde::de::Error::custom("invalid type: an id is a text")),
    }
}

/// A whole number, also when it is written as `2.0`.
fn count<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let number = f64::deserialize(from)?;
    let whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    whole
        .then_some(number as u32)
        .ok_or_else(|| serde::de::Error::custom(format!("cust is {number}; write a whole number from 0")))
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

/// Where the lines of a text begin.
struct Lines<'t> {
    text: &'t [u8],
    breaks: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t [u8]) -> Lines<'t> {
        let breaks = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        Lines {
            text,
            breaks: breaks.map(|(at, _)| at).collect(),
        }
    }

    /// The line a piece of the text begins on, counted from 1.
    fn of_row(&self, row: &RawValue) -> u64 {
        let at = row.get().as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        self.breaks.partition_point(|&end| end < at) as u64 + 1
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

struct Reading<'a> {
    file: &'a str,
    lines: Lines<'a>,
    faults: Vec<Fault>,
    notes: Vec<String>,
    begins: Begins,
}

impl Reading<'_> {
    fn network(&mut self, raw: &Raw<'_>) -> Network {
        let (buses, at) = self.buses(raw);
        let (sources, lines) = self.rows(&raw.sources, |row: &RawSource| {
            let (RawSource::Bus(bus) | RawSource::Phases { bus, .. }) = row;
            (bus.clone(), source(row))
        });
        self.begins.sources = lines;
        let (devices, lines) = self.rows(&raw.edges, |edge: &RawEdge| (edge.id.clone(), device(edge)));
        self.begins.devices = lines;
        let (loads, lines) = self.rows(&raw.loads, |row: &RawLoad| (row.id.clone(), load(row)));
        self.begins.loads = lines;
        let mut network = Network {
            name: raw.name.clone(),
            buses,
            sources,
            devices,
            loads,
        };
        place(
            &mut network,
            |id| at.get(id).and_then(|bus| Some((bus.x?, bus.y?))),
            &mut self.notes,
        );
        let listed = network.buses.len();
        network.add_missing_buses();
        for bus in &network.buses[listed..] {
            self.notes.push(format!(
                "bus {:?} is named by a device but not listed under buses",
                bus.id
            ));
        }
        network
    }

    /// The listed buses, and where they are.
    fn buses(&mut self, raw: &Raw<'_>) -> (Vec<Bus>, HashMap<String, RawBus>) {
        let (mut buses, mut at) = (Vec::new(), HashMap::new());
        for (id, row) in &raw.buses {
            let place: Option<RawBus> = self.parsed(row).unwrap_or_default();
            let place = place.unwrap_or_default();
            self.begins.buses.push(self.lines.of_row(row));
            buses.push(Bus {
                id: id.clone(),
                position: None,
            });
            at.insert(id.clone(), place);
        }
        (buses, at)
    }

    /// The good ones of `rows`, each with its line.
    fn rows<R: DeserializeOwned, T>(
        &mut self,
        rows: &[&RawValue],
        read: impl Fn(&R) -> (String, Result<T, String>),
    ) -> (Vec<T>, Vec<u64>) {
        let (mut good, mut lines) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for row in rows {
            let line = self.lines.of_row(row);
            let Some((id, value)) = self.parsed(row).map(|row| read(&row)) else {
                continue;
            };
            match value {
                Ok(value) => {
                    good.push(value);
                    lines.push(line);
                }
                Err(problem) => self.fault(line, Some(id.chars().take(100).collect()), problem),
            }
        }
        (good, lines)
    }

    fn parsed<R: DeserializeOwned>(&mut self, row: &RawValue) -> Option<R> {
        let parsed = serde_json::from_str(row.get());
        let note = |error: serde_json::Error| {
            let line = self.lines.of_row(row) + error.line().saturating_sub(1) as u64;
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

fn source(row: &RawSource) -> Result<Source, String> {
    let (bus, list) = match row {
        RawSource::Bus(bus) => (bus, None),
        RawSource::Phases { bus, ph } => (bus, ph.as_deref()),
    };
    Ok(Source {
        bus: bus.clone(),
        phases: list.map(phases).transpose()?,
    })
}

fn device(edge: &RawEdge) -> Result<Device, String> {
    let word = edge.kind.to_lowercase();
    let kind = match word.as_str() {
        "regulator" => Ok(DeviceKind::Transformer),
        word => word.parse(),
    };
    let kind: DeviceKind = kind.map_err(|()| {
        let words: Vec<&str> = DeviceKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("kind {:?} is not known; write {}", edge.kind, words.join(", "))
    })?;
    let ends = match (&edge.wdg, &edge.from, &edge.fp, &edge.to, &edge.tp) {
        (Some(windings), ..) => windings
            .iter()
            .map(|w| end(&w.bus, &w.ph))
            .collect::<Result<_, _>>()?,
        (None, Some(from), Some(fp), Some(to), Some(tp)) => vec![end(from, fp)?, end(to, tp)?],
        _ => return Err("the ends are missing; write from, fp, to, tp or wdg".to_owned()),
    };
    Ok(Device {
        id: edge.id.clone(),
        kind,
        ends,
        in_service: edge.en,
        open: edge.open,
        length_m: None,
    })
}

fn load(row: &RawLoad) -> Result<Load, String> {
    Ok(Load {
        id: row.id.clone(),
        bus: row.bus.clone(),
        phases: phases(&row.ph)?,
        customers: row.cust,
        in_service: row.en,
    })
}

fn end(bus: &str, list: &[u8]) -> Result<End, String> {
    Ok(End {
        bus: bus.to_owned(),
        phases: phases(list)?,
    })
}

fn phases(list: &[u8]) -> Result<Phases, String> {
    Phases::new(list).map_err(|error: PhasesError| error.to_string())
}
