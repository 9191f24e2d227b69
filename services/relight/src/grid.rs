//! `relight grid`: questions to a network file, for engineers at a terminal. No server, no database.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use relight_grid::{
    DeviceIx, DeviceKind, Diff, Faults, Grid as Network, LoadIx, Lookup, OnBad, Report,
    import::{self, Imported},
};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::say::{say, write};

/// `relight grid`
#[derive(Debug, Args)]
pub struct Grid {
    /// What to ask.
    #[command(subcommand)]
    pub verb: GridVerb,
}

/// `relight grid ...`
#[derive(Debug, Subcommand)]
pub enum GridVerb {
    /// Who is off when some devices are opened and others closed.
    Trace(Trace),
    /// What a load hangs on: every device whose opening alone puts it out, from the source to the load.
    Upstream(Upstream),
    /// What there is in a network, and what is doubtful about it.
    Report(ReportArgs),
}

/// The network a question is put to.
#[derive(Debug, Args)]
pub struct File {
    /// A CSV pack (folder), an OpenDSS script, CIM100 RDF/XML or plain graph JSON; gzipped or not.
    pub network: PathBuf,
    /// For machines.
    #[arg(long)]
    pub json: bool,
}

/// `relight grid trace`
#[derive(Debug, Args)]
pub struct Trace {
    #[command(flatten)]
    file: File,
    /// A device to open; may be given several times.
    #[arg(long, value_name = "ID")]
    open: Vec<String>,
    /// A device to put in service and close; may be given several times. Opening wins over closing.
    #[arg(long, value_name = "ID")]
    close: Vec<String>,
    /// Leave bad rows out instead of refusing the network.
    #[arg(long)]
    skip_bad: bool,
}

/// `relight grid upstream`
#[derive(Debug, Args)]
pub struct Upstream {
    #[command(flatten)]
    file: File,
    /// The load in question.
    #[arg(long, value_name = "ID")]
    load: String,
    /// Leave bad rows out instead of refusing the network.
    #[arg(long)]
    skip_bad: bool,
}

/// `relight grid report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    file: File,
    /// The version in use: what the network would change in it.
    #[arg(long, value_name = "OTHER")]
    against: Option<PathBuf>,
}

/// Answers one question.
///
/// # Errors
/// Bad rows, each with file and line; an id the network does not have.
pub fn run(grid: &Grid) -> anyhow::Result<ExitCode> {
    match &grid.verb {
        GridVerb::Trace(what) => trace(what),
        GridVerb::Upstream(what) => upstream(what),
        GridVerb::Report(what) => report(what),
    }
}

fn trace(what: &Trace) -> anyhow::Result<ExitCode> {
    let Some((imported, grid)) = read(&what.file.network, what.skip_bad)? else {
        return Ok(ExitCode::FAILURE);
    };
    tell(&imported);
    let lookup = Lookup::new(&grid, &imported);
    let opened = named(&lookup, "--open", &what.open)?;
    let closed = named(&lookup, "--close", &what.close)?;
    let dead = grid.dead(&opened, &closed);
    let answer = Traced {
        dead_loads: ids(&grid, &dead.dead_loads),
        partly_dead_loads: ids(&grid, &dead.partly_dead_loads),
        customers: dead.customers,
    };
    if what.file.json {
        return print_json(&answer);
    }
    say!(
        "{} load(s) off, {} customer(s); {} load(s) without some of their phases",
        answer.dead_loads.len(),
        answer.customers,
        answer.partly_dead_loads.len()
    );
    answer.dead_loads.iter().for_each(|id| say!("off     {id}"));
    answer
        .partly_dead_loads
        .iter()
        .for_each(|id| say!("partly  {id}"));
    Ok(ExitCode::SUCCESS)
}

/// Answer of `trace`; loads in the order of their ids.
#[derive(Serialize)]
struct Traced {
    dead_loads: Vec<String>,
    partly_dead_loads: Vec<String>,
    customers: u64,
}

