//! A real storm to be lived through again, faster: what a utility's public outage map showed, as reports of people and words of
//! meters.
//!
//! The map knows outages with a device, its circuit and a number of customers; it does not know who called. Here each of
//! those customers reports when the outage appears, and their meters say that supply is back when it goes. Changed fields
//! (crew status, restoration time) concern nobody's report and are passed over. Devices of one circuit lie side by side in
//! the made-up county, so that what was near stays near.

mod replay;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fs::File,
    io::{BufRead, BufReader, ErrorKind},
    path::Path,
    time::Duration,
};

use anyhow::Context;
use flate2::read::GzDecoder;
use serde::Deserialize;
use sqlx::PgConnection;

use crate::checks::{self, Check};

pub use replay::{Lived, SOURCE, replay};

/// What happens to some customers at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Since the storm began.
    pub at: Duration,
    /// Whether they lose supply and report it, or have it again.
    pub is_off: bool,
    /// Who.
    pub accounts: Vec<String>,
}

/// A storm, in time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Storm {
    /// What happens.
    pub moments: Vec<Moment>,
}

/// A line of the map's history.
#[derive(Debug, Deserialize)]
struct Line {
    t: u64,
    id: String,
    op: String,
    #[serde(rename = "OUTAGE_DEVICE_ID", default)]
    device: String,
    #[serde(rename = "OUTAGE_CIRCUIT_ID", default)]
    circuit: u64,
    #[serde(rename = "EST_CUSTOMERS", default)]
    customers: Option<usize>,
}

impl Line {
    /// Who reports: the map shows at least one customer, also where it does not say how many.
    fn reporters(&self) -> usize {
        self.customers.unwrap_or(1).max(1)
    }
}

impl Storm {
    /// The storm in the file at `path` over these customers, its first `outages` at most. None where there is no such file.
    ///
    /// # Errors
    /// A file that cannot be read or is no such history; fewer customers than report in it.
    pub fn read(path: &Path, outages: usize, customers: &[String]) -> anyhow::Result<Option<Self>> {
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.with_context(|| format!("open {}", path.display()))?,
        };
        let lines = lines(BufReader::new(GzDecoder::new(file)))
            .with_context(|| format!("read {}", path.display()))?;
        Self::new(first(lines, outages), customers).map(Some)
    }

    fn new(lines: Vec<Line>, customers: &[String]) -> anyhow::Result<Self> {
        let begin = lines.iter().map(|line| line.t).min().unwrap_or_default();
        let mut homes = homes(&lines, customers)?;
        let mut off: HashMap<String, Vec<String>> = HashMap::new();
        let mut moments = Vec::new();
        for line in lines {
            let accounts = if line.op == "open" {
                let of_device = homes.get_mut(&(line.circuit, line.device.clone()));
                let of_device = of_device.context("every device was given customers")?;
                let accounts: Vec<String> = of_device.drain(..line.reporters()).collect();
                off.entry(line.id).or_default().extend(accounts.clone());
                accounts
            } else {
                off.remove(&line.id).unwrap_or_default()
            };
            if !accounts.is_empty() {
                moments.push(Moment {
                    at: Duration::from_secs(line.t - begin),
                    is_off: line.op == "open",
                    accounts,
                });
            }
        }
        moments.sort_by_key(|moment| moment.at);
        Ok(Self { moments })
    }

    /// How many reports it makes.
    pub fn reports(&self) -> usize {
        let off = self.moments.iter().filter(|moment| moment.is_off);
        off.map(|moment| moment.accounts.len()).sum()
    }

    /// Nothing of it was lost, counted by the callers; to be asked when everything has drained.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn promises(&self, conn: &mut PgConnection, lived: &Lived) -> anyhow::Result<Vec<Check>> {
        let (made, acknowledged) = (self.reports(), lived.acknowledged.count());
        let missing = (made != acknowledged).then(|| format!("{acknowledged} of {made}"));
        let mut found = vec![Check::new(
            "every report of the storm is acknowledged",
            made,
            missing.into_iter().collect(),
        )];
        found.extend(checks::taken(conn, &lived.acknowledged).await?);
        found.push(checks::signals(conn, SOURCE, lived.signals).await?);
        Ok(found)
    }

    /// How long it took.
    pub fn length(&self) -> Duration {
        self.moments.last().map(|last| last.at).unwrap_or_default()
    }
}

