//! The `relight` binary as this program sees it: its tasks, and `relight up` until it is stopped.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use nix::sys::signal::Signal;

use crate::cargo::cargo;
use crate::servers::guard::Guard;
use crate::servers::user::ServerUser;
use crate::stop::Stop;

/// What `relight up` prints on its standard output once it serves.
const READY: &str = "relight ready ";
const READY_LIMIT: Duration = Duration::from_secs(120);
/// It stops accepting, finishes requests and flushes the outbox.
const STOP_PATIENCE: Duration = Duration::from_secs(60);
const TASK_PATIENCE: Duration = Duration::from_secs(20);

/// Builds the binary and returns its path.
pub(crate) fn build(root: &Path, release: bool, stop: &Stop) -> Result<PathBuf> {
    let mut command = cargo(root);
    command.args([
        "build",
        "--package",
        "relight",
        "--message-format=json-render-diagnostics",
    ]);
    command
        .args(release.then_some("--release"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut guard = Guard::start_group("cargo build", &mut command, Signal::SIGTERM, TASK_PATIENCE)?;
    let lines = lines_of(guard.child())?;
    let status = stop.wait_for_end(&mut guard)?;
    if !status.success() {
        bail!("cargo build failed ({status})");
    }
    lines
        .iter()
        .find_map(|line| executable(&line))
        .context("cargo build named no executable for `relight`")
}

/// The path in cargo's message about the finished binary.
fn executable(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    (message["target"]["name"] == "relight").then_some(())?;
    message["executable"].as_str().map(PathBuf::from)
}

/// The binary with the environment it needs.
pub(crate) struct Relight {
    binary: PathBuf,
    state: PathBuf,
    environment: [(&'static str, String); 4],
}

impl Relight {
    /// `state` is this clone's `.relight`.
    pub(crate) fn new(binary: &Path, state: PathBuf, database_url: &str, redis_url: &str) -> Self {
        let environment = [
            ("RELIGHT_DATABASE_URL", database_url.to_owned()),
            ("RELIGHT_REDIS_URL", redis_url.to_owned()),
            ("RELIGHT_SECRETS_DIR", state.join("secrets").display().to_string()),
            ("RELIGHT_DATA_DIR", state.join("data").display().to_string()),
        ];
        Self {
            binary: binary.to_owned(),
            state,
            environment,
        }
    }

    /// The file `relight up` writes its log to.
    pub(crate) fn log(&self) -> PathBuf {
        self.state.join("relight.log")
    }

    /// Makes the CA, certificates, keys and passwords that are missing.
    pub(crate) fn make_secrets(&self, stop: &Stop) -> Result<()> {
        let dir = self.state.join("secrets");
        let path = dir.to_str().context("the clone's path is not UTF-8")?;
        self.task(&["doctor", "--make-secrets", path], stop)
    }

    /// Runs one verb to its end; what it prints is shown.
    pub(crate) fn task(&self, arguments: &[&str], stop: &Stop) -> Result<()> {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .envs(self.environment.clone())
            .stdin(Stdio::null());
        let mut guard = Guard::start_group("relight", &mut command, Signal::SIGTERM, TASK_PATIENCE)?;
        let status = stop.wait_for_end(&mut guard)?;
        if !status.success() {
            bail!("`relight {}` failed ({status})", arguments.join(" "));
        }
        Ok(())
    }

    /// Runs one verb to its end and returns what it prints.
    pub(crate) fn answer(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.binary);
        let output = command
            .args(arguments)
            .envs(self.environment.clone())
            .output()
            .context("start relight")?;
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
    pub(crate) fn up(&self, port: u16, stop: &Stop) -> Result<Running> {
        let mut running = self.spawn(port)?;
        stop.wait_for("relight", READY_LIMIT, || running.is_ready())
            .map_err(|error| self.with_log(error))?;
        Ok(running)
    }

    fn spawn(&self, port: u16) -> Result<Running> {
        let log = File::create(self.log()).with_context(|| format!("make {}", self.log().display()))?;
        let mut command = ServerUser::Myself.server(&self.binary, "TERM");
        command
            .args(["up", "--http", &format!("127.0.0.1:{port}")])
            .envs(self.environment.clone());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.try_clone().context("share the log")?);
        let mut guard = Guard::start("relight", &mut command, Signal::SIGTERM, STOP_PATIENCE)?;
        let ready = watch(guard.child(), log)?;
        Ok(Running {
            guard,
            ready,
            address: String::new(),
        })
    }

    /// A start that fails says why in its log.
    fn with_log(&self, error: anyhow::Error) -> anyhow::Error {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(20)..].join("\n");
        anyhow!("{error:#}\n{tail}\n(all of it: {})", self.log().display())
    }
}

/// `relight up` at work.
pub(crate) struct Running {
    guard: Guard,
    ready: Receiver<String>,
    address: String,
}

impl Running {
    /// Where it serves.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Waits until somebody asks to stop.
    ///
    /// # Errors
    /// It ended by itself.
    pub(crate) fn wait(&mut self, stop: &Stop) -> Result<()> {
        stop.wait_until(|| match self.guard.ended()? {
            Some(status) => bail!("relight ended by itself ({status}); see its log"),
            None => Ok(false),
        })
    }

    /// Stops it. It exits 0 after everything it acknowledged is safe and told.
    pub(crate) fn stop(mut self) -> Result<()> {
        let status = self.guard.stop()?;
        if !status.success() {
            bail!("relight did not stop in good order ({status}); see its log");
        }
        Ok(())
    }

    fn is_ready(&mut self) -> Result<bool> {
        match self.ready.try_recv() {
            Ok(address) => {
                self.address = address;
                Ok(true)
            }
            Err(TryRecvError::Empty) => Ok(false),
            Err(TryRecvError::Disconnected) => match self.guard.ended()? {
                Some(status) => bail!("relight ended while starting ({status})"),
                None => Ok(false),
            },
        }
    }
}

/// Copies the child's output to the log and picks the address out of the ready line.
fn watch(child: &mut Child, mut log: File) -> Result<Receiver<String>> {
    let lines = lines_of(child)?;
    let (tell, ready) = channel();
    std::thread::spawn(move || {
        for line in lines {
            if let Some(address) = line.strip_prefix(READY) {
                // Nobody waits for it any more once somebody asked to stop.
                let _ = tell.send(address.trim().to_owned());
            }
            if writeln!(log, "{line}").is_err() {
                return;
            }
        }
    });
    Ok(ready)
}

/// The child's output, read at once so that a full pipe never stops it. Ends with the output.
fn lines_of(child: &mut Child) -> Result<Receiver<String>> {
    let output = child.stdout.take().context("the output is not a pipe")?;
    let (tell, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(std::io::Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_the_binary_and_not_its_library() {
        let binary = r#"{"target":{"name":"relight"},"executable":"/t/debug/relight"}"#;
        assert_eq!(executable(binary), Some("/t/debug/relight".into()));
        assert_eq!(
            executable(r#"{"target":{"name":"relight"},"executable":null}"#),
            None
        );
        assert_eq!(
            executable(r#"{"target":{"name":"other"},"executable":"/t/other"}"#),
            None
        );
    }

    /// A stand-in for the binary: a shell script with the same contract.
    fn script(dir: &Path, body: &str) -> Result<Relight> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = dir.join("relight");
        fs::write(&path, format!("#!/bin/sh\n{body}\n"))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(Relight::new(&path, dir.to_owned(), "postgres://x/y", "redis://x"))
    }

    #[test]
    fn up_waits_for_the_ready_line_and_stops_with_exit_0() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let body =
            "trap 'exit 0' TERM\necho noise\necho relight ready http://$3\nwhile :; do sleep 0.05; done";
        let relight = script(dir.path(), body)?;
        let running = relight.up(4321, &Stop::default())?;
        assert_eq!(running.address(), "http://127.0.0.1:4321");
        running.stop()
    }

    #[test]
    fn a_start_that_fails_shows_the_log() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let relight = script(dir.path(), "echo the schema is older >&2\nexit 1")?;
        let Err(error) = relight.up(4321, &Stop::default()) else {
            bail!("it is not ready")
        };
        assert!(error.to_string().contains("the schema is older"), "{error}");
        Ok(())
    }

    #[test]
    fn a_relight_that_does_not_flush_is_reported() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let body = "trap 'exit 3' TERM\necho relight ready http://$3\nwhile :; do sleep 0.05; done";
        let running = script(dir.path(), body)?.up(4321, &Stop::default())?;
        let error = running.stop().expect_err("exit 3");
        assert!(error.to_string().contains("good order"));
        Ok(())
    }
}
