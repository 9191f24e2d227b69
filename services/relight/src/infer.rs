//! `relight infer`: from a file of reports to the devices that opened. No server, no database.

use std::{collections::HashSet, io::Read, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::Args;
use flate2::read::MultiGzDecoder;
use relight_grid::{
    DeviceIx, Grid as Network, LoadIx, Lookup, OnBad, import,
    infer::{
        Engine, Evidence, Weights, What,
        replay::{Told, Update, replay},
    },
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::say::say;

/// `relight infer`
#[derive(Debug, Args)]
pub struct Infer {
    /// A CSV pack (folder), an OpenDSS script, CIM100 RDF/XML or plain graph JSON; gzipped or not.
    pub network: PathBuf,
    /// What was heard, a JSON object on each line, in any order; gzipped or not (docs/inference.md).
    #[arg(long, value_name = "FILE.jsonl")]
    pub reports: PathBuf,
    /// Weights instead of the built-in ones (docs/inference.md).
    #[arg(long, value_name = "FILE.toml")]
    pub weights: Option<PathBuf>,
    /// Answer as of this moment instead of the last report, in the seconds of the file.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub until_s: Option<f64>,
    /// Leave lines and rows that cannot be read out instead of answering nothing. A report of a load or a device the network does
    /// not have is left out, and told, in any case.
    #[arg(long)]
    pub skip_bad: bool,
    /// For machines.
    #[arg(long)]
    pub json: bool,
}

/// The first two bytes of a gzipped file (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Times are kept to the millisecond; further away than this they would not fit.
const SECONDS_MAX: f64 = 1e12;

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: Option<f64> = text.parse().ok();
    seconds
        .filter(|seconds| seconds.abs() <= SECONDS_MAX)
        .ok_or_else(|| "must be a number of seconds".to_owned())
}

/// Answers; exit code 1 when the network or a line is bad, each told with its line. That somebody reports whom the network does
/// not know is nothing to refuse everybody else for: it is told, and left out.
///
/// # Errors
/// A file that cannot be read, weights that are out of range.
pub fn run(what: &Infer) -> anyhow::Result<ExitCode> {
    let on_bad = if what.skip_bad { OnBad::Skip } else { OnBad::Refuse };
    let imported = import::open(&what.network, on_bad)?;
    crate::grid::tell(&imported);
    let lengths_m: Vec<Option<f64>> = imported
        .network
        .devices
        .iter()
        .map(|device| device.length_m)
        .collect();
    let grid = Arc::new(imported.network.grid(Uuid::nil())?);
    let weights = match &what.weights {
        Some(path) => weights(path)?,
        None => Weights::default(),
    };
    let (evidence, faults) = read(&text(&what.reports)?, &Lookup::new(&grid, &imported));
    for (line, fault) in &faults {
        eprintln!("{} line {line}: {fault}", what.reports.display());
    }
    let bad = faults
        .iter()
        .filter(|(_, fault)| matches!(fault, Fault::Bad(_)))
        .count();
    if bad > 0 && !what.skip_bad {
        eprintln!("nothing was inferred: {bad} line(s) are bad (--skip-bad leaves them out)");
        return Ok(ExitCode::FAILURE);
    }
    let mut engine = Engine::new(Arc::clone(&grid), &lengths_m, weights);
    let told = replay(&mut engine, evidence, Vec::new(), what.until_s.map(milliseconds));
    print(&engine, &told, what.json)?;
    Ok(ExitCode::SUCCESS)
}

/// The file, unpacked when it is gzipped.
fn text(path: &PathBuf) -> anyhow::Result<String> {
    let cannot = || format!("{} cannot be read", path.display());
    let bytes = std::fs::read(path).with_context(cannot)?;
    let mut text = String::new();
    if bytes.starts_with(&GZIP) {
        MultiGzDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .with_context(cannot)?;
        return Ok(text);
    }
    String::from_utf8(bytes).with_context(cannot)
}

fn weights(path: &PathBuf) -> anyhow::Result<Weights> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Weights::parse(&text).map_err(|problem| anyhow::anyhow!("{}: {problem}", path.display()))
}

#[derive(Deserialize)]
struct Line {
    at_s: f64,
    kind: Kind,
    load: Option<String>,
    device: Option<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Call,
    LastGasp,
    PingOff,
    PingOn,
    ScadaOpen,
}

fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
enum Fault {
    /// It cannot be read.
    #[error("{0}")]
    Bad(String),
    /// It speaks of what the network does not have.
    #[error("left out: {0}")]
    Unknown(String),
}

/// The evidence of all good lines, and what is wrong with the others, by line counted from 1.
fn read(text: &str, lookup: &Lookup<'_>) -> (Vec<Evidence>, Vec<(usize, Fault)>) {
    let (mut evidence, mut faults) = (Vec::new(), Vec::new());
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match parse(line, lookup) {
            Ok(heard) => evidence.extend(heard),
            Err(problem) => faults.push((at + 1, problem)),
        }
    }
    (evidence, faults)
}

