//! Reads a pack and refuses everything unclear in it, all faults at once, each with its place.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use toml::{Table, Value};

use crate::{
    leaf::{Leaf, Quantity},
    pack::{Pack, REQUIRED},
};

/// One thing wrong in a pack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Fault {
    /// Dotted path of the leaf, or of the head field.
    pub place: String,
    /// What is wrong, and what is right.
    pub problem: String,
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

/// The head of a pack, beside its leaves.
#[derive(Debug, Deserialize)]
struct Head {
    id: String,
    name: String,
    zone: String,
    valid_from: String,
}

/// A leaf as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    value: i64,
    unit: String,
    source: String,
    tag: String,
    valid_from: String,
    valid_to: Option<String>,
}

const HEAD: [&str; 4] = ["id", "name", "zone", "valid_from"];

/// Reads the text of a pack.
pub(crate) fn read(text: &str) -> Result<Pack, LoadError> {
    let mut table: Table = text
        .parse()
        .map_err(|e: toml::de::Error| LoadError::Syntax(e.to_string()))?;
    let head: Table = HEAD
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), table.remove(*key)?)))
        .collect();
    let (head, zone, since) = read_head(head).map_err(|fault| LoadError::Faults(vec![fault]))?;
    let mut reading = Reading {
        zone,
        leaves: BTreeMap::new(),
        faults: Vec::new(),
    };
    reading.table("", &table);
    reading.check_periods();
    reading.check_required(since);
    if reading.faults.is_empty() {
        Ok(Pack {
            id: head.id,
            name: head.name,
            zone,
            leaves: reading.leaves,
        })
    } else {
        Err(LoadError::Faults(reading.faults))
    }
}

fn read_head(head: Table) -> Result<(Head, Tz, DateTime<Utc>), Fault> {
    let fault = |place: &str, problem: String| Fault {
        place: place.to_owned(),
        problem,
    };
    let head: Head = Value::Table(head)
        .try_into()
        .map_err(|e: toml::de::Error| fault("the head", e.message().to_owned()))?;
    let zone: Tz = head.zone.parse().map_err(|_| {
        fault(
            "zone",
            format!("{:?} is no IANA zone such as Asia/Shanghai", head.zone),
        )
    })?;
    let since = midnight(&head.valid_from, zone).map_err(|problem| fault("valid_from", problem))?;
    Ok((head, zone, since))
}

struct Reading {
    zone: Tz,
    leaves: BTreeMap<String, Vec<Leaf>>,
    faults: Vec<Fault>,
}

impl Reading {
    fn fault(&mut self, place: &str, problem: impl Into<String>) {
        self.faults.push(Fault {
            place: place.to_owned(),
            problem: problem.into(),
        });
    }

