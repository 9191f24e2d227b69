//! `relight account put`: people who sign in; the first administrator is made this way.

use std::{io::Read, process::ExitCode};

use anyhow::Context;
use chrono::Utc;
use relight_access::{Account, Language};
use relight_common::{Db, Grant, Role, config, config::Settings};
use uuid::Uuid;

use crate::cli::{self, AccountVerb};
use crate::say::say;

/// What an account is, besides its log-in and password.
pub struct Who {
    /// Its role and where it holds.
    pub grant: Grant,
    /// Name shown to others.
    pub name: String,
    /// The unit of a unit desk.
    pub unit_id: Option<Uuid>,
    /// The crew of a crew's phone.
    pub crew_id: Option<Uuid>,
}

/// Makes or changes an account.
///
/// # Errors
/// When a field is wrong or the database cannot be reached.
pub async fn run(account: &cli::Account) -> anyhow::Result<ExitCode> {
    let AccountVerb::Put(options) = &account.verb;
    let role =
        Role::parse(&options.role).with_context(|| format!("--role: there is no role {}", options.role))?;
    let password = match &options.password {
        Some(password) => password.clone(),
        None => from_standard_input()?,
    };
    let who = Who {
        grant: Grant {
            role,
            org_path: options.org_path.clone(),
        },
        name: options.name.clone().unwrap_or_else(|| options.login.clone()),
        unit_id: options.unit,
        crew_id: options.crew,
    };
    put(&config::load()?, &options.login, &who, &password).await?;
    say!("account {} stands", options.login);
    Ok(ExitCode::SUCCESS)
}

/// Makes the account or changes it.
///
/// # Errors
/// When a field is wrong or the database cannot be reached.
pub async fn put(settings: &Settings, login: &str, who: &Who, password: &str) -> anyhow::Result<()> {
    let db = Db::connect(&settings.database, "access").await?;
    let account = Account {
        login: login.to_owned(),
        display_name: who.name.clone(),
        grants: vec![who.grant.clone()],
        crew_id: who.crew_id,
        unit_id: who.unit_id,
        language: Language::Unset,
        disabled: false,
    };
    relight_access::put_account(&db, account, password, Utc::now()).await?;
    Ok(())
}

fn from_standard_input() -> anyhow::Result<String> {
    let mut password = String::new();
    std::io::stdin()
        .read_to_string(&mut password)
        .context("read the password")?;
    Ok(password.trim_end_matches(['\r', '\n']).to_owned())
}
