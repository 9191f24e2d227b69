//! The rows of a network graph as they are written, and what they mean.

use serde::Deserialize;
use serde::de::Deserializer;

use crate::network::{Device, DeviceKind, End, Load, Source};
use crate::phases::{Phases, PhasesError};

#[derive(Default, Deserialize)]
pub(super) struct RawBus {
    pub(super) x: Option<f64>,
    pub(super) y: Option<f64>,
}

#[derive(Deserialize)]
pub(super) struct RawEdge {
    #[serde(deserialize_with = "name")]
    pub(super) id: String,
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
pub(super) struct RawWinding {
    bus: String,
    ph: Vec<u8>,
}

#[derive(Deserialize)]
pub(super) struct RawLoad {
    #[serde(deserialize_with = "name")]
    pub(super) id: String,
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
pub(super) enum RawSource {
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

pub(super) fn source(row: &RawSource) -> Result<Source, String> {
    let (bus, list) = match row {
        RawSource::Bus(bus) => (bus, None),
        RawSource::Phases { bus, ph } => (bus, ph.as_deref()),
    };
    Ok(Source {
        bus: bus.clone(),
        phases: list.map(phases).transpose()?,
    })
}

pub(super) fn device(edge: &RawEdge) -> Result<Device, String> {
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

pub(super) fn load(row: &RawLoad) -> Result<Load, String> {
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
