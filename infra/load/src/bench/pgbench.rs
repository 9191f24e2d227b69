//! The peer of every durable number: pgbench on the same Postgres.

use std::{path::Path, time::Duration};

use anyhow::Context;
use tokio::process::Command;

use crate::server::Given;

/// Rows of the peer: 10 branches, a million accounts.
const SCALE: &str = "10";
/// Clients of the peer.
pub const CLIENTS: &str = "16";

/// Makes the peer's database.
///
/// # Errors
/// When pgbench is not there or fails.
pub async fn prepare(given: &Given, database: &str) -> anyhow::Result<()> {
    given.make_database(database).await?;
    let url = given.database_url_of(database);
    pgbench(given, &["--initialize", "--quiet", "--scale", SCALE, &url])
        .await
        .map(drop)
}

/// Commits per second of `pgbench -N -c 16`.
///
/// # Errors
/// When it fails.
pub async fn commits_per_s(given: &Given, database: &str, time: Duration) -> anyhow::Result<f64> {
    let (url, seconds) = (given.database_url_of(database), time.as_secs().to_string());
    let said = pgbench(
        given,
        &[
            "--skip-some-updates",
            "--client",
            CLIENTS,
            "--jobs",
            "2",
            "--time",
            &seconds,
            &url,
        ],
    )
    .await?;
    tps(&said).with_context(|| format!("pgbench names no tps: {said}"))
}

/// Transactions per second of a script, with prepared statements.
///
/// # Errors
/// When it fails.
pub async fn script_per_s(
    given: &Given,
    database: &str,
    script: &Path,
    clients: &str,
    time: Duration,
) -> anyhow::Result<f64> {
    let (url, seconds) = (given.database_url_of(database), time.as_secs().to_string());
    let script = script.to_str().context("the folder's path is not UTF-8")?;
    let said = pgbench(
        given,
        &[
            "--no-vacuum",
            "--protocol",
            "prepared",
            "--client",
            clients,
            "--jobs",
            "2",
            "--time",
            &seconds,
            "--file",
            script,
            &url,
        ],
    )
    .await?;
    tps(&said).with_context(|| format!("pgbench names no tps: {said}"))
}

async fn pgbench(given: &Given, arguments: &[&str]) -> anyhow::Result<String> {
    let program = given.pg_bin.join("pgbench");
    let output = Command::new(&program)
        .args(arguments)
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("start {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "pgbench: {}", said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn tps(said: &str) -> Option<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_found_in_what_pgbench_says() {
        let said = "latency average = 3.1 ms\ninitial connection time = 21 ms\ntps = 5123.45 (without initial connection time)\n";
        assert_eq!(tps(said), Some(5123.45));
        assert_eq!(tps("nothing"), None);
    }
}
