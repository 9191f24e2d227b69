//! The servers this run was given, and asking whoever started them to restart one.
//!
//! Postgres runs as another user than we may, so its starter (`cargo xtask`) restarts it: we print a line
//! `>> postgres restart`, it answers `done` or `failed WHY` on our standard input.

use std::{path::PathBuf, str::FromStr};

use anyhow::{Context, bail};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines, Stdin},
    sync::Mutex,
};

/// Begins a line that asks the starter for something.
pub const ASK: &str = ">> ";

/// What can be asked of the starter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Stop Postgres (sessions are ended) and start it again on the same port.
    PostgresRestart,
    /// Let Postgres die on the spot and start it again: it recovers from its log.
    PostgresCrash,
    /// Kill Redis; it loses everything.
    RedisStop,
    /// Start Redis again on the same port, empty.
    RedisStart,
}

impl Ask {
    fn words(self) -> &'static str {
        match self {
            Ask::PostgresRestart => "postgres restart",
            Ask::PostgresCrash => "postgres crash",
            Ask::RedisStop => "redis stop",
            Ask::RedisStart => "redis start",
        }
    }
}

/// Options every verb has.
#[derive(Debug, Clone, clap::Args)]
pub struct Given {
    /// The `relight` binary.
    #[arg(long)]
    pub relight: PathBuf,
    /// Folder for logs, secrets and packs.
    #[arg(long)]
    pub dir: PathBuf,
    /// Postgres as an administrator who may create databases and roles.
    #[arg(long, env = "RELIGHT_TEST_DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// A Redis of our own: it is flushed.
    #[arg(long, env = "RELIGHT_TEST_REDIS_URL", hide_env_values = true)]
    pub redis_url: String,
    /// Folder of `pgbench`.
    #[arg(long, env = "RELIGHT_TEST_PG_BIN")]
    pub pg_bin: PathBuf,
    /// Nobody answers on standard input: servers are not restarted.
    #[arg(long)]
    pub alone: bool,
}

impl Given {
    /// Options of one database as the administrator.
    ///
    /// # Errors
    /// When the URL is none.
    pub fn database(&self, name: &str) -> anyhow::Result<PgConnectOptions> {
        Ok(PgConnectOptions::from_str(&self.database_url)
            .context(
                "RELIGHT_TEST_DATABASE_URL is not a URL such as postgres://relight@127.0.0.1:5432/postgres",
            )?
            .database(name))
    }

    /// The URL of one database as the administrator.
    pub fn database_url_of(&self, name: &str) -> String {
        let base = self.database_url.rsplit_once('/').map_or("", |(base, _)| base);
        format!("{base}/{name}")
    }

    /// An empty database of this name; one from before is dropped.
    ///
    /// # Errors
    /// When the server does not answer or refuses.
    pub async fn make_database(&self, name: &str) -> anyhow::Result<()> {
        let mut admin = self.admin().await?;
        for statement in [
            format!("drop database if exists {name} with (force)"),
            format!("create database {name}"),
        ] {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut admin).await?;
        }
        Ok(())
    }

    /// A connection as the administrator.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn admin(&self) -> anyhow::Result<PgConnection> {
        PgConnection::connect_with(&self.database("postgres")?)
            .await
            .context("Postgres does not answer")
    }
}

/// Whoever started our servers.
pub struct Starter {
    answers: Mutex<Lines<BufReader<Stdin>>>,
    alone: bool,
}

impl Starter {
    /// The starter of this run.
    pub fn new(given: &Given) -> Self {
        Self {
            answers: Mutex::new(BufReader::new(tokio::io::stdin()).lines()),
            alone: given.alone,
        }
    }

    /// Whether servers can be restarted.
    pub fn is_there(&self) -> bool {
        !self.alone
    }

    /// Asks, and waits until it is done.
    ///
    /// # Errors
    /// When it failed or nobody answers.
    pub async fn ask(&self, what: Ask) -> anyhow::Result<()> {
        let mut answers = self.answers.lock().await;
        println!("{ASK}{}", what.words());
        match answers.next_line().await?.as_deref() {
            Some("done") => Ok(()),
            Some(other) => bail!("{}: {other}", what.words()),
            None => bail!(
                "{}: nobody answers on standard input; use --alone without a starter",
                what.words()
            ),
        }
    }
}
