//! `relight simulate`: storms with known truth, to measure the inference by. No server, no database.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use clap::{Args, Subcommand, value_parser};
use relight_grid::{
    Faults, Grid, Network, OnBad, demo, import,
    infer::{Engine, Evidence, Weights, What},
    simulate::{Score, Storm, StormSettings, measure, storm},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::say::say;

/// `relight simulate`
#[derive(Debug, Args)]
pub struct Simulate {
    /// What to simulate.
    #[command(subcommand)]
    pub verb: SimulateVerb,
}

/// `relight simulate ...`
#[derive(Debug, Subcommand)]
pub enum SimulateVerb {
    /// Faults, the calls and meter messages they cause, and how well they are read.
    Storm(StormArgs),
}

/// `relight simulate storm`
#[derive(Debug, Args)]
pub struct StormArgs {
    /// A CSV pack (folder), an OpenDSS script, CIM100 RDF/XML or plain graph JSON, gzipped or not; `demo` is
    /// the made-up town.
    #[arg(long)]
    pub network: PathBuf,
    /// The first storm's seed; the same seed makes the same storm.
    #[arg(long)]
    pub seed: u64,
    /// Storms for every line of the table, with seeds counted up, 1 to 10000.
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u64).range(1..=10_000))]
    pub storms: u64,
    /// Faults that strike in a storm; those that would meet another one in place and time are left out.
    #[arg(long, default_value_t = StormSettings::default().faults)]
    pub faults: u32,
    /// Hours a storm lasts.
    #[arg(long, default_value_t = StormSettings::default().hours)]
    pub hours: f64,
    /// Devices with fewer customers below are left alone.
    #[arg(long, default_value_t = StormSettings::default().customers_min)]
    pub customers_min: u32,
    /// Only this share of affected customers who call, instead of 5, 10, 15, 20 and 40 %.
    #[arg(long)]
    pub call_share: Option<f64>,
    /// Only this share of loads with a meter that talks, instead of 0, 30 and 100 %.
    #[arg(long)]
    pub meters: Option<f64>,
    /// Only this share of loads linked to a wrong transformer, instead of 0, 5 and 10 %.
    #[arg(long)]
    pub wrong_links: Option<f64>,
    /// Reports of nothing per report.
    #[arg(long, default_value_t = StormSettings::default().nonsense_share)]
    pub nonsense: f64,
    /// Share of faults with another one below that shows after the repair.
    #[arg(long, default_value_t = StormSettings::default().nested_share)]
    pub nested: f64,
    /// Times in a storm that a part of the network is fed from another side for a while, where it has ties: 2 if not given, and none
    /// with --write.
    #[arg(long)]
    pub switchings: Option<u32>,
    /// Share of the faults at breakers and reclosers that telemetry reports.
    #[arg(long, default_value_t = StormSettings::default().scada_share)]
    pub scada: f64,
    /// Write the first storm's reports here, for `relight infer`; its truth beside it as FILE.truth.json. Such a
    /// file tells nothing of switching, so nothing is switched in its storm.
    #[arg(long, value_name = "FILE.jsonl")]
    pub write: Option<PathBuf>,
    /// For machines.
    #[arg(long)]
    pub json: bool,
}

/// The town that `relight demo town` makes when it is told no seed.
const DEMO_SEED: u64 = 42;

