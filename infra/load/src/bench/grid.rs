//! The grid of a whole utility in memory: how long it takes to load, whom a device puts out against the same question
//! to Postgres, and how many reports per second the inference reads.

use std::{
    fmt::Write as _,
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use relight_grid::{
    DeviceIx, DeviceKind, Grid, LoadIx, Network, OnBad,
    demo::{Province, province},
    import,
    infer::{Engine, Evidence, Weights, What},
    pack::{AreaClass, Language, Pack, PackDefaults, write_pack},
    snapshot,
};
use sqlx::{Connection, PgConnection};
use tokio::{
    process::{Child, Command},
    time::sleep,
};
use uuid::Uuid;

use super::{Options, Row, affected};
use crate::{
    server::Given,
    statistics::{ms, percentile},
};

const DATABASE: &str = "bench_grid";
/// The first large feeder of the province.
pub(super) const FEEDER: &str = "F0019";
/// A minute of reports, and how many arrive between two decisions.
const REPORTS: usize = 60_000;
const TICK: usize = 100;
/// Faults that the reports are about.
const FAULTS: usize = 1_500;

/// Loads it, asks it, and lets it think.
pub(super) async fn measure(given: &Given, options: &Options) -> anyhow::Result<Vec<Row>> {
    let network = province(Province::default());
    let lengths_m: Vec<Option<f64>> = network.devices.iter().map(|device| device.length_m).collect();
    let file = given.dir.join("province.grid");
    std::fs::write(&file, snapshot::write(&network)?)?;
    let of = format!(
        "{} customers, {} devices, {} buses",
        network.loads.len(),
        network.devices.len(),
        network.buses.len()
    );
    let mut rows = vec![loaded(given, &format!("file to answer: {of}"), &file).await?];
    rows.push(from_pack(given, &network, &of).await?);
    fill(given, &network).await?;
    drop(network);
    let imported = import::open(&file, OnBad::Refuse)?;
    let grid = Arc::new(imported.network.grid(Uuid::nil())?);
    drop(imported);
    std::fs::remove_file(&file)?;
    rows.extend(affected::measure(&given.database(DATABASE)?, options, &grid).await?);
    rows.push(thought(&grid, &lengths_m));
    Ok(rows)
}

/// The same network as a CSV pack, with a customer for each load.
async fn from_pack(given: &Given, network: &Network, of: &str) -> anyhow::Result<Row> {
    let folder = given.dir.join("province");
    let defaults = PackDefaults {
        account_prefix: "bench".to_owned(),
        zone: "Asia/Shanghai".to_owned(),
        org_path: "demo/city".to_owned(),
        area_class: AreaClass::Urban,
        language: Language::ZhCn,
        place: None,
    };
    write_pack(&folder, &Pack::from_network(network, &defaults)?)?;
    let mut bytes = 0;
    for entry in std::fs::read_dir(&folder)? {
        bytes += entry?.metadata()?.len();
    }
    let what = format!("CSV pack of {} MB to answer: {of}", bytes / 1_000_000);
    let row = loaded(given, &what, &folder).await?;
    std::fs::remove_dir_all(&folder)?;
    Ok(row)
}

/// The built binary, from the file to the answer.
async fn loaded(given: &Given, what: &str, file: &Path) -> anyhow::Result<Row> {
    let begun = Instant::now();
    let child = Command::new(&given.relight)
        .args(["grid", "trace", "--json", "--open", &format!("{FEEDER}-CB")])
        .arg(file)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("run relight grid trace")?;
    let (answer, peak_gb) = watched(child).await?;
    let seconds = begun.elapsed().as_secs_f64();
    anyhow::ensure!(
        answer["customers"] == 3_000,
        "the feeder has 3,000 customers: {}",
        answer["customers"]
    );
    Ok(Row::new(
        &format!("`relight grid trace`, {what}"),
        "-",
        format!("{seconds:.1} s, peak {peak_gb:.2} GB"),
        "-",
        "< 30 s, < 2 GB",
    ))
}

/// What a child answers, and its peak memory, looked at until it ends.
async fn watched(child: Child) -> anyhow::Result<(serde_json::Value, f64)> {
    let status = format!("/proc/{}/status", child.id().context("it runs")?);
    let mut output = Box::pin(child.wait_with_output());
    let mut peak_mb: f64 = 0.0;
    loop {
        tokio::select! {
            output = &mut output => {
                let output = output?;
                anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                return Ok((serde_json::from_slice(&output.stdout)?, peak_mb / 1e3));
            }
            () = sleep(Duration::from_millis(10)) => peak_mb = peak_mb.max(megabytes(&status, "VmHWM:")),
        }
    }
}

/// The same network as Postgres would have it: edges away from the source, indexed both ways.
async fn fill(given: &Given, network: &Network) -> anyhow::Result<()> {
    given.make_database(DATABASE).await?;
    let mut conn = PgConnection::connect_with(&given.database(DATABASE)?).await?;
    for table in [
        "create unlogged table edge (device text not null, up text not null, down text not null)",
        "create unlogged table load (id text not null, bus text not null, customers integer not null)",
    ] {
        sqlx::query(table).execute(&mut conn).await?;
    }
    let closed = network.devices.iter().filter(|device| !device.open);
    let edges =
        closed.map(|device| format!("{}\t{}\t{}\n", device.id, device.ends[0].bus, device.ends[1].bus));
    copy(&mut conn, "edge", edges).await?;
    let loads = network.loads.iter();
    let loads = loads.map(|load| format!("{}\t{}\t{}\n", load.id, load.bus, load.customers));
    copy(&mut conn, "load", loads).await?;
    for statement in [
        "create index edge_up on edge (up)",
        "create index edge_device on edge (device)",
        "create index load_bus on load (bus)",
        "vacuum analyze edge",
        "vacuum analyze load",
    ] {
        sqlx::query(statement).execute(&mut conn).await?;
    }
    Ok(())
}

async fn copy(
    conn: &mut PgConnection,
    table: &str,
    rows: impl Iterator<Item = String>,
) -> anyhow::Result<()> {
    let mut into = conn.copy_in_raw(&format!("copy {table} from stdin")).await?;
    let mut text = String::new();
    for row in rows {
        text.push_str(&row);
        if text.len() > 1 << 20 {
            into.send(std::mem::take(&mut text).into_bytes()).await?;
        }
    }
    into.send(text.into_bytes()).await?;
    into.finish().await?;
    Ok(())
}

/// A minute of 1,000 reports per second, decided every tenth of a second.
fn thought(grid: &Arc<Grid>, lengths_m: &[Option<f64>]) -> Row {
    let reports = reports(grid);
    let before_mb = resident_mb();
    let mut engine = Engine::new(Arc::clone(grid), lengths_m, Weights::default());
    let begun = Instant::now();
    let (mut ticks, mut changes) = (Vec::new(), 0);
    for tick in reports.chunks(TICK) {
        let from = Instant::now();
        for &report in tick {
            engine.accept(report);
        }
        changes += engine.decide(tick[tick.len() - 1].at_ms).len();
        ticks.push(from.elapsed());
    }
    let seconds = begun.elapsed().as_secs_f64();
    let mut words = format!(
        "{:.0} reports/s; {TICK} reports and their decisions p50 {} p99 {} most {}",
        reports.len() as f64 / seconds,
        ms(percentile(&ticks, 50.0)),
        ms(percentile(&ticks, 99.0)),
        ms(percentile(&ticks, 100.0))
    );
    write!(
        words,
        "; {} incidents, {changes} changes, +{:.0} MB",
        engine.incidents().len(),
        resident_mb() - before_mb
    )
    .expect("writing to a string");
    Row::new(
        &format!(
            "inference on one thread, {} reports of one minute about {FAULTS} faults",
            reports.len()
        ),
        "-",
        words,
        "-",
        "> 1000/s, p99 < 1 s",
    )
}

/// Calls below devices of all kinds, drawn by a fixed sequence: mostly transformers, some sections and feeders.
fn reports(grid: &Grid) -> Vec<Evidence> {
    let mut draw = Draw(7);
    let of = |wanted: &[DeviceKind]| -> Vec<DeviceIx> {
        grid.devices()
            .filter(|&device| wanted.contains(&grid.device_kind(device)))
            .collect()
    };
    let (small, large) = (of(&[DeviceKind::Fuse]), of(&[DeviceKind::Switch]));
    let faults: Vec<Vec<LoadIx>> = (0..FAULTS)
        .map(|nth| {
            let from = if nth % 5 == 0 { &large } else { &small };
            grid.affected(from[draw.below(from.len())]).dead_loads
        })
        .filter(|loads| !loads.is_empty())
        .collect();
    let customers: Vec<LoadIx> = faults.into_iter().flatten().collect();
    let mut reports: Vec<Evidence> = (0..REPORTS)
        .map(|nth| {
            let at_ms = (nth * 60_000 / REPORTS) as i64;
            Evidence::new(at_ms, What::Call(customers[draw.below(customers.len())]))
        })
        .collect();
    reports.sort_unstable();
    reports
}

/// A linear congruential sequence (Knuth's MMIX).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit
    }
}

fn resident_mb() -> f64 {
    megabytes("/proc/self/status", "VmRSS:")
}

/// A figure of a process, from its status file; zero when it is gone.
fn megabytes(status: &str, figure: &str) -> f64 {
    let status = std::fs::read_to_string(status).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(figure));
    let kib: Option<f64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.unwrap_or_default() * 1024.0 / 1e6
}
