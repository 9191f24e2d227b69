//! The `relight` binary as this program sees it: its tasks, and `relight up` until it is stopped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use nix::sys::signal::Signal;

use super::environment::Environment;
use super::output;
use crate::servers::guard::Guard;
use crate::servers::user::ServerUser;
use crate::stop::Stop;

/// What `relight up` prints on its standard output: where the phones connect, then, once it serves, where people do.
const MOBILE: &str = "relight mobile http://";
const READY: &str = "relight ready http://";
const READY_LIMIT: Duration = Duration::from_secs(120);
/// It stops accepting, finishes requests and flushes the outbox.
const STOP_PATIENCE: Duration = Duration::from_secs(60);
const TASK_PATIENCE: Duration = Duration::from_secs(20);

/// The binary with the environment it needs.
pub(super) struct Relight {
    binary: PathBuf,
    state: PathBuf,
    environment: Environment,
}

impl Relight {
    /// `state` is this clone's `.relight`.
    pub(super) fn new(binary: &Path, state: PathBuf, mut environment: Environment) -> Self {
        environment.set("RELIGHT_SECRETS_DIR", state.join("secrets").display().to_string());
        environment.set("RELIGHT_DATA_DIR", state.join("data").display().to_string());
        Self {
            binary: binary.to_owned(),
            state,
            environment,
        }
    }

    /// The binary.
    pub(super) fn binary(&self) -> &Path {
        &self.binary
    }

    /// What it is given.
    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// From now on its verbs find it where it really listens.
    pub(super) fn reached_at(&mut self, running: &Running) {
        self.environment.set("RELIGHT_HTTP__LISTEN", running.http());
        self.environment.set("RELIGHT_MOBILE__LISTEN", running.mobile());
    }

    /// The file `relight up` writes its log to.
    pub(super) fn log(&self) -> PathBuf {
        self.state.join("relight.log")
    }

    /// Makes the CA, certificates, keys and passwords that are missing.
    pub(super) fn make_secrets(&self, stop: &Stop) -> Result<()> {
        let dir = self.state.join("secrets");
        let path = dir.to_str().context("the clone's path is not UTF-8")?;
        self.task(&["doctor", "--make-secrets", path], stop)
    }

    /// Runs one verb to its end; what it prints is shown when it fails.
    pub(super) fn task(&self, arguments: &[&str], stop: &Stop) -> Result<()> {
        let said = tempfile::tempfile().context("make a temporary file")?;
        let mut command = Command::new(&self.binary);
        command.args(arguments).stdin(Stdio::null());
        command.stdout(said.try_clone().context("share the output")?);
        command.stderr(said.try_clone().context("share the output")?);
        self.environment.lend_to(&mut command);
        let mut guard = Guard::start_group("relight", &mut command, Signal::SIGTERM, TASK_PATIENCE)?;
        let status = stop.wait_for_end(&mut guard)?;
        if !status.success() {
            let said = read_back(said).context("read what relight said")?;
            bail!(
                "`relight {}` failed ({status})\n{}",
                arguments.join(" "),
                said.trim_end()
            );
        }
        Ok(())
    }

    /// Runs one verb to its end and returns what it prints.
    pub(super) fn answer(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.binary);
        let output = self.environment.lend_to(command.args(arguments)).output();
        let output = output.context("start relight")?;
        if !output.status.success() {
            bail!(
                "`relight {}`: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        String::from_utf8(output.stdout).context("relight printed something that is not UTF-8")
    }

    /// Starts `relight up` and waits until it serves.
    pub(super) fn up(&self, stop: &Stop) -> Result<Running> {
        let log = File::create(self.log()).with_context(|| format!("make {}", self.log().display()))?;
        let mut command = ServerUser::Myself.server(&self.binary, "TERM");
        command
            .arg("up")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.try_clone().context("share the log")?);
        self.environment.lend_to(&mut command);
        let mut guard = Guard::start("relight", &mut command, Signal::SIGTERM, STOP_PATIENCE)?;
        let lines = output::logged_lines_of(guard.child(), log)?;
        let (mut http, mut mobile) = (String::new(), String::new());
        let address_of = |line: &str, prefix| line.strip_prefix(prefix).map(str::to_owned);
        output::wait_for_line(("relight", &mut guard), &lines, (READY_LIMIT, stop), |line| {
            mobile = address_of(line, MOBILE).unwrap_or_else(|| std::mem::take(&mut mobile));
            http = address_of(line, READY).unwrap_or_default();
            !http.is_empty()
        })
        .map_err(|error| {
            if stop.requested() {
                error
            } else {
                self.with_log(error)
            }
        })?;
        Ok(Running { guard, http, mobile })
    }

