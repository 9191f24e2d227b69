//! What a file says of itself before its leaves.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, de::DeserializeOwned};
use toml::{Table, Value};

use super::{Fault, leaves::midnight};
use crate::shape::Area;

/// The head of a pack.
pub(super) struct Head {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) zone: Tz,
    pub(super) currency: String,
    pub(super) since: DateTime<Utc>,
    pub(super) covers: Vec<Area>,
    pub(super) calendar: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Written {
    id: String,
    name: String,
    zone: String,
    #[serde(default)]
    currency: String,
    valid_from: String,
    covers: Vec<String>,
    calendar: Option<String>,
}

/// The head of an overlay.
#[derive(Debug, Deserialize)]
pub(super) struct Over {
    pub(super) id: String,
    #[expect(dead_code, reason = "an overlay must say for people what it is")]
    name: String,
    pub(super) over: Vec<String>,
}

/// Takes the head of a pack out of its table.
pub(super) fn pack(table: &mut Table) -> Result<Head, Vec<Fault>> {
    let keys = [
        "id",
        "name",
        "zone",
        "currency",
        "valid_from",
        "covers",
        "calendar",
    ];
    let written: Written = take(table, &keys)?;
    let zone: Tz = written.zone.parse().map_err(|_| {
        let problem = format!("{:?} is no IANA zone such as Asia/Shanghai", written.zone);
        vec![Fault::new("zone", problem)]
    })?;
    let since =
        midnight(&written.valid_from, zone).map_err(|problem| vec![Fault::new("valid_from", problem)])?;
    Ok(Head {
        id: written.id,
        name: written.name,
        zone,
        currency: written.currency,
        since,
        covers: areas(&written.covers)?,
        calendar: written.calendar,
    })
}

/// Takes the head of an overlay out of its table.
pub(super) fn overlay(table: &mut Table) -> Result<Over, Vec<Fault>> {
    take(table, &["id", "name", "over"])
}

fn take<T: DeserializeOwned>(table: &mut Table, keys: &[&str]) -> Result<T, Vec<Fault>> {
    let head: Table = keys
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), table.remove(*key)?)))
        .collect();
    Value::Table(head)
        .try_into()
        .map_err(|e: toml::de::Error| vec![Fault::new("the head", e.message())])
}

fn areas(words: &[String]) -> Result<Vec<Area>, Vec<Fault>> {
    let read = |word: &String| {
        Area::ALL
            .into_iter()
            .find(|area| area.word() == word)
            .ok_or_else(|| {
                let known: Vec<_> = Area::ALL.iter().map(|area| area.word()).collect();
                vec![Fault::new(
                    "covers",
                    format!("{word:?} is not known; use {}", known.join(", ")),
                )]
            })
    };
    words.iter().map(read).collect()
}
