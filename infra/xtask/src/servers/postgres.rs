//! One private Postgres server: made, started, asked, stopped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;

use super::free_port;
use super::guard::Guard;
use super::user::ServerUser;
use crate::cargo::must;
use crate::secret;
use crate::stop::Stop;
use crate::usage::usage;

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
    port: u16,
    password: Option<String>,
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

/// Folder with the server's programs: `RELIGHT_PG_BIN`, the version the data was made by, the newest installed.
pub(crate) fn find_bin(data: &Path) -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("RELIGHT_PG_BIN") {
        return Ok(PathBuf::from(dir));
    }
    let made_by = fs::read_to_string(data.join("PG_VERSION")).ok();
    let found = choose_bin(
        installed(Path::new("/usr/lib/postgresql")),
        made_by.as_deref().map(str::trim),
    );
    found.or_else(pg_config_bin).ok_or_else(|| match made_by {
        Some(version) => usage(format!(
            "{} needs Postgres {}; install it or use --reset",
            data.display(),
            version.trim()
        )),
        None => usage("no Postgres server found; `apt-get install postgresql` or set RELIGHT_PG_BIN"),
    })
}

/// Whether a server can be started here.
pub(crate) fn is_installed() -> bool {
    find_bin(Path::new("")).is_ok()
}

/// (version, folder of the programs) for every version under `base`.
fn installed(base: &Path) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = fs::read_dir(base) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("postgres").exists().then_some((version, bin))
        })
        .collect()
}

fn choose_bin(installed: Vec<(u32, PathBuf)>, made_by: Option<&str>) -> Option<PathBuf> {
    match made_by {
        Some(wanted) => installed
            .into_iter()
            .find(|(version, _)| version.to_string() == wanted),
        None => installed.into_iter().max_by_key(|(version, _)| *version),
    }
    .map(|(_, bin)| bin)
}

/// Other systems than Debian have the programs where `pg_config` says.
fn pg_config_bin() -> Option<PathBuf> {
    let output = Command::new("pg_config")
        .arg("--bindir")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let bin = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    bin.join("initdb").exists().then_some(bin)
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
    let log = File::create(dir.join("log")).context("make Postgres's log")?;
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

    fn versions() -> Vec<(u32, PathBuf)> {
        vec![
            (15, "/p/15/bin".into()),
            (17, "/p/17/bin".into()),
            (9, "/p/9/bin".into()),
        ]
    }

    #[test]
    fn new_data_gets_the_newest_version_and_old_data_its_own() {
        assert_eq!(choose_bin(versions(), None), Some("/p/17/bin".into()));
        assert_eq!(choose_bin(versions(), Some("15")), Some("/p/15/bin".into()));
        assert_eq!(choose_bin(versions(), Some("16")), None);
    }

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