    /// A start that fails says why in its log.
    fn with_log(&self, error: anyhow::Error) -> anyhow::Error {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(20)..].join("\n");
        anyhow!("{error:#}\n{tail}\n(all of it: {})", self.log().display())
    }
}

fn read_back(mut file: File) -> std::io::Result<String> {
    use std::io::{Read as _, Seek as _};
    let mut text = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// `relight up` at work.
pub(super) struct Running {
    guard: Guard,
    http: String,
    mobile: String,
}

impl Running {
    /// Address and port where people connect.
    pub(super) fn http(&self) -> &str {
        &self.http
    }

    /// Address and port where the crews' phones connect.
    pub(super) fn mobile(&self) -> &str {
        &self.mobile
    }

    /// Fails once it ended by itself.
    pub(super) fn check(&mut self) -> Result<()> {
        match self.guard.ended()? {
            Some(status) => bail!("relight ended by itself ({status}); see its log"),
            None => Ok(()),
        }
    }

    /// Stops it. It exits 0 after everything it acknowledged is safe and told.
    pub(super) fn stop(mut self) -> Result<()> {
        let status = self.guard.stop()?;
        if !status.success() {
            bail!("relight did not stop in good order ({status}); see its log");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stand-in for the binary: a shell script with the same contract.
    fn script(dir: &Path, body: &str) -> Result<Relight> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = dir.join("relight");
        fs::write(&path, format!("#!/bin/sh\n{body}\n"))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        let mut environment = Environment::default();
        environment.set("RELIGHT_HTTP__LISTEN", "127.0.0.1:4321");
        Ok(Relight::new(&path, dir.to_owned(), environment))
    }

    #[test]
    fn up_waits_for_the_ready_line_and_stops_with_exit_0() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let body = "trap 'exit 0' TERM\necho relight mobile http://127.0.0.1:5\necho relight ready http://$RELIGHT_HTTP__LISTEN\n\
                    while :; do sleep 0.05; done";
        let mut running = script(dir.path(), body)?.up(&Stop::default())?;
        assert_eq!(
            (running.http(), running.mobile()),
            ("127.0.0.1:4321", "127.0.0.1:5")
        );
        running.check()?;
        running.stop()
    }

    #[test]
    fn a_start_that_fails_shows_the_log() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let relight = script(dir.path(), "echo the schema is older >&2\nexit 1")?;
        let Err(error) = relight.up(&Stop::default()) else {
            bail!("it is not ready")
        };
        assert!(error.to_string().contains("the schema is older"), "{error}");
        Ok(())
    }

    #[test]
    fn a_relight_that_does_not_flush_is_reported() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let body = "trap 'exit 3' TERM\necho relight ready http://x\nwhile :; do sleep 0.05; done";
        let running = script(dir.path(), body)?.up(&Stop::default())?;
        let error = running.stop().expect_err("exit 3");
        assert!(error.to_string().contains("good order"));
        Ok(())
    }

    #[test]
    fn a_task_that_fails_shows_what_it_said() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let relight = script(dir.path(), "echo no such town\nexit 1")?;
        let error = relight
            .task(&["demo", "town"], &Stop::default())
            .expect_err("exit 1");
        assert!(error.to_string().contains("demo town") && error.to_string().contains("no such town"));
        Ok(())
    }
}
