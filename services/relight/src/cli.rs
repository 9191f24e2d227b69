//! The table of verbs.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, builder::PossibleValuesParser, value_parser};
use relight_common::secrets::SERVICES;
use relight_grid::Position;

use crate::rooms::EDGES;

/// Field-crew dispatch and outage notification for electricity utilities.
#[derive(Debug, Parser)]
#[command(name = "relight", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What `relight` can do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run all roles in one process.
    Up(Up),
    /// Run some roles: access, registry, intake, dispatch, planner, arrears, notify, insight, gateway, mobile-api.
    Serve(Serve),
    /// Bring the schemas up to date and give each service its own database role.
    Migrate,
    /// Import a network with its customers.
    Import(Import),
    /// Ask a network file who is off when a device opens, what a load hangs on, and what is doubtful.
    Grid(crate::grid::Grid),
    /// Tell from reports which devices opened; nothing is stored.
    Infer(crate::infer::Infer),
    /// Make storms with known truth and measure.
    Simulate(crate::simulate::Simulate),
    /// People who sign in.
    Account(Account),
    /// Say in words what is missing or wrong.
    Doctor(Doctor),
    /// Look after events.
    Events(Events),
    /// The promises of law and company: lint packs, ask them questions.
    Policy(Policy),
    /// A made-up town to try things in.
    Demo(Demo),
}

/// `relight up`
#[derive(Debug, Args)]
pub struct Up {
    /// Where the gateway listens instead of http.listen.
    #[arg(long)]
    pub http: Option<SocketAddr>,
    /// Where the crew edge listens instead of mobile.listen.
    #[arg(long)]
    pub mobile: Option<SocketAddr>,
}

/// `relight serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// Roles, separated by commas.
    #[arg(long, value_delimiter = ',', required = true, value_parser = served())]
    pub role: Vec<String>,
}

/// `relight import`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub struct Import {
    /// Folder of a CSV pack (docs/csv-pack.md).
    #[arg(long, group = "source")]
    pub pack: Option<PathBuf>,
    /// A network in any form: CSV pack, OpenDSS, CIM100 RDF/XML, plain graph JSON or a snapshot, gzipped or not.
    #[arg(long, group = "source")]
    pub network: Option<PathBuf>,
    /// Entry file of an OpenDSS network.
    #[arg(long, group = "source")]
    pub opendss: Option<PathBuf>,
    /// Plain graph JSON, gzipped or not.
    #[arg(long, group = "source")]
    pub graph: Option<PathBuf>,
    /// Org path for networks that have none.
    #[arg(long, default_value = "demo/city/east")]
    pub org_path: String,
    /// IANA zone for networks that have none.
    #[arg(long, default_value = "Asia/Shanghai")]
    pub zone: String,
    /// Accounts are made as PREFIX-LOAD for networks that have none.
    #[arg(long, default_value = "demo")]
    pub account_prefix: String,
    /// Where loads are put that have no position, nor anything near them: LONGITUDE,LATITUDE in WGS84 degrees.
    #[arg(long, value_name = "LON,LAT", value_parser = place, allow_hyphen_values = true)]
    pub place: Option<Position>,
    /// Leave bad rows out instead of importing nothing.
    #[arg(long)]
    pub skip_bad: bool,
    /// Import nothing: tell what is doubtful in the data, and what would change against the current version.
    #[arg(long)]
    pub dry_run: bool,
    /// Import although more than a tenth of the service points or devices would be gone or without supply.
    #[arg(long)]
    pub yes: bool,
    /// With --dry-run: for machines, with every row.
    #[arg(long, requires = "dry_run")]
    pub json: bool,
}

/// `relight account`
#[derive(Debug, Args)]
pub struct Account {
    /// What about accounts.
    #[command(subcommand)]
    pub verb: AccountVerb,
}

/// `relight account ...`
#[derive(Debug, Subcommand)]
pub enum AccountVerb {
    /// Make an account or change it; the first administrator is made this way.
    Put(PutAccount),
}

/// `relight account put`
#[derive(Debug, Args)]
pub struct PutAccount {
    /// Log-in name.
    #[arg(long)]
    pub login: String,
    /// What the person does.
    #[arg(long, value_parser = ["admin", "dispatcher", "agent", "unit_desk", "crew", "planner", "manager", "control_room", "scada"])]
    pub role: String,
    /// Where the role holds: an org path and all below it; everywhere when left out.
    #[arg(long, default_value = "")]
    pub org_path: String,
    /// Name shown to others; the log-in name when left out.
    #[arg(long)]
    pub name: Option<String>,
    /// Password; read from standard input when left out, so that it shows in no process list.
    #[arg(long)]
    pub password: Option<String>,
    /// The unit of a unit desk.
    #[arg(long)]
    pub unit: Option<uuid::Uuid>,
    /// The crew of a crew's phone.
    #[arg(long)]
    pub crew: Option<uuid::Uuid>,
}

