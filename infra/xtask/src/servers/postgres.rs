//! One private Postgres server: made, started, asked, stopped.

mod programs;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;

pub(crate) use programs::{find_bin, is_installed};

use super::free_port;
use super::guard::Guard;
use super::user::ServerUser;
use crate::cargo::must;
use crate::secret;
use crate::stop::Stop;

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(60);
/// Somebody may take the free port between our asking and our binding it.
const TRIES: usize = 3;
/// The administrator of a server we make.
const ADMIN: &str = "relight";

/// What the server is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Keeps its data: every commit reaches the disk, TCP asks for a password.
    Keep,
    /// Thrown away: no fsync, and no password, since a test would only slow down by it. Listens on 127.0.0.1.
    Throwaway,
}

/// A running server.
pub(crate) struct Postgres {
    guard: Guard,
    bin: PathBuf,
    dir: PathBuf,
    user: ServerUser,
    purpose: Purpose,
    port: u16,
    password: Option<String>,
}

/// How a server is stopped before it is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parting {
    /// Sessions are ended, the data is brought to disk.
    Fast,
    /// It dies on the spot and recovers from its log, as after a power cut.
    Crash,
}

impl Postgres {
    /// Starts the server whose files are in `dir` (owned by `user`), making them first when they are absent.
    /// `settings` is a file of Postgres settings to use, see `infra/postgres`.
    pub(crate) fn start(
        dir: &Path,
        user: &ServerUser,
        purpose: Purpose,
        settings: Option<&Path>,
        stop: &Stop,
    ) -> Result<Self> {
        let data = dir.join("data");
        let bin = find_bin(&data)?;
        let password = password(dir, user, purpose)?;
        if !data.join("PG_VERSION").exists() {
            init(&bin, dir, user, purpose)?;
        }
        use_settings(&data, user, settings)?;
        for _ in 0..TRIES {
            let port = free_port()?;
            let guard = spawn(&bin, dir, user, purpose, port)?;
            let mut server = Self {
                guard,
                bin: bin.clone(),
                dir: dir.to_owned(),
                user: user.clone(),
                purpose,
                port,
                password: password.clone(),
            };
            if server.came_up(stop)? {
                return Ok(server);
            }
        }
        bail!("Postgres did not start; its log is {}", dir.join("log").display())
    }

    /// Folder of `psql`, `postgres` and the others.
    pub(crate) fn bin(&self) -> &Path {
        &self.bin
    }

