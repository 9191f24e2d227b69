//! Reads packs, overlays and calendars, and refuses everything unclear in them, all faults at once, each with its place.

mod head;
mod judge;
mod leaves;
mod year;

use toml::Table;

use crate::{Library, pack::Pack, shape::Area};

pub(crate) use year::read_calendar;

/// One thing wrong in a pack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Fault {
    /// Dotted path of the leaf, or of the head field.
    pub place: String,
    /// What is wrong, and what is right.
    pub problem: String,
}

impl Fault {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Fault {
            place: place.into(),
            problem: problem.into(),
        }
    }
}

/// Why a pack did not load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// There is no pack of this name.
    #[error("there is no policy pack {0:?}; there are {1}")]
    Unknown(String, String),
    /// The file is no TOML.
    #[error("the policy pack is not TOML: {0}")]
    Syntax(String),
    /// Every fault of the pack; never empty.
    #[error("the policy pack has {} fault(s):{}", .0.len(), lines(.0))]
    Faults(Vec<Fault>),
}

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}

/// Reads the text of a pack with overlays over it.
pub(crate) fn read(library: &Library, text: &str, overlays: &[&str]) -> Result<Pack, LoadError> {
    let mut table = parse(text)?;
    let head = head::pack(&mut table).map_err(LoadError::Faults)?;
    let mut reading = leaves::Reading::new(head.zone);
    reading.table("", &table);
    let mut ids = vec![head.id.clone()];
    for overlay in overlays {
        let mut table = parse(overlay)?;
        let over = head::overlay(&mut table).map_err(LoadError::Faults)?;
        if !over.over.contains(&head.id) {
            let problem = format!("the overlay {} is written over {}", over.id, over.over.join(", "));
            reading.faults.push(Fault::new("over", problem));
        }
        ids.push(over.id);
        reading.table("", &table);
    }
    let calendar = head
        .calendar
        .as_deref()
        .map(|name| read_calendar(library.calendar(name)?))
        .transpose()?;
    let covers: Vec<Area> = head.covers;
    judge::all(&mut reading, &covers, head.since, calendar.is_some());
    judge::money(&mut reading, &covers, &head.currency);
    if !reading.faults.is_empty() {
        return Err(LoadError::Faults(reading.faults));
    }
    Ok(Pack {
        id: ids.join("+"),
        name: head.name,
        zone: head.zone,
        currency: head.currency,
        calendar,
        leaves: reading.leaves,
    })
}

/// The faults of any one file: a pack, an overlay (over each pack it names) or a calendar.
pub(crate) fn check(library: &Library, text: &str) -> Result<(), LoadError> {
    let mut table = parse(text)?;
    if table.contains_key("year") {
        return read_calendar(text).map(drop);
    }
    if !table.contains_key("over") {
        return read(library, text, &[]).map(drop);
    }
    let overlay = head::overlay(&mut table).map_err(LoadError::Faults)?;
    for base in &overlay.over {
        read(library, library.pack(base)?, &[text])?;
    }
    Ok(())
}

pub(crate) fn parse(text: &str) -> Result<Table, LoadError> {
    text.parse()
        .map_err(|e: toml::de::Error| LoadError::Syntax(e.to_string()))
}
