//! Finds the leaves of a file and reads each.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use toml::{Table, Value};

use super::Fault;
use crate::{Leaf, Quantity};

/// A leaf as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    value: Value,
    unit: String,
    source: String,
    tag: String,
    valid_from: String,
    valid_to: Option<String>,
    /// False for what is not law yet.
    in_force: Option<bool>,
}

/// What was read so far, and everything wrong in it.
pub(super) struct Reading {
    zone: Tz,
    pub(super) leaves: BTreeMap<String, Vec<Leaf>>,
    pub(super) faults: Vec<Fault>,
}

impl Reading {
    pub(super) fn new(zone: Tz) -> Self {
        Reading {
            zone,
            leaves: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    pub(super) fn fault(&mut self, place: &str, problem: impl Into<String>) {
        self.faults.push(Fault::new(place, problem));
    }

    pub(super) fn table(&mut self, place: &str, table: &Table) {
        for (key, value) in table {
            if place.is_empty() {
                self.value(key, value);
            } else {
                self.value(&format!("{place}.{key}"), value);
            }
        }
    }

    fn value(&mut self, place: &str, value: &Value) {
        match value {
            Value::Table(table) if table.contains_key("value") || table.contains_key("unit") => {
                self.leaf(place, table)
            }
            Value::Table(table) => self.table(place, table),
            Value::Array(periods) => {
                for period in periods {
                    match period {
                        Value::Table(table) => self.leaf(place, table),
                        bare => self.bare(place, bare),
                    }
                }
            }
            bare => self.bare(place, bare),
        }
    }

    fn bare(&mut self, place: &str, value: &Value) {
        self.fault(
            place,
            format!(
                "a bare {} says nothing; write value, unit, source, tag and valid_from",
                value.type_str()
            ),
        );
    }

    fn leaf(&mut self, place: &str, table: &Table) {
        match read_leaf(table, self.zone) {
            Ok(leaf) => self.leaves.entry(place.to_owned()).or_default().push(leaf),
            Err(problem) => self.fault(place, problem),
        }
    }
}

fn read_leaf(table: &Table, zone: Tz) -> Result<Leaf, String> {
    let written: Written = Value::Table(table.clone())
        .try_into()
        .map_err(|e: toml::de::Error| e.message().to_owned())?;
    if written.source.trim().is_empty() {
        return Err("source must say where the number comes from".to_owned());
    }
    let shown = written
        .value
        .as_str()
        .map_or_else(|| written.value.to_string(), str::to_owned);
    Ok(Leaf {
        quantity: Quantity::read(&written.value, &written.unit)?,
        words: format!("{shown} {}", written.unit),
        source: written.source,
        tag: written.tag.parse()?,
        valid_from: midnight(&written.valid_from, zone)?,
        valid_to: written.valid_to.map(|end| midnight(&end, zone)).transpose()?,
        in_force: written.in_force.unwrap_or(true),
    })
}

/// The first moment of a local date; the TOML reader hands a date on as its text.
pub(super) fn midnight(date: &str, zone: Tz) -> Result<DateTime<Utc>, String> {
    date.parse::<NaiveDate>()
        .ok()
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .and_then(|start| zone.from_local_datetime(&start).earliest())
        .map(|start| start.with_timezone(&Utc))
        .ok_or_else(|| format!("{date}: valid_from and valid_to must be dates such as 2022-01-01"))
}