    fn table(&mut self, place: &str, table: &Table) {
        for (key, value) in table {
            let place = if place.is_empty() {
                key.clone()
            } else {
                format!("{place}.{key}")
            };
            self.value(&place, value);
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

    /// Two rules for one moment would be no rule; neither is one that ends before it begins.
    fn check_periods(&mut self) {
        let mut faults = Vec::new();
        for (place, periods) in &mut self.leaves {
            periods.sort_by_key(|leaf| leaf.valid_from);
            let empty = periods
                .iter()
                .any(|leaf| leaf.valid_to.is_some_and(|end| end <= leaf.valid_from));
            if empty {
                faults.push((place.clone(), "valid_to must be after valid_from"));
            }
            let overlap = periods
                .windows(2)
                .any(|pair| pair[0].valid_to.is_none_or(|end| end > pair[1].valid_from));
            if overlap {
                faults.push((
                    place.clone(),
                    "two periods overlap; end the earlier one with valid_to",
                ));
            }
        }
        for (place, problem) in faults {
            self.fault(&place, problem);
        }
    }

    /// The rules the platform asks for answer for every moment from `since` on.
    fn check_required(&mut self, since: DateTime<Utc>) {
        for (place, wanted) in REQUIRED {
            let Some(periods) = self.leaves.get(place) else {
                self.fault(place, "is missing");
                continue;
            };
            let right_kind = periods.iter().all(|leaf| wanted.fits(&leaf.quantity));
            let gapless = periods.first().is_some_and(|first| first.valid_from <= since)
                && periods.last().is_some_and(|last| last.valid_to.is_none())
                && periods
                    .windows(2)
                    .all(|pair| pair[0].valid_to == Some(pair[1].valid_from));
            if !right_kind {
                self.fault(place, format!("must be a {}", wanted.word()));
            } else if !gapless {
                self.fault(
                    place,
                    "has a time without a rule; cover every moment from the pack's valid_from on",
                );
            }
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
    Ok(Leaf {
        quantity: Quantity::read(written.value, &written.unit)?,
        words: format!("{} {}", written.value, written.unit),
        source: written.source,
        tag: written.tag.parse()?,
        valid_from: midnight(&written.valid_from, zone)?,
        valid_to: written.valid_to.map(|end| midnight(&end, zone)).transpose()?,
    })
}

/// The first moment of a local date; the TOML reader hands a date on as its text.
fn midnight(date: &str, zone: Tz) -> Result<DateTime<Utc>, String> {
    date.parse::<NaiveDate>()
        .ok()
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .and_then(|start| zone.from_local_datetime(&start).earliest())
        .map(|start| start.with_timezone(&Utc))
        .ok_or_else(|| format!("{date}: valid_from and valid_to must be dates such as 2022-01-01"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../packs/CN-CSG.toml");
    const URBAN: &str = "[fault.arrival.urban]\nvalue = 45\nunit = \"min\"\n";

    fn faults(text: &str) -> String {
        read(text).expect_err("the pack has a fault").to_string()
    }

    #[test]
    fn what_is_unclear_does_not_load() {
        let urban = "fault.arrival.urban";
        let cases = [
            (
                "a bare number",
                format!("{GOOD}\n[extra]\ntake = 3\n"),
                "extra.take",
                "a bare integer",
            ),
            (
                "a bare list",
                format!("{GOOD}\n[extra]\ntake = [3, 4]\n"),
                "extra.take",
                "a bare integer",
            ),
            (
                "unknown unit",
                GOOD.replacen("\"min\"", "\"minutes\"", 1),
                urban,
                "is not known",
            ),
            (
                "unknown tag",
                GOOD.replacen("\"V2\"", "\"sure\"", 1),
                urban,
                "is not known",
            ),
            ("no unit", GOOD.replacen("unit = \"min\"\n", "", 1), urban, "unit"),
            ("no source", GOOD.replacen(&source_line(), "", 1), urban, "source"),
            (
                "empty source",
                GOOD.replacen(&source_line(), "source = \" \"", 1),
                urban,
                "source must say",
            ),
            (
                "text as value",
                GOOD.replacen("value = 45", "value = \"45\"", 1),
                urban,
                "string",
            ),
            (
                "unknown field",
                GOOD.replacen("value = 45", "value = 45\nnote = 1", 1),
                urban,
                "note",
            ),
            (
                "a share for a span",
                GOOD.replacen("\"min\"", "\"percent\"", 1),
                urban,
                "must be a duration",
            ),
            (
                "missing",
                GOOD.replacen("[fault.arrival.urban]", "[fault.arrival.town]", 1),
                urban,
                "missing",
            ),
            (
                "a time, no date",
                GOOD.replacen("2010-01-01\n[", "2010-01-01T08:00:00\n[", 1),
                urban,
                "must be dates",
            ),
        ];
        for (what, text, place, part) in cases {
            let said = faults(&text);
            assert!(said.contains(place) && said.contains(part), "{what}: {said}");
        }
    }

    fn source_line() -> String {
        let line = GOOD.lines().find(|line| line.starts_with("source"));
        line.expect("the pack has sources").to_owned()
    }

    /// The urban limit as periods (from, to).
    fn with_periods(periods: &[(&str, &str)]) -> String {
        let rest = GOOD.split_once(URBAN).expect("the pack has an urban limit");
        let tail = rest
            .1
            .split_once("[fault.arrival.rural]")
            .expect("and a rural one")
            .1;
        let leaves: String = periods
            .iter()
            .map(|(from, to)| {
                let end = if to.is_empty() { String::new() } else { format!("valid_to = {to}\n") };
                format!("[[fault.arrival.urban]]\nvalue = 45\nunit = \"min\"\nsource = \"x\"\ntag = \"P\"\nvalid_from = {from}\n{end}")
            })
            .collect();
        format!("{}{leaves}[fault.arrival.rural]{tail}", rest.0)
    }

    #[test]
    fn periods_meet_without_overlap_or_gap() {
        type Case = (&'static [(&'static str, &'static str)], Option<&'static str>);
        let cases: [Case; 7] = [
            (&[("2010-01-01", "")], None),
            (&[("2010-01-01", "2020-01-01"), ("2020-01-01", "")], None),
            (&[("2020-01-01", ""), ("2010-01-01", "2020-01-01")], None),
            (&[("2010-01-01", ""), ("2020-01-01", "")], Some("overlap")),
            (
                &[("2010-01-01", "2020-01-02"), ("2020-01-01", "")],
                Some("overlap"),
            ),
            (
                &[("2010-01-01", "2019-12-31"), ("2020-01-01", "")],
                Some("without a rule"),
            ),
            (
                &[("2010-01-01", "2010-01-01"), ("2010-01-01", "")],
                Some("after valid_from"),
            ),
        ];
        for (periods, expected) in cases {
            match (read(&with_periods(periods)), expected) {
                (Ok(_), None) => {}
                (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{periods:?}: {error}"),
                (outcome, _) => panic!("{periods:?}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let said = faults(&GOOD.replace("\"percent\"", "\"%\""));
        assert!(
            said.contains("alarm.watch") && said.contains("alarm.at_risk"),
            "{said}"
        );
    }

    #[test]
    fn a_file_that_is_no_pack_says_so() {
        assert!(matches!(read("value = = 3"), Err(LoadError::Syntax(_))));
        assert!(faults("").contains("the head"));
        assert!(faults(&GOOD.replace("Asia/Shanghai", "Asia/Atlantis")).contains("IANA"));
    }
}