fn parse(line: &str, lookup: &Lookup<'_>) -> Result<Vec<Evidence>, Fault> {
    let line: Line = serde_json::from_str(line).map_err(|error| {
        Fault::Bad(format!(
            "{error}; write {{\"at_s\": SECONDS, \"load\": ID, \"kind\": \"call\", \"last_gasp\", \"ping_off\" \
             or \"ping_on\"}} or {{\"at_s\": SECONDS, \"kind\": \"scada_open\", \"device\": ID}}"
        ))
    })?;
    if line.at_s.is_nan() || line.at_s.abs() > SECONDS_MAX {
        let problem = format!("at_s is {}; write seconds from -1e12 to 1e12", line.at_s);
        return Err(Fault::Bad(problem));
    }
    let at_ms = milliseconds(line.at_s);
    let load = || -> Result<LoadIx, Fault> {
        let id = named(
            line.load.as_deref(),
            "load is missing; name the load that reports",
        )?;
        lookup
            .load(id)
            .map_err(|unknown| Fault::Unknown(format!("load: {unknown}")))
    };
    let what = match line.kind {
        Kind::Call => What::Call(load()?),
        Kind::LastGasp => What::LastGasp(load()?),
        Kind::PingOff => What::PingOff(load()?),
        Kind::PingOn => What::PingOn(load()?),
        Kind::ScadaOpen => {
            let id = named(
                line.device.as_deref(),
                "device is missing; name the device that opened",
            )?;
            let devices = lookup
                .devices(id)
                .map_err(|unknown| Fault::Unknown(format!("device: {unknown}")))?;
            return Ok(devices
                .into_iter()
                .map(|device| Evidence::new(at_ms, What::ScadaOpen(device)))
                .collect());
        }
    };
    Ok(vec![Evidence::new(at_ms, what)])
}

fn named<'l>(id: Option<&'l str>, missing: &str) -> Result<&'l str, Fault> {
    id.ok_or_else(|| Fault::Bad(missing.to_owned()))
}

#[derive(Serialize)]
struct Answer<'g> {
    opened_at_s: f64,
    device: Option<&'g str>,
    candidates: Vec<Likely<'g>>,
    loads: Vec<&'g str>,
    customers: u32,
    confidence: f64,
    explanation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    restored_at_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask_load: Option<&'g str>,
    updates: Vec<Moment<'g>>,
}

#[derive(Serialize)]
struct Likely<'g> {
    device: &'g str,
    p: f64,
    /// Devices that put the same loads out, the named one left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    equal: Vec<&'g str>,
}

#[derive(Serialize)]
struct Moment<'g> {
    at_s: f64,
    device: Option<&'g str>,
    p: f64,
}

fn print(engine: &Engine, told: &[Told], json: bool) -> anyhow::Result<()> {
    let answers: Vec<Answer<'_>> = told.iter().map(|told| answer(engine, told)).collect();
    if json {
        say!("{}", serde_json::to_string_pretty(&answers)?);
        return Ok(());
    }
    say!("{} incident(s)", answers.len());
    for answer in &answers {
        let device = answer.device.unwrap_or("no single device");
        let (loads, percent) = (answer.loads.len(), answer.confidence * 100.0);
        say!(
            "{:>10.0} s  {device}  {percent:.0} %  {loads} load(s), {} customer(s)",
            answer.opened_at_s,
            answer.customers
        );
        say!("              {}", answer.explanation);
    }
    Ok(())
}

fn answer<'g>(engine: &'g Engine, told: &Told) -> Answer<'g> {
    let (grid, incident) = (engine.grid(), &told.incident);
    let named = |device: Option<DeviceIx>| device.map(|device| grid.device_id(device));
    Answer {
        opened_at_s: at_s(incident.key.at_ms),
        device: named(incident.device),
        candidates: incident
            .candidates
            .iter()
            .map(|candidate| Likely {
                device: grid.device_id(candidate.device),
                p: short(candidate.p),
                equal: equal(grid, candidate.device, &candidate.equal),
            })
            .collect(),
        loads: incident.loads.iter().map(|&load| grid.load_id(load)).collect(),
        customers: incident.customers,
        confidence: short(incident.confidence),
        explanation: engine.explain(incident),
        restored_at_s: incident.restored_at_ms.map(at_s),
        ask_load: incident.ask.map(|load| grid.load_id(load)),
        updates: told.updates.iter().map(|update| moment(grid, update)).collect(),
    }
}

fn equal<'g>(grid: &'g Network, named: DeviceIx, equal: &[DeviceIx]) -> Vec<&'g str> {
    let mut seen = HashSet::from([named]);
    let others = equal.iter().filter(|&&device| seen.insert(device));
    others.map(|&device| grid.device_id(device)).collect()
}

fn moment<'g>(grid: &'g Network, update: &Update) -> Moment<'g> {
    Moment {
        at_s: at_s(update.at_ms),
        device: update.device.map(|device| grid.device_id(device)),
        p: short(update.p),
    }
}

fn at_s(at_ms: i64) -> f64 {
    at_ms as f64 / 1000.0
}

/// Four digits: more would only pretend.
fn short(p: f64) -> f64 {
    (p * 10_000.0).round() / 10_000.0
}
