//! One log-in for every role. Passwords are drawn when the town is loaded and lie beside the other secrets (0600).

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::PathBuf};

use anyhow::Context;
use rand::distr::{Alphanumeric, SampleString};
use relight_common::config;
use serde::{Deserialize, Serialize};

use crate::say::say;

/// Somebody who can sign in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Login {
    /// The role's word.
    pub role: String,
    /// Log-in name; for the customer, the account.
    pub login: String,
    /// Password; for the customer, the phone a one-time code is sent to.
    pub password: String,
}

fn file() -> anyhow::Result<PathBuf> {
    let secrets: PathBuf = config::section("secrets_dir")?;
    Ok(secrets.join("demo-logins.json"))
}

/// All log-ins of the loaded town.
///
/// # Errors
/// When no town was loaded.
pub fn all() -> anyhow::Result<Vec<Login>> {
    let text = fs::read_to_string(file()?).context("no demo town is loaded; `relight demo town` loads it")?;
    Ok(serde_json::from_str(&text)?)
}

/// The log-in of `login`.
///
/// # Errors
/// When no town was loaded or it has no such log-in.
pub fn of(login: &str) -> anyhow::Result<Login> {
    all()?
        .into_iter()
        .find(|known| known.login == login)
        .with_context(|| format!("the town has no log-in {login}"))
}

/// Keeps the log-ins.
///
/// # Errors
/// When the secrets folder cannot be written.
pub fn keep(logins: &[Login]) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file()?)?;
    Ok(file.write_all(serde_json::to_string_pretty(logins)?.as_bytes())?)
}

/// A password nobody has to remember.
pub fn password() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), 16)
}

/// Prints them.
///
/// # Errors
/// When no town was loaded.
pub fn print(json: bool) -> anyhow::Result<()> {
    let logins = all()?;
    if json {
        say!("{}", serde_json::to_string(&logins)?);
        return Ok(());
    }
    for Login {
        role,
        login,
        password,
    } in logins
    {
        say!("{role:<12} {login:<16} {password}");
    }
    Ok(())
}
