//! A Postgres of one test's own, for what the shared server must never suffer: it is stopped, crashes, and comes back at
//! the same address. Postgres refuses root, so root hands it to the system user `postgres`.

use std::{
    net::TcpListener, os::unix::fs::chown, path::PathBuf, process::Stdio, str::FromStr, time::Duration,
};

use anyhow::Context;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid, User},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use uuid::Uuid;

/// Names the folder of `initdb` and `postgres`; `cargo xtask test` sets it.
pub const BIN: &str = "RELIGHT_TEST_PG_BIN";
/// The administrator.
const ADMIN: &str = "relight";
/// Below the ports that programs get when they ask for any: nobody takes ours while the server is down.
const PORTS: std::ops::Range<u16> = 15_000..30_000;
/// Bounds a test that would hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// How it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// Sessions are ended, the data is brought to disk.
    Fast,
    /// It dies on the spot and recovers from its log, as after a power cut.
    Crash,
}

/// The server. Dropped, it is stopped and its files are removed. It lives in the test's process group: who ends the
/// whole test ends it too.
#[derive(Debug)]
pub struct PrivatePostgres {
    // The order of the fields is the order of dropping.
    server: Server,
    bin: PathBuf,
    owner: Option<User>,
    port: u16,
    dir: TempDir,
}

/// The running process, if it runs.
#[derive(Debug, Default)]
struct Server(Option<Child>);

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut child) = self.0.take() else { return };
        signal(&child, Signal::SIGQUIT);
        // A destructor cannot await.
        while matches!(child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl PrivatePostgres {
    /// Makes an empty cluster and starts it.
    ///
    /// # Errors
    /// When Postgres' programs are not known, or root finds no system user `postgres`.
    pub async fn start() -> anyhow::Result<Self> {
        let bin = std::env::var(BIN)
            .with_context(|| format!("{BIN} is not set: run the tests with `cargo xtask test`"))?;
        let mut private = Self {
            server: Server::default(),
            bin: bin.into(),
            owner: owner()?,
            port: free_port()?,
            dir: tempfile::Builder::new().prefix("relight-pg-").tempdir()?,
        };
        private.make().await?;
        private.start_again().await?;
        Ok(private)
    }

    /// Address of its first database, as the administrator.
    pub fn url(&self) -> String {
        format!("postgres://{ADMIN}@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops it; what was committed is kept.
    ///
    /// # Errors
    /// When it does not run, or does not end.
    pub async fn stop(&mut self, parting: Parting) -> anyhow::Result<()> {
        let mut child = self.server.0.take().context("the server does not run")?;
        signal(
            &child,
            match parting {
                Parting::Fast => Signal::SIGINT,
                Parting::Crash => Signal::SIGQUIT,
            },
        );
        tokio::time::timeout(PATIENCE, child.wait())
            .await
            .context("Postgres does not stop")??;
        Ok(())
    }

    /// Starts it where it was, and waits until it answers.
    ///
    /// # Errors
    /// When it ends instead; its log is in the error.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.server.0 = Some(self.spawn()?);
        let answers = tokio::time::timeout(PATIENCE, self.comes_up()).await;
        answers.context("Postgres does not answer").flatten()
    }

    async fn comes_up(&mut self) -> anyhow::Result<()> {
        let options = PgConnectOptions::from_str(&self.url())?;
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            if let Ok(connection) = PgConnection::connect_with(&options).await {
                return Ok(connection.close().await?);
            }
            let child = self.server.0.as_mut().context("just started")?;
            if let Some(status) = child.try_wait()? {
                let log = std::fs::read_to_string(self.log()).unwrap_or_default();
                anyhow::bail!("Postgres ended with {status}: {log}");
            }
            ticks.tick().await;
        }
    }

    async fn make(&self) -> anyhow::Result<()> {
        if let Some(owner) = &self.owner {
            chown(
                self.dir.path(),
                Some(owner.uid.as_raw()),
                Some(owner.gid.as_raw()),
            )?;
        }
        let mut initdb = self.command("initdb");
        initdb.args(["-E", "UTF8", "--locale=C.UTF-8", "--auth=trust", "--no-sync"]);
        let made = initdb
            .args(["-U", ADMIN])
            .output()
            .await
            .context("start initdb")?;
        anyhow::ensure!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        Ok(())
    }

    /// Every commit waits until it is in the log, which only a crash of the machine could lose: no fsync is needed.
    fn spawn(&self) -> anyhow::Result<Child> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log())?;
        let port = format!("port={}", self.port);
        let settings = [
            port.as_str(),
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "synchronous_commit=on",
        ];
        let mut postgres = self.command("postgres");
        for setting in settings {
            postgres.args(["-c", setting]);
        }
        postgres
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("start postgres")
    }

    /// One of Postgres' programs on this cluster, as the user it may run as.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command
            .arg("-D")
            .arg(self.data())
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        if let Some(owner) = &self.owner {
            command.uid(owner.uid.as_raw()).gid(owner.gid.as_raw());
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }
}

/// Whom root hands the server to; nobody when we are not root.
fn owner() -> anyhow::Result<Option<User>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    let user = User::from_name("postgres")?;
    user.map(Some)
        .context("Postgres does not run as root and there is no system user `postgres`")
}

/// Any free port of [`PORTS`]; tests that run at once begin their search at different places.
fn free_port() -> anyhow::Result<u16> {
    let count = PORTS.end - PORTS.start;
    let start = u16::try_from(Uuid::new_v4().as_u128() % u128::from(count)).expect("below the count");
    (0..count)
        .map(|n| PORTS.start + (start + n) % count)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("every port is taken")
}

fn signal(child: &Child, signal: Signal) {
    // Not yet waited for, so the number is still this child's.
    if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}
