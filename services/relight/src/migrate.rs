//! `relight migrate`: every schema up to date, every service with a database role of its own.

use std::process::ExitCode;

use anyhow::Context;
use relight_common::{
    config, db,
    secrets::{SERVICES, Secrets},
};

use crate::rooms;
use crate::say::say;

/// Runs as the owner role of `database.url`.
///
/// # Errors
/// When the server cannot be reached or a migration fails.
pub async fn run() -> anyhow::Result<ExitCode> {
    let settings = config::load()?;
    let owner = settings.database.owner()?;
    for service in SERVICES {
        db::migrate(&owner, service, rooms::migrations(service))
            .await
            .with_context(|| format!("schema {service}"))?;
        match Secrets::database_password(&settings.secrets_dir, service) {
            Some(password) => db::grant_role(&owner, service, &password)
                .await
                .with_context(|| format!("role of {service}"))?,
            None => eprintln!(
                "{service} has no password in {}: it will log in as the owner role",
                settings.secrets_dir.display()
            ),
        }
        say!("schema {service} is up to date");
    }
    Ok(ExitCode::SUCCESS)
}
