//! The built binary as a child process: started, killed, started again.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::Context;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// Environment of a process.
pub type Environment = Vec<(String, String)>;

/// The binary under test, beside the test's own.
///
/// # Errors
/// When it was not built; `cargo xtask test` builds it first.
pub fn binary() -> anyhow::Result<PathBuf> {
    built("relight", "cargo build -p relight")
}

fn built(name: &str, by: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let profile = own
        .ancestors()
        .nth(2)
        .context("a test lies in target/PROFILE/deps")?;
    let binary = profile.join(name);
    anyhow::ensure!(binary.exists(), "{} is not built; run `{by}`", binary.display());
    Ok(binary)
}

/// Runs an example of the intake service to its end on what it reads; gives whether it ended well, and all it said.
///
/// # Errors
/// When it was not built or cannot be started.
pub async fn intake_example(
    environment: &Environment,
    name: &str,
    arguments: &[&str],
    input: &str,
) -> anyhow::Result<(bool, String)> {
    let by = format!("cargo build -p relight-intake --example {name}");
    let mut child = Command::new(built(&format!("examples/{name}"), &by)?)
        .args(arguments)
        .envs(environment.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take().context("piped")?;
    // One that ends before it read everything has its reasons in what it says.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = timeout(Duration::from_secs(60), child.wait_with_output()).await??;
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    Ok((output.status.success(), format!("{out}{err}")))
}

/// Runs a verb to its end and gives its output.
///
/// # Errors
/// With what it said when it did not end well.
pub async fn run(environment: &Environment, verb: &[&str]) -> anyhow::Result<String> {
    let output = command(environment, verb)?.output().await?;
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    anyhow::ensure!(
        output.status.success(),
        "relight {} failed: {out}{err}",
        verb.join(" ")
    );
    Ok(out.into_owned())
}

fn command(environment: &Environment, verb: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(binary()?);
    command
        .args(verb)
        .envs(environment.iter().cloned())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

/// A running `relight up` or `relight serve`.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Address of the gateway; empty when only services run.
    pub gateway: String,
    /// Address of the crew edge; empty when only services run.
    pub mobile: String,
    /// Address of metrics and health; empty unless they have one of their own.
    pub metrics: String,
}

impl Process {
    /// Starts `relight up` and waits until it serves. Its log goes to `log`.
    ///
    /// # Errors
    /// When it ends or is silent instead; the log's end is in the error.
    pub async fn up(environment: &Environment, log: &Path) -> anyhow::Result<Self> {
        let verb = ["up", "--http", "127.0.0.1:0", "--mobile", "127.0.0.1:0"];
        let process = Self::begin(environment, &verb, "relight ready ", log).await?;
        anyhow::ensure!(!process.mobile.is_empty(), "it did not say where phones connect");
        Ok(process)
    }

    /// Starts `relight serve` with services (no edges) and waits until they serve. Its log goes to `log`.
    ///
    /// # Errors
    /// When it ends or is silent instead; the log's end is in the error.
    pub async fn serve(environment: &Environment, roles: &str, log: &Path) -> anyhow::Result<Self> {
        Self::begin(environment, &["serve", "--role", roles], "relight serving ", log).await
    }

    /// Starts a verb and reads what it says until a line begins with `last`.
    async fn begin(environment: &Environment, verb: &[&str], last: &str, log: &Path) -> anyhow::Result<Self> {
        let stderr = File::options().create(true).append(true).open(log)?;
        let mut child = command(environment, verb)?
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        let said = timeout(Duration::from_secs(60), lines_until(lines, last)).await;
        let said = said
            .context("relight did not serve within a minute")
            .flatten()
            .with_context(|| tail(log))?;
        let address = |what: &str| {
            let found = said.iter().find_map(|line| line.strip_prefix(what));
            found.unwrap_or_default().to_owned()
        };
        Ok(Self {
            child,
            gateway: address("relight ready "),
            mobile: address("relight mobile "),
            metrics: address("relight metrics "),
        })
    }

    /// SIGKILL: no goodbye, nothing flushed.
    ///
    /// # Errors
    /// When the process cannot be waited for.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Errors
    /// When it does not end well within a minute.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().context("still running")?;
        Command::new("kill")
            .arg("-TERM")
            .arg(id.to_string())
            .status()
            .await?;
        let status = timeout(Duration::from_secs(60), self.child.wait())
            .await
            .context("it does not stop")??;
        anyhow::ensure!(status.success(), "it ended with {status}");
        Ok(())
    }
}

/// What a process says up to the line that begins with `last`.
async fn lines_until(mut lines: Lines<BufReader<ChildStdout>>, last: &str) -> anyhow::Result<Vec<String>> {
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await? {
        let done = line.starts_with(last);
        said.push(line);
        if done {
            return Ok(said);
        }
    }
    anyhow::bail!("relight ended before it served")
}

/// The last lines of a log, for errors.
pub fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
