//! One file is both default and manual (`config.default.toml`); the environment overrides; all faults are reported at once.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, str::FromStr};

use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use serde::Deserialize;
use sqlx::postgres::PgConnectOptions;

use crate::{
    error::{Error, Invalid},
    secrets::Secrets,
};

/// The default configuration with its words; also printed by `relight doctor --config`.
pub const DEFAULT: &str = include_str!("../config.default.toml");

/// Settings every process has. Services read sections of their own with [`section`].
#[derive(Debug, Clone, Deserialize)]
pub struct Settings {
    /// Where files (attachments, exports) lie.
    pub data_dir: PathBuf,
    /// Where secrets lie; see [`Secrets`].
    pub secrets_dir: PathBuf,
    /// Postgres.
    pub database: Database,
    /// Redis.
    pub redis: Redis,
    /// gRPC between the roles.
    pub grpc: Grpc,
    /// Logs, traces and metrics.
    pub telemetry: Telemetry,
}

/// Postgres.
#[derive(Debug, Clone, Deserialize)]
pub struct Database {
    /// URL of the owner role.
    pub url: String,
    /// Connections per service.
    pub pool_size: u32,
    /// Folder of `db-SERVICE.password`; filled from `secrets_dir`.
    #[serde(skip)]
    pub passwords: Option<PathBuf>,
}

impl Database {
    /// Connection options of a service: its own role when its password is on file, else the owner (a fallback that
    /// `doctor` warns about).
    ///
    /// # Errors
    /// [`Error::Invalid`] when the URL is none.
    pub fn options(&self, service: &str) -> Result<PgConnectOptions, Error> {
        let owner = self.owner()?;
        let password = self
            .passwords
            .as_deref()
            .and_then(|dir| Secrets::database_password(dir, service));
        Ok(match password {
            Some(password) => owner.username(&format!("relight_{service}")).password(&password),
            None => owner,
        }
        .application_name(&format!("relight-{service}")))
    }

    /// Connection options of the owner role.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the URL is none.
    pub fn owner(&self) -> Result<PgConnectOptions, Error> {
        PgConnectOptions::from_str(&self.url).map_err(|_| {
            Invalid::new(
                "database.url",
                "must be a URL such as postgres://relight@127.0.0.1:5432/relight",
            )
            .into()
        })
    }
}

/// Redis.
#[derive(Debug, Clone, Deserialize)]
pub struct Redis {
    /// `redis://127.0.0.1:6379`
    pub url: String,
    /// Prefix of every key; separates deployments that share a server, raised by `relight restore`.
    pub namespace: String,
}

/// gRPC between the roles.
#[derive(Debug, Clone, Deserialize)]
pub struct Grpc {
    /// mTLS with the certificates of `secrets_dir`; off only inside one process.
    pub tls: bool,
    /// Where each role listens when served alone.
    pub listen: BTreeMap<String, SocketAddr>,
    /// Where each role is found.
    pub peers: BTreeMap<String, String>,
}

/// Logs, traces and metrics.
#[derive(Debug, Clone, Deserialize)]
pub struct Telemetry {
    /// Filter such as `info,relight_dispatch=debug`.
    pub log: String,
    /// Lines for people or for machines.
    pub format: LogFormat,
    /// OTLP endpoint (gRPC) such as `http://127.0.0.1:4317`; none = no traces.
    #[serde(default)]
    pub otlp: Option<String>,
    /// Where metrics and health are served apart from the public ports, such as `127.0.0.1:7100`; empty = nowhere.
    #[serde(default)]
    pub metrics_listen: String,
}

impl Telemetry {
    /// The address of `metrics_listen`, if there is one.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no address.
    pub fn metrics_address(&self) -> Result<Option<SocketAddr>, Error> {
        if self.metrics_listen.is_empty() {
            return Ok(None);
        }
        let must = "must be an address such as 127.0.0.1:7100, or empty";
        let address = self.metrics_listen.parse();
        address
            .map(Some)
            .map_err(|_| Invalid::new("telemetry.metrics_listen", must).into())
    }
}

/// Form of the log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Names set by people's hands: `RELIGHT_DATABASE_URL` is shorter than `RELIGHT_DATABASE__URL`.
const SHORT: [(&str, &str); 2] = [("database_url", "database.url"), ("redis_url", "redis.url")];

/// The default, the file named by `RELIGHT_CONFIG`, then the environment (`RELIGHT_SECTION__KEY`).
pub fn figment() -> Figment {
    let file = std::env::var("RELIGHT_CONFIG").unwrap_or_default();
    let environment = Env::prefixed("RELIGHT_")
        .filter(|key| {
            !["config", "test_", "prepare_"]
                .iter()
                .any(|ours| key.as_str().to_ascii_lowercase().starts_with(ours))
        })
        .map(|key| {
            let key = key.as_str().to_ascii_lowercase();
            let short = SHORT.iter().find(|(short, _)| *short == key);
            short
                .map_or_else(|| key.replace("__", "."), |(_, long)| (*long).to_owned())
                .into()
        });
    let figment = Figment::from(Toml::string(DEFAULT));
    let figment = if file.is_empty() {
        figment
    } else {
        figment.merge(Toml::file_exact(file))
    };
    figment.merge(environment)
}

/// Reads and checks the settings every process has.
///
/// # Errors
/// Names every key that is wrong.
pub fn load() -> anyhow::Result<Settings> {
    let mut settings: Settings = figment().extract()?;
    let mut faults = Vec::new();
    if settings.database.url.is_empty() {
        faults.push("database.url is empty: set RELIGHT_DATABASE_URL");
    }
    if !(1..=200).contains(&settings.database.pool_size) {
        faults.push("database.pool_size must be from 1 to 200");
    }
    if redis::Client::open(settings.redis.url.as_str()).is_err() {
        faults.push("redis.url must be a URL such as redis://127.0.0.1:6379");
    }
    let metrics = settings.telemetry.metrics_address().map_err(|e| e.to_string());
    if let Err(fault) = &metrics {
        faults.push(fault);
    }
    anyhow::ensure!(
        faults.is_empty(),
        "the configuration has faults:\n  {}",
        faults.join("\n  ")
    );
    settings.database.passwords = Some(settings.secrets_dir.clone());
    Ok(settings)
}

/// Reads a section of a service, for instance `section::<Sms>("sms")`.
///
/// # Errors
/// Names the key that is wrong.
pub fn section<'a, T: Deserialize<'a>>(name: &str) -> anyhow::Result<T> {
    Ok(figment().extract_inner(name)?)
}