fn upstream(what: &Upstream) -> anyhow::Result<ExitCode> {
    let Some((imported, grid)) = read(&what.file.network, what.skip_bad)? else {
        return Ok(ExitCode::FAILURE);
    };
    tell(&imported);
    let load = Lookup::new(&grid, &imported)
        .load(&what.load)
        .map_err(|unknown| anyhow::anyhow!("--load: {unknown}"))?;
    let points = grid.single_points_of_failure(load);
    let is_fed = !grid.normal_supply().path(load).is_empty() || is_at_source(&grid, load);
    if what.file.json {
        let id = |device: &DeviceIx| grid.device_id(*device).to_owned();
        let switches = points
            .iter()
            .filter(|&&device| grid.device_kind(device).is_switching());
        let transformer = points
            .iter()
            .rev()
            .find(|&&device| grid.device_kind(device) == DeviceKind::Transformer);
        return print_json(&json!({
            "load": grid.load_id(load),
            "supplied": is_fed,
            "single_points_of_failure": points.iter().map(id).collect::<Vec<_>>(),
            "switches": switches.map(id).collect::<Vec<_>>(),
            "transformer": transformer.map(id),
        }));
    }
    match (is_fed, points.is_empty()) {
        (false, _) => say!("{} has no supply in the normal state", grid.load_id(load)),
        (true, true) => say!("no single device puts {} out", grid.load_id(load)),
        (true, false) => say!("{} hangs on, from the source to the load:", grid.load_id(load)),
    }
    for device in points {
        say!(
            "{:<12} {}",
            grid.device_kind(device).as_str(),
            grid.device_id(device)
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Does a load hang right on a bus that is fed from outside: no device is on its way, yet it has supply.
fn is_at_source(grid: &Network, load: LoadIx) -> bool {
    grid.dead(&[], &[]).dead_loads.binary_search(&load).is_err()
}

/// Rows that cannot stand are part of the answer here, and make the exit code 1: the data is bad.
fn report(what: &ReportArgs) -> anyhow::Result<ExitCode> {
    let Some((imported, grid)) = read(&what.file.network, true)? else {
        return Ok(ExitCode::FAILURE);
    };
    let report = Report::new(&imported, &grid);
    let code = if report.faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    let diff = match &what.against {
        None => None,
        Some(path) => match read(path, true)? {
            None => return Ok(ExitCode::FAILURE),
            Some((other, other_grid)) => Some(Diff::new(
                (&other.network, &other_grid),
                (&imported.network, &grid),
            )),
        },
    };
    if what.file.json {
        let mut answer = serde_json::to_value(&report)?;
        if let (Some(diff), Some(fields)) = (&diff, answer.as_object_mut()) {
            fields.insert("against".to_owned(), serde_json::to_value(diff)?);
        }
        print_json(&answer)?;
        return Ok(code);
    }
    write(format_args!("{report}"));
    if let (Some(diff), Some(path)) = (&diff, &what.against) {
        write(format_args!("against {}\n{diff}", path.display()));
    }
    Ok(code)
}

/// What a reader left out, passed over and assumed, on standard error: the answer stays alone on standard output.
pub fn tell(imported: &Imported) {
    for fault in &imported.skipped {
        eprintln!("left out: {fault}");
    }
    for note in &imported.notes {
        eprintln!("note: {note}");
    }
}

/// The network with its grid; none when it is refused, which has been said.
fn read(path: &std::path::Path, skip_bad: bool) -> anyhow::Result<Option<(Imported, Network)>> {
    let on_bad = if skip_bad { OnBad::Skip } else { OnBad::Refuse };
    let read = import::open(path, on_bad)
        .and_then(|imported| imported.network.grid(Uuid::nil()).map(|grid| (imported, grid)));
    match read {
        Ok(read) => Ok(Some(read)),
        Err(Faults(faults)) => {
            faults.iter().for_each(|fault| eprintln!("{fault}"));
            eprintln!(
                "relight: {} cannot be used: {} fault(s)",
                path.display(),
                faults.len()
            );
            Ok(None)
        }
    }
}

fn named(lookup: &Lookup<'_>, option: &str, given: &[String]) -> anyhow::Result<Vec<DeviceIx>> {
    let mut devices = Vec::new();
    for id in given {
        let found = lookup
            .devices(id)
            .map_err(|unknown| anyhow::anyhow!("{option}: {unknown}"))?;
        devices.extend(found);
    }
    Ok(devices)
}

fn ids(grid: &Network, loads: &[LoadIx]) -> Vec<String> {
    let mut ids: Vec<String> = loads.iter().map(|&load| grid.load_id(load).to_owned()).collect();
    ids.sort();
    ids
}

fn print_json(answer: &impl Serialize) -> anyhow::Result<ExitCode> {
    say!("{}", serde_json::to_string(answer)?);
    Ok(ExitCode::SUCCESS)
}