    /// Address of one database as the administrator.
    pub(crate) fn url(&self, database: &str) -> String {
        let secret = self
            .password
            .as_deref()
            .map(|word| format!(":{word}"))
            .unwrap_or_default();
        format!("postgres://{ADMIN}{secret}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes a database unless it is there.
    pub(crate) fn ensure_database(&self, name: &str) -> Result<()> {
        let wanted = format!(
            "select 'create database {name}' where not exists \
             (select from pg_database where datname = '{name}') \\gexec\n"
        );
        let file = tempfile::NamedTempFile::new().context("make a temporary file")?;
        fs::write(file.path(), wanted).context("write a temporary file")?;
        psql(&self.bin, &self.url("postgres"), |psql| {
            psql.arg("-f").arg(file.path())
        })
    }

    /// Stops it and starts it again on the same port.
    pub(crate) fn restart(&mut self, parting: Parting, stop: &Stop) -> Result<()> {
        self.guard.stop_by(match parting {
            Parting::Fast => Signal::SIGINT,
            Parting::Crash => Signal::SIGQUIT,
        })?;
        self.guard = spawn(&self.bin, &self.dir, &self.user, self.purpose, self.port)?;
        if !self.came_up(stop)? {
            bail!(
                "Postgres did not start again; its log is {}",
                self.dir.join("log").display()
            );
        }
        Ok(())
    }

    /// Stops it: open transactions are rolled back, everything committed is kept.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.guard.stop().map(drop)
    }

    /// Waits until it answers; `false` when it ended instead.
    fn came_up(&mut self, stop: &Stop) -> Result<bool> {
        let mut ended = false;
        stop.wait_for("Postgres", START_LIMIT, || {
            ended = self.guard.ended()?.is_some();
            Ok(ended || answers(&self.bin, self.port)?)
        })?;
        Ok(!ended)
    }
}

/// Runs `psql`, stopping at the first error; a failure carries what it said.
pub(crate) fn psql(
    bin: &Path,
    url: &str,
    arguments: impl FnOnce(&mut Command) -> &mut Command,
) -> Result<()> {
    let mut command = Command::new(bin.join("psql"));
    command.args(["--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-d", url]);
    command.env("PGOPTIONS", "-c client_min_messages=warning");
    let output = arguments(&mut command).output().context("start psql")?;
    if !output.status.success() {
        bail!("psql: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn password(dir: &Path, user: &ServerUser, purpose: Purpose) -> Result<Option<String>> {
    if purpose == Purpose::Throwaway {
        return Ok(None);
    }
    let file = dir.join("password");
    let word = secret::read_or_make(&file)?;
    user.own(&file)?;
    Ok(Some(word))
}

fn init(bin: &Path, dir: &Path, user: &ServerUser, purpose: Purpose) -> Result<()> {
    let mut command = user.task(&bin.join("initdb"));
    command.current_dir(dir).arg("-D").arg(dir.join("data"));
    command.args([
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "-U",
        ADMIN,
        "--auth-local=trust",
    ]);
    match purpose {
        Purpose::Keep => command
            .arg("--auth-host=scram-sha-256")
            .arg("--pwfile")
            .arg(dir.join("password")),
        Purpose::Throwaway => command.args(["--auth-host=trust", "--no-sync"]),
    };
    must("initdb", command.stdout(Stdio::null()))
}

/// Copies `settings` beside the data and includes it; a later edit of the file reaches the next start.
fn use_settings(data: &Path, user: &ServerUser, settings: Option<&Path>) -> Result<()> {
    let Some(settings) = settings else { return Ok(()) };
    let copy = data.join("relight.conf");
    fs::copy(settings, &copy).with_context(|| format!("copy {}", settings.display()))?;
    user.own(&copy)?;
    let main = data.join("postgresql.conf");
    let text = fs::read_to_string(&main).with_context(|| format!("read {}", main.display()))?;
    if !text.contains("include 'relight.conf'") {
        fs::write(&main, text + "\ninclude 'relight.conf'\n")
            .with_context(|| format!("write {}", main.display()))?;
    }
    Ok(())
}

fn spawn(bin: &Path, dir: &Path, user: &ServerUser, purpose: Purpose, port: u16) -> Result<Guard> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(dir.join("log"))
        .context("make Postgres's log")?;
    let mut command = user.server(&bin.join("postgres"), "INT");
    command.current_dir(dir).arg("-D").arg(dir.join("data"));
    for setting in options(purpose, port) {
        command.arg("-c").arg(setting);
    }
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("share the log")?)
        .stderr(log);
    // SIGINT is its fast shutdown: sessions are ended, the data is brought to disk.
    Guard::start("Postgres", &mut command, Signal::SIGINT, STOP_PATIENCE)
}

/// TCP on 127.0.0.1 alone: a socket's path may be too long in a deep clone.
fn options(purpose: Purpose, port: u16) -> Vec<String> {
    let port = format!("port={port}");
    let always = ["listen_addresses=127.0.0.1", "unix_socket_directories=", &port];
    let throwaway = [
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "max_connections=300",
        "shared_buffers=256MB",
    ];
    let extra: &[&str] = if purpose == Purpose::Throwaway {
        &throwaway
    } else {
        &[]
    };
    always
        .iter()
        .chain(extra)
        .map(|option| (*option).to_owned())
        .collect()
}

fn answers(bin: &Path, port: u16) -> Result<bool> {
    let status = Command::new(bin.join("pg_isready"))
        .args(["--quiet", "--host=127.0.0.1", &format!("--port={port}")])
        .status()
        .context("start pg_isready")?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_data_never_runs_without_fsync() {
        assert!(
            !options(Purpose::Keep, 1)
                .iter()
                .any(|one| one.starts_with("fsync"))
        );
        assert!(options(Purpose::Throwaway, 1).contains(&"fsync=off".to_owned()));
    }
}