/// Measures and prints.
///
/// # Errors
/// A network that cannot be read, a number that is out of range.
pub fn run(what: &Simulate) -> anyhow::Result<ExitCode> {
    let SimulateVerb::Storm(what) = &what.verb;
    let network = network(&what.network)?;
    let lengths_m: Vec<Option<f64>> = network.devices.iter().map(|device| device.length_m).collect();
    let grid = Arc::new(network.grid(Uuid::nil())?);
    let rows = rows(what);
    for settings in &rows {
        settings.check().map_err(anyhow::Error::msg)?;
    }
    anyhow::ensure!(
        what.write.is_none() || what.switchings.unwrap_or(0) == 0,
        "--write needs --switchings 0: a file of reports tells nothing of switching"
    );
    if let (Some(path), Some(settings)) = (&what.write, rows.first()) {
        write(path, &grid, &storm(&grid, &lengths_m, settings, what.seed))?;
    }
    if !what.json {
        say!("{HEAD}");
    }
    let mut answers = Vec::new();
    for settings in rows {
        let score = score(&grid, &lengths_m, &settings, what);
        if what.json {
            answers.push(answer(&settings, &score));
        } else {
            say!("{}", line(&settings, &score));
        }
    }
    if what.json {
        say!("{}", serde_json::to_string_pretty(&answers)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn network(path: &Path) -> Result<Network, Faults> {
    if path == Path::new("demo") {
        return Ok(demo::town(DEMO_SEED).network());
    }
    Ok(import::open(path, OnBad::Refuse)?.network)
}

/// The lines of the table: every rate of calling with every coverage on good links, then wrong links.
fn rows(what: &StormArgs) -> Vec<StormSettings> {
    let several = |one: Option<f64>, all: &[f64]| one.map_or_else(|| all.to_vec(), |one| vec![one]);
    let shares = several(what.call_share, &[0.05, 0.1, 0.15, 0.2, 0.4]);
    let coverages = several(what.meters, &[0.0, 0.3, 1.0]);
    let mut rows = Vec::new();
    for wrong_links in several(what.wrong_links, &[0.0, 0.05, 0.1]) {
        for &meter_coverage in &coverages {
            for &call_share in &shares {
                let usual = wrong_links == 0.0 || call_share == 0.15 || shares.len() == 1;
                if usual {
                    rows.push(settings(what, call_share, meter_coverage, wrong_links));
                }
            }
        }
    }
    rows
}

fn settings(what: &StormArgs, call_share: f64, meter_coverage: f64, wrong_links: f64) -> StormSettings {
    let usual = StormSettings::default();
    StormSettings {
        faults: what.faults,
        hours: what.hours,
        customers_min: what.customers_min,
        nonsense_share: what.nonsense,
        nested_share: what.nested,
        switchings: what
            .switchings
            .unwrap_or(if what.write.is_some() { 0 } else { usual.switchings }),
        scada_share: what.scada,
        call_share,
        meter_coverage,
        wrong_links,
        ..usual
    }
}

fn score(grid: &Arc<Grid>, lengths_m: &[Option<f64>], settings: &StormSettings, what: &StormArgs) -> Score {
    let mut score = Score::default();
    let mut engine = Engine::new(Arc::clone(grid), lengths_m, Weights::default());
    for seed in what.seed..what.seed.saturating_add(what.storms) {
        engine.forget();
        score += measure(&mut engine, &storm(grid, lengths_m, settings, seed));
    }
    score
}

const HEAD: &str = "calls  meters  wrong   faults   right  in 10 min  in first 3  wrongly in  wrongly out  \
                    minutes  invented  confidence";

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole * 100.0 } else { 0.0 }
}

fn line(settings: &StormSettings, score: &Score) -> String {
    let faults = f64::from(score.faults);
    let customers = score.customers as f64;
    format!(
        "{:>4.0} %  {:>4.0} %  {:>3.0} %  {:>7}  {:>4.1} %     {:>4.1} %      {:>4.1} %      {:>4.1} %       \
         {:>4.1} %  {:>7.1}  {:>8}      {:>4.1} %",
        settings.call_share * 100.0,
        settings.meter_coverage * 100.0,
        settings.wrong_links * 100.0,
        score.faults,
        share(f64::from(score.right), faults),
        share(f64::from(score.right_in_10_min), faults),
        share(f64::from(score.right_in_3), faults),
        share(score.wrongly_in as f64, customers),
        share(score.wrongly_out as f64, customers),
        score.minutes / f64::from(score.right.max(1)),
        score.invented,
        share(score.confidence, faults),
    )
}

fn answer(settings: &StormSettings, score: &Score) -> Value {
    json!({
        "call_share": settings.call_share,
        "meter_coverage": settings.meter_coverage,
        "wrong_links": settings.wrong_links,
        "scada_share": settings.scada_share,
        "faults": score.faults,
        "right": score.right,
        "right_in_10_min": score.right_in_10_min,
        "right_in_3": score.right_in_3,
        "missed": score.missed,
        "customers": score.customers,
        "customers_wrongly_in": score.wrongly_in,
        "customers_wrongly_out": score.wrongly_out,
        "minutes_to_right": score.minutes / f64::from(score.right.max(1)),
        "incidents_invented": score.invented,
        "confidence": score.confidence / f64::from(score.faults.max(1)),
    })
}

fn write(path: &PathBuf, grid: &Grid, storm: &Storm) -> anyhow::Result<()> {
    let lines: Vec<String> = storm
        .evidence
        .iter()
        .map(|evidence| report(grid, evidence).to_string())
        .collect();
    fs::write(path, lines.join("\n") + "\n")
        .with_context(|| format!("{} cannot be written", path.display()))?;
    let truth: Vec<Value> = storm
        .faults
        .iter()
        .map(|fault| {
            json!({
                "device": grid.device_id(fault.device),
                "at_s": fault.at_ms as f64 / 1000.0,
                "end_s": fault.end_ms as f64 / 1000.0,
                "nested": fault.nested,
                "loads": fault.loads.iter().map(|&load| grid.load_id(load)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let beside = PathBuf::from(format!("{}.truth.json", path.display()));
    fs::write(&beside, serde_json::to_string_pretty(&truth)?)
        .with_context(|| format!("{} cannot be written", beside.display()))
}

/// One line as `relight infer` reads it.
fn report(grid: &Grid, evidence: &Evidence) -> Value {
    let at_s = evidence.at_ms as f64 / 1000.0;
    let (kind, load) = match evidence.what {
        What::Call(load) => ("call", load),
        What::LastGasp(load) => ("last_gasp", load),
        What::PingOff(load) => ("ping_off", load),
        What::PingOn(load) => ("ping_on", load),
        What::ScadaOpen(device) => {
            return json!({"at_s": at_s, "kind": "scada_open", "device": grid.device_id(device)});
        }
    };
    json!({"at_s": at_s, "kind": kind, "load": grid.load_id(load)})
}