fn lines(from: impl BufRead) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (n, text) in from.lines().enumerate() {
        let line: Line = serde_json::from_str(&text?).with_context(|| format!("line {}", n + 1))?;
        if line.op == "open" || line.op == "gone" {
            lines.push(line);
        }
    }
    Ok(lines)
}

/// The first outages and what becomes of them.
fn first(lines: Vec<Line>, outages: usize) -> Vec<Line> {
    let mut opened = 0;
    let mut kept = Vec::new();
    let mut ids = std::collections::HashSet::new();
    for line in lines {
        if line.op == "open" && opened < outages {
            opened += 1;
            ids.insert(line.id.clone());
            kept.push(line);
        } else if line.op == "gone" && ids.remove(&line.id) {
            kept.push(line);
        }
    }
    kept
}

type Homes = BTreeMap<(u64, String), VecDeque<String>>;

/// Customers of each device, enough for all its outages; nobody reports twice.
fn homes(lines: &[Line], customers: &[String]) -> anyhow::Result<Homes> {
    let mut wanted: BTreeMap<(u64, String), usize> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.op == "open") {
        *wanted.entry((line.circuit, line.device.clone())).or_default() += line.reporters();
    }
    let all: usize = wanted.values().sum();
    anyhow::ensure!(
        all <= customers.len(),
        "{all} customers report in this storm, there are {}",
        customers.len()
    );
    let mut left = customers.iter().cloned();
    let homes = wanted.into_iter();
    Ok(homes
        .map(|(device, count)| (device, left.by_ref().take(count).collect()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = r#"{"t":100,"id":"1","op":"open","OUTAGE_DEVICE_ID":"b","OUTAGE_CIRCUIT_ID":2,"EST_CUSTOMERS":2,"CITY":"x"}
{"t":100,"id":"2","op":"open","OUTAGE_DEVICE_ID":"a","OUTAGE_CIRCUIT_ID":1,"EST_CUSTOMERS":null}
{"t":160,"id":"1","op":"chg","LAST_UPDATE":5}
{"t":220,"id":"1","op":"gone"}
{"t":280,"id":"1","op":"open","OUTAGE_DEVICE_ID":"b","OUTAGE_CIRCUIT_ID":2,"EST_CUSTOMERS":0}
{"t":281,"id":"9","op":"gone"}
"#;

    fn people(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("A{n}")).collect()
    }

    #[test]
    fn customers_report_when_an_outage_appears_and_are_back_when_it_goes() -> anyhow::Result<()> {
        let storm = Storm::new(lines(MAP.as_bytes())?, &people(4))?;
        let told: Vec<_> = storm
            .moments
            .iter()
            .map(|moment| (moment.at.as_secs(), moment.is_off, moment.accounts.join(" ")))
            .collect();
        let right = [
            (0, true, "A1 A2"),
            (0, true, "A0"),
            (120, false, "A1 A2"),
            (180, true, "A3"),
        ];
        assert_eq!(told, right.map(|(at, off, who)| (at, off, who.to_owned())));
        assert_eq!((storm.reports(), storm.length().as_secs()), (4, 180));
        Ok(())
    }

    #[test]
    fn the_beginning_of_a_storm_is_whole_in_itself() -> anyhow::Result<()> {
        let lines = first(lines(MAP.as_bytes())?, 1);
        let storm = Storm::new(lines, &people(2))?;
        assert_eq!((storm.moments.len(), storm.reports()), (2, 2));
        Ok(())
    }

    #[test]
    fn too_few_customers_and_a_broken_line_are_told() {
        let few = Storm::new(lines(MAP.as_bytes()).expect("good lines"), &people(3));
        assert!(few.expect_err("four report").to_string().contains("4 customers"));
        let broken = lines("{\"t\":1}\n".as_bytes());
        assert!(broken.expect_err("no op").to_string().contains("line 1"));
    }
}
