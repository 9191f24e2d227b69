//! The built binary as a child process: verbs, `up`, `serve`, signals, and what it costs.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// Longest wait for a start or a stop.
const PATIENCE: Duration = Duration::from_secs(90);

/// The binary with the settings it runs under.
#[derive(Debug, Clone)]
pub struct Program {
    /// The binary.
    pub path: PathBuf,
    /// Environment beside our own.
    pub environment: Vec<(String, String)>,
}

impl Program {
    /// Another setting, such as `SMS__ADDRESS`; a later one wins.
    pub fn set(&mut self, name: &str, value: impl ToString) {
        self.environment
            .push((format!("RELIGHT_{name}"), value.to_string()));
    }

    /// Runs a verb to its end and gives its output. `input` goes to its standard input.
    ///
    /// # Errors
    /// With what it said when it did not end well.
    pub async fn run(&self, verb: &[&str], input: &str) -> anyhow::Result<String> {
        let mut command = self.command(verb);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().context("start relight")?;
        let mut stdin = child.stdin.take().context("piped")?;
        stdin.write_all(input.as_bytes()).await?;
        drop(stdin);
        let output = child.wait_with_output().await?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(
            output.status.success(),
            "relight {}: {}",
            verb.join(" "),
            said.trim()
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts `relight up` on free ports and waits until it serves. Its log is appended to `log`.
    ///
    /// # Errors
    /// When it ends or is silent instead; the end of the log is in the error.
    pub async fn up(&self, log: &Path) -> anyhow::Result<Process> {
        let verb = ["up", "--http", "127.0.0.1:0", "--mobile", "127.0.0.1:0"];
        self.start(&verb, "relight ready ", log).await
    }

    /// Starts a verb that serves and waits for the line that begins with `ready`.
    ///
    /// # Errors
    /// As [`Program::up`].
    pub async fn start(&self, verb: &[&str], ready: &str, log: &Path) -> anyhow::Result<Process> {
        let stderr = File::options().create(true).append(true).open(log)?;
        let begun = Instant::now();
        let mut child = self
            .command(verb)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .context("start relight")?;
        let mut lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        let told = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(address) = line.strip_prefix(ready) {
                    return Ok(address.to_owned());
                }
            }
            anyhow::bail!("relight ended before it was ready")
        };
        let told = timeout(PATIENCE, told)
            .await
            .context("relight was not ready in time");
        match told.and_then(|told| told) {
            Ok(address) => Ok(Process {
                child,
                address,
                begun,
            }),
            Err(error) => Err(error.context(tail(log))),
        }
    }

    fn command(&self, verb: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(verb)
            .envs(self.environment.iter().cloned())
            .kill_on_drop(true);
        command
    }
}

/// A running `relight`. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// What followed the ready line: the gateway's address of `up`.
    pub address: String,
    /// When it was started.
    pub begun: Instant,
}

impl Process {
    /// SIGKILL: no goodbye, nothing flushed.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn stop(mut self) -> anyhow::Result<ExitStatus> {
        kill(self.pid()?, Signal::SIGTERM)?;
        Ok(timeout(PATIENCE, self.child.wait())
            .await
            .context("relight did not stop in time")??)
    }

    /// How it ended, when it did by itself.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Memory it holds now (resident set), bytes.
    ///
    /// # Errors
    /// Where there is no /proc, or it ended.
    pub fn memory_bytes(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: u64 = line
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .context("no VmRSS in /proc")?;
        Ok(kib * 1_024)
    }

    /// Processor time it used so far, in all threads.
    ///
    /// # Errors
    /// Where there is no /proc, or it ended.
    pub fn processor_time(&self) -> anyhow::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()?))?;
        // After the name, which may hold blanks: utime and stime are the 12th and 13th field, in ticks of 10 ms.
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .map_or("", |(_, rest)| rest)
            .split_whitespace()
            .collect();
        let ticks = |at: usize| -> Option<u64> { fields.get(at)?.parse().ok() };
        let used = ticks(11).zip(ticks(12)).context("no times in /proc")?;
        Ok(Duration::from_millis((used.0 + used.1) * 10))
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        let id = self.child.id().context("relight ended by itself; see its log")?;
        Ok(Pid::from_raw(i32::try_from(id)?))
    }
}

/// The last lines of a log, for errors.
pub fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
