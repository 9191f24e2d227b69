//! Plain graph JSON, gzipped or not: `sources`, `buses`, `edges`, `loads`, phases at every end.
//!
//! A bus that only a device names is added without a position.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

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
    let raw: Raw = serde_json::from_slice(&text)
        .map_err(|error| whole(Some(error.line() as u64), format!("not a network graph: {error}")))?;
    let mut reading = Reading {
        file,
        faults: Vec::new(),
        notes: Vec::new(),
    };
    let mut network = reading.network(&raw);
    reading.faults.extend(network.drop_bad());
    let Reading { faults, notes, .. } = reading;
    let (network, skipped) = on_bad.judge(network, faults)?;
    Ok(Imported {
        network,
        skipped,
        notes,
        aliases: Vec::new(),
    })
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    name: String,
    sources: Vec<String>,
    #[serde(default, deserialize_with = "each_bus")]
    buses: Vec<(String, RawBus)>,
    edges: Vec<RawEdge>,
    loads: Vec<RawLoad>,
}

#[derive(Deserialize)]
struct RawBus {
    x: Option<f64>,
    y: Option<f64>,
}

/// The entries of an object one by one, so that a name given twice is seen.
fn each_bus<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, RawBus)>, D::Error> {
    struct Each;
    impl<'de> Visitor<'de> for Each {
        type Value = Vec<(String, RawBus)>;

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
    id: String,
    bus: String,
    ph: Vec<u8>,
    #[serde(default = "one")]
    cust: u32,
    #[serde(default = "yes")]
    en: bool,
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

struct Reading<'a> {
    file: &'a str,
    faults: Vec<Fault>,
    notes: Vec<String>,
}

impl Reading<'_> {
    fn network(&mut self, raw: &Raw) -> Network {
        let mut network = Network {
            name: raw.name.clone(),
            buses: raw
                .buses
                .iter()
                .map(|(id, _)| Bus {
                    id: id.clone(),
                    position: None,
                })
                .collect(),
            sources: raw
                .sources
                .iter()
                .map(|bus| Source {
                    bus: bus.clone(),
                    phases: None,
                })
                .collect(),
            devices: raw
                .edges
                .iter()
                .filter_map(|edge| self.kept(&edge.id, device(edge)))
                .collect(),
            loads: raw
                .loads
                .iter()
                .filter_map(|row| self.kept(&row.id, load(row)))
                .collect(),
        };
        let at: HashMap<&str, &RawBus> = raw.buses.iter().map(|(id, bus)| (id.as_str(), bus)).collect();
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

    fn kept<T>(&mut self, id: &str, row: Result<T, String>) -> Option<T> {
        let note = |problem: String| Fault {
            file: self.file.to_owned(),
            line: None,
            column: Some(id.chars().take(100).collect()),
            problem,
        };
        row.map_err(|problem| self.faults.push(note(problem))).ok()
    }
}

fn device(edge: &RawEdge) -> Result<Device, String> {
    let kind: DeviceKind = edge.kind.to_lowercase().parse().map_err(|()| {
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