/// `relight doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// Make what is missing in this folder: keys, passwords, certificates.
    #[arg(long, value_name = "DIR")]
    pub make_secrets: Option<PathBuf>,
    /// Print the default configuration, which is also the manual.
    #[arg(long)]
    pub config: bool,
    /// For machines.
    #[arg(long)]
    pub json: bool,
}

/// `relight events`
#[derive(Debug, Args)]
pub struct Events {
    /// What about events.
    #[command(subcommand)]
    pub verb: EventsVerb,
}

/// `relight events ...`
#[derive(Debug, Subcommand)]
pub enum EventsVerb {
    /// Events that could not be applied, and those that wait behind them.
    Dead {
        /// What about them.
        #[command(subcommand)]
        verb: DeadVerb,
    },
}

/// `relight events dead ...`
#[derive(Debug, Subcommand)]
pub enum DeadVerb {
    /// All that are parked, of all services.
    List {
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// One aggregate's parked events with their reasons.
    Show {
        /// The aggregate's id as `list` shows it.
        subject: String,
    },
    /// Ask the readers to apply parked events again, oldest first.
    Retry {
        /// One aggregate; everything when left out.
        subject: Option<String>,
    },
}

/// `relight policy`
#[derive(Debug, Args)]
pub struct Policy {
    /// What about packs.
    #[command(subcommand)]
    pub verb: PolicyVerb,
}

/// `relight policy ...`
#[derive(Debug, Subcommand)]
pub enum PolicyVerb {
    /// Say what is wrong with packs.
    Check {
        /// Files (ending in .toml) or names of packs; every pack there is when left out.
        what: Vec<String>,
        /// Folder with packs, overlays and calendars of your own, beside those that ship.
        #[arg(long)]
        folder: Option<PathBuf>,
        /// For machines: one fault a line.
        #[arg(long)]
        json: bool,
    },
    /// Answer a question: may I, by when, which notice; with the rule, its source and the arithmetic.
    Explain(Explain),
}

/// `relight policy explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// Name of the pack, such as CN-SGCC, or a file ending in .toml; with overlays: CN-CSG+CN-LOCAL-1H, CN-CSG+./city.toml.
    pub pack: String,
    /// Folder with packs, overlays and calendars of your own, beside those that ship.
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// The question, such as planned.start (docs/policy.md lists them with their keys).
    pub question: String,
    /// A fact, repeated: times as RFC 3339, dates as 2026-03-01; zone=... overrides the pack's zone.
    #[arg(long, value_name = "KEY=VALUE", value_parser = fact)]
    pub set: Vec<(String, String)>,
    /// For machines.
    #[arg(long)]
    pub json: bool,
}

/// `relight demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// What about the town.
    #[command(subcommand)]
    pub verb: DemoVerb,
}

/// `relight demo ...`
#[derive(Debug, Subcommand)]
pub enum DemoVerb {
    /// Load the town when there is nothing yet.
    Town {
        /// Another seed is another town.
        #[arg(long, default_value_t = 42)]
        seed: u64,
    },
    /// A log-in for every role.
    Logins {
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Move the crews along the streets, through the crew edge, until stopped.
    Drive {
        /// Address of the crew edge; where mobile.listen says when left out.
        #[arg(long)]
        mobile: Option<String>,
        /// Seed of the town.
        #[arg(long, default_value_t = 42)]
        seed: u64,
    },
    /// Let a storm break over the town: faults on lines and fuses, and the calls they cause.
    Storm {
        /// Address of the gateway; where http.listen says when left out.
        #[arg(long)]
        gateway: Option<String>,
        /// Seed of the town.
        #[arg(long, default_value_t = 42)]
        seed: u64,
        /// Faults that strike, 1 to 500.
        #[arg(long, default_value_t = 8, value_parser = value_parser!(u16).range(1..=500))]
        faults: u16,
        /// Minutes from the first call to the last, 0 to 600.
        #[arg(long, default_value_t = 10.0, value_parser = minutes)]
        minutes: f64,
    },
}

/// The roles a process can serve.
fn served() -> PossibleValuesParser {
    PossibleValuesParser::new(SERVICES.into_iter().chain(EDGES))
}

fn fact(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| "must be KEY=VALUE such as off_at=2026-03-08T09:00:00+08:00".to_owned())?;
    Ok((key.to_owned(), value.to_owned()))
}

fn place(text: &str) -> Result<Position, String> {
    let numbers = text.split_once(',').and_then(|(lon, lat)| {
        let number = |text: &str| text.trim().parse::<f64>().ok();
        Position::new(number(lon)?, number(lat)?)
    });
    numbers.ok_or_else(|| "must be LONGITUDE,LATITUDE in degrees such as 120.15,30.27".to_owned())
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: Option<f64> = text.parse().ok();
    minutes
        .filter(|minutes| (0.0..=600.0).contains(minutes))
        .ok_or_else(|| "must be a number from 0 to 600".to_owned())
}
