//! Relight against peers on the same machine in the same run: rounds in turn, medians, one table at the end.

mod affected;
mod arrears;
mod desks;
mod events;
mod floor;
mod grid;
mod grouping;
mod pgbench;
mod planned;
mod positions;
mod postgis;
mod recommend;
mod remote;
mod reports;
mod served;
mod start;
mod storm;

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;

use crate::{
    server::{Given, Starter},
    table::Table,
};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Item {
    /// From the built binary to the first accepted report; memory at rest.
    Start,
    /// Durable reports through the gateway.
    Reports,
    /// From the commit to the effect in a consumer.
    Events,
    /// From the commit of a report to that of its incident.
    Grouping,
    /// Who can be at the work first, and position fixes.
    Recommend,
    /// A utility of a million customers in memory: load, whom a device puts out, inference.
    Grid,
    /// A night of balances over all accounts, and payments that end cases.
    Arrears,
    /// An outage of 100,000 customers planned, and its gate.
    Planned,
    /// A real storm lived through again, and what was lost of it.
    Storm,
}

/// Options of `bench`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// What to measure; everything when left out.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<Item>,
    /// Rounds of which the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub rounds: u8,
    /// Seconds of one round.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(2..=60))]
    pub seconds: u64,
    /// Towns of about 5,000 customers; every report has an account of its own.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=40))]
    pub towns: u64,
    /// Connections that report at one time.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=256))]
    pub connections: u64,
    /// Accounts a night's feed of `arrears` goes over.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=5_000_000))]
    pub accounts: u64,
    /// Customers the outage of `planned` interrupts, about.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(5_000..=200_000))]
    pub customers: u64,
    /// History of the outage map that `storm` lives through.
    #[arg(long, default_value = "../shared/data/incidents/storm-2024-02.jsonl.gz")]
    pub storm: PathBuf,
    /// How many times faster than it was.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub speed: u32,
    /// Seconds at rest before memory is read.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub idle_s: u64,
}

impl Options {
    fn wants(&self, item: Item) -> bool {
        self.only.is_empty() || self.only.contains(&item)
    }

    fn round(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn towns(&self) -> usize {
        usize::try_from(self.towns).expect("at most 40")
    }

    fn connections(&self) -> usize {
        usize::try_from(self.connections).expect("at most 256")
    }
}

/// One line of the result.
#[derive(Debug, Clone)]
pub struct Row {
    what: String,
    peer: String,
    measured: String,
    ratio: String,
    aim: String,
}

impl Row {
    fn new(
        what: &str,
        peer: impl Into<String>,
        measured: impl Into<String>,
        ratio: impl Into<String>,
        aim: &str,
    ) -> Self {
        Self {
            what: what.to_owned(),
            peer: peer.into(),
            measured: measured.into(),
            ratio: ratio.into(),
            aim: aim.to_owned(),
        }
    }
}

/// Measures, and prints the table.
///
/// # Errors
/// When something that is measured does not work.
pub async fn run(given: &Given, options: &Options) -> anyhow::Result<()> {
    let starter = Starter::new(given);
    println!("{}", machine(given).await?);
    let mut rows = Vec::new();
    if options.wants(Item::Start) {
        rows.extend(start::measure(given, options).await?);
    }
    if options.wants(Item::Reports) {
        rows.extend(reports::measure(given, options).await?);
    }
    if options.wants(Item::Events) {
        rows.push(events::measure(given, options, &starter).await?);
    }
    if options.wants(Item::Grouping) {
        rows.push(grouping::measure(given, options, &starter).await?);
    }
    if options.wants(Item::Recommend) {
        rows.extend(recommend::measure(given, options).await?);
    }
    if options.wants(Item::Arrears) {
        rows.extend(arrears::measure(given, options, &starter).await?);
    }
    if options.wants(Item::Planned) {
        rows.extend(planned::measure(given, options).await?);
    }
    if options.wants(Item::Storm) {
        rows.extend(storm::measure(given, options).await?);
    }
    if options.wants(Item::Grid) {
        rows.extend(grid::measure(given, options).await?);
    }
    let mut table = Table::new(&["what", "peer in the same run", "measured", "ratio", "aim"]);
    for Row {
        what,
        peer,
        measured,
        ratio,
        aim,
    } in rows
    {
        table.row([what, peer, measured, ratio, aim]);
    }
    println!("\n{table}");
    Ok(())
}

/// What it runs on, so that the numbers mean something.
async fn machine(given: &Given) -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism()?;
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total_kib: u64 = memory
        .lines()
        .find_map(|line| {
            line.strip_prefix("MemTotal:")?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        })
        .unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut admin = given.admin().await?;
    let mut shown = Vec::new();
    for name in [
        "server_version",
        "fsync",
        "synchronous_commit",
        "full_page_writes",
    ] {
        let value: String = sqlx::query_scalar("select current_setting($1)")
            .bind(name)
            .fetch_one(&mut admin)
            .await?;
        shown.push(format!("{name} {value}"));
    }
    Ok(format!(
        "machine: {cores} cores, {:.1} GB, load before {}; Postgres: {}; driver, servers and relight on it together",
        total_kib as f64 / 1_048_576.0,
        load.split_whitespace().next().unwrap_or("unknown"),
        shown.join(", ")
    ))
}
