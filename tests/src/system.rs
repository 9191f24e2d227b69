//! A whole Relight of one test: a database and a Redis namespace of its own, receivers for texts, mails and spans.

use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use relight_common::secrets::SERVICES;
use relight_testkit::{database, otlp::OtlpSink, smsc::Smsc, smtp::SmtpSink};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;

use crate::{
    api::Api,
    process::{self, Environment, Process},
};

/// Everything around the process under test, and the process while it runs.
pub struct System {
    /// Receives texts.
    pub smsc: Smsc,
    /// Receives mails.
    pub smtp: SmtpSink,
    /// Receives spans.
    pub otlp: OtlpSink,
    /// Settings of the process.
    pub environment: Environment,
    /// The database, as its owner.
    pub database: database::Bare,
    process: Option<Process>,
    home: TempDir,
}

/// A password all test accounts share.
pub const PASSWORD: &str = "a-password-for-tests";

impl System {
    /// A migrated, empty system that does not run yet.
    ///
    /// # Errors
    /// When the test servers are missing or a verb fails.
    pub async fn prepare() -> anyhow::Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (smsc, smtp, otlp) = (
            Smsc::start().await?,
            SmtpSink::start().await?,
            OtlpSink::start().await?,
        );
        let home = TempDir::new()?;
        let secrets = home.path().join("secrets");
        let database = database::bare().await?;
        let redis = relight_testkit::redis::namespace()?;
        let set = |name: &str, value: String| (format!("RELIGHT_{name}"), value);
        let environment = vec![
            set("DATABASE_URL", database.url()),
            set("DATABASE__POOL_SIZE", "6".to_owned()),
            set("REDIS_URL", redis.url),
            set("REDIS__NAMESPACE", redis.namespace),
            set("SECRETS_DIR", secrets.display().to_string()),
            set("DATA_DIR", home.path().join("data").display().to_string()),
            set("SMS__ADDRESS", smsc.addr().to_string()),
            set("MAIL__ADDRESS", smtp.addr().to_string()),
            set("TELEMETRY__OTLP", format!("http://{}", otlp.addr())),
            set("HTTP__PUBLIC_PER_S", "1000".to_owned()),
            set("HTTP__PUBLIC_BURST", "1000".to_owned()),
            set("HTTP__SESSION_PER_S", "5000".to_owned()),
            set("HTTP__SESSION_BURST", "5000".to_owned()),
        ];
        let system = Self {
            smsc,
            smtp,
            otlp,
            environment,
            database,
            process: None,
            home,
        };
        process::run(
            &system.environment,
            &["doctor", "--make-secrets", &secrets.display().to_string()],
        )
        .await?;
        for service in SERVICES {
            std::fs::write(
                secrets.join(format!("db-{service}.password")),
                database::ROLE_PASSWORD,
            )?;
        }
        database::alone(process::run(&system.environment, &["migrate"])).await?;
        Ok(system)
    }

    /// Adds a setting before the process is started.
    pub fn set(&mut self, name: &str, value: impl ToString) {
        self.environment
            .push((format!("RELIGHT_{name}"), value.to_string()));
    }

    /// Lets the test move the clock of the process with [`System::clock_to`]; asked before the process is started.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn with_clock(&mut self) -> anyhow::Result<()> {
        self.move_clock(TimeDelta::zero())?;
        self.set("CLOCK__OFFSET_FILE", self.clock_file().display());
        Ok(())
    }

    /// What the clock of the process shows.
    pub fn now(&self) -> DateTime<Utc> {
        let said = std::fs::read_to_string(self.clock_file()).unwrap_or_default();
        Utc::now() + TimeDelta::seconds(said.parse().unwrap_or_default())
    }

    /// Moves the clock of the running process to `at`; timers that are due by then fire. Sessions may have ended then.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn clock_to(&self, at: DateTime<Utc>) -> anyhow::Result<()> {
        self.move_clock(at - Utc::now())
    }

    fn move_clock(&self, by: TimeDelta) -> anyhow::Result<()> {
        let draft = self.home.path().join("clock.draft");
        // Up to the next whole second: what is due at `at` is due then.
        let seconds = by.num_seconds() + i64::from(by.subsec_nanos() > 0);
        std::fs::write(&draft, seconds.to_string())?;
        Ok(std::fs::rename(draft, self.clock_file())?)
    }

    fn clock_file(&self) -> PathBuf {
        self.home.path().join("clock")
    }

    /// Starts the process.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        self.process = Some(Process::up(&self.environment, &self.log()).await?);
        Ok(())
    }

    /// SIGKILL, then a new process on the same data.
    ///
    /// # Errors
    /// When it does not come up again.
    pub async fn kill_and_start(&mut self) -> anyhow::Result<()> {
        self.process.take().context("running")?.kill().await?;
        self.start().await
    }

    /// Empties the streams of this system, as a flushed or recreated Redis would.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn lose_redis(&self) -> anyhow::Result<()> {
        let setting = |name: &str| {
            let found = self.environment.iter().rev().find(|(key, _)| key == name);
            found
                .map(|(_, value)| value.clone())
                .with_context(|| format!("{name} is set"))
        };
        let client = redis::Client::open(setting("RELIGHT_REDIS_URL")?)?;
        let mut redis = client.get_multiplexed_async_connection().await?;
        let pattern = format!("{}:*", setting("RELIGHT_REDIS__NAMESPACE")?);
        let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut redis).await?;
        for key in keys {
            let _: i64 = redis::cmd("DEL").arg(key).query_async(&mut redis).await?;
        }
        Ok(())
    }

    /// Cuts every connection of the process to its database.
    ///
    /// # Errors
    /// When Postgres does not answer.
    pub async fn cut_connections(&self) -> anyhow::Result<()> {
        let cut = "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()";
        sqlx::query(cut)
            .execute(&mut self.database.connect().await?)
            .await?;
        Ok(())
    }

    /// SIGTERM, and waits for exit code 0. Nothing may have been parked: no test here poisons an event.
    ///
    /// # Errors
    /// When it does not end well.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        self.nothing_parked().await?;
        self.process.take().context("running")?.stop().await
    }

    async fn nothing_parked(&self) -> anyhow::Result<()> {
        let selects = SERVICES.map(|service| {
            format!("select '{service}: ' || type || ': ' || reason from {service}.dead_letter where resolved_at is null")
        });
        let parked: Vec<String> = sqlx::query_scalar(AssertSqlSafe(selects.join(" union all ")))
            .fetch_all(&mut self.database.connect().await?)
            .await?;
        anyhow::ensure!(parked.is_empty(), "parked: {parked:?}");
        Ok(())
    }

    /// Runs a verb of the binary on this system.
    ///
    /// # Errors
    /// With what it said.
    pub async fn verb(&self, verb: &[&str]) -> anyhow::Result<String> {
        process::run(&self.environment, verb).await
    }

    /// Makes an account; `more` are further options such as `--unit ID`.
    ///
    /// # Errors
    /// With what the binary said.
    pub async fn account(&self, login: &str, role: &str, more: &[&str]) -> anyhow::Result<()> {
        let mut verb = vec![
            "account",
            "put",
            "--login",
            login,
            "--role",
            role,
            "--password",
            PASSWORD,
        ];
        verb.extend(more);
        self.verb(&verb).await.map(drop)
    }

    /// Signs in at the gateway.
    ///
    /// # Errors
    /// When refused.
    pub async fn sign_in(&self, login: &str) -> anyhow::Result<Api> {
        Api::sign_in(&self.gateway()?, "/api/v1/sessions", login, PASSWORD).await
    }

    /// Signs in at the crew edge.
    ///
    /// # Errors
    /// When refused.
    pub async fn phone(&self, login: &str) -> anyhow::Result<Api> {
        let mobile = self.process.as_ref().context("running")?.mobile.clone();
        Api::sign_in(&mobile, "/m/v1/session", login, PASSWORD).await
    }

    /// Address of the gateway.
    ///
    /// # Errors
    /// When nothing runs.
    pub fn gateway(&self) -> anyhow::Result<String> {
        Ok(self.process.as_ref().context("running")?.gateway.clone())
    }

    /// Address of the crew edge.
    ///
    /// # Errors
    /// When nothing runs.
    pub fn mobile(&self) -> anyhow::Result<String> {
        Ok(self.process.as_ref().context("running")?.mobile.clone())
    }

    /// The process' log.
    pub fn log(&self) -> PathBuf {
        self.home.path().join("relight.log")
    }

    /// A folder of this test.
    pub fn home(&self) -> &Path {
        self.home.path()
    }
}

impl Drop for System {
    /// A failed test shows the end of the log.
    fn drop(&mut self) {
        if std::thread::panicking() || std::env::var_os("RELIGHT_TEST_LOG").is_some() {
            eprintln!("---- the system's log ends so:\n{}", process::tail(&self.log()));
        }
    }
}
