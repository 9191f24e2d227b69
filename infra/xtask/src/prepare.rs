//! `cargo xtask prepare`: renews `<crate>/.sqlx`, the committed descriptions of that crate's SQL queries.
//!
//! Builds check queries against these files, so that nobody needs a database to compile. The macros of sqlx
//! write one file per query when they see a live database; this verb gives them one with every migration applied.

mod offline;
mod schema;

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};

use crate::cargo::cargo;
use crate::servers::postgres::{find_bin, psql};
use crate::servers::scratch::Scratch;
use crate::stop::Stop;
use crate::usage::usage;
use crate::workspace::{self, Crate};

/// An existing server for the throw-away database; without it one is started.
const SERVER_VARIABLE: &str = "RELIGHT_PREPARE_DATABASE_URL";

/// Options of `prepare`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these crates (all that use checked queries otherwise).
    #[arg(short, long)]
    package: Vec<String>,
    /// Change nothing; fail when the committed files differ.
    #[arg(long)]
    check: bool,
}

impl Args {
    /// Every crate, changing nothing.
    pub(crate) fn check() -> Self {
        Self {
            package: Vec::new(),
            check: true,
        }
    }
}

/// Renews or checks the files of the chosen crates.
pub(crate) fn run(args: &Args) -> Result<()> {
    let stop = Stop::on_signals()?;
    let root = workspace::root()?;
    let chosen = choose(workspace::crates(&root)?, &args.package)?;
    if chosen.is_empty() {
        println!("no crate uses checked queries");
        return Ok(());
    }
    with_database(&root, &stop, |url| {
        let mut stale = Vec::new();
        for one in &chosen {
            stale.extend(renew(&root, one, url, args.check)?);
        }
        if args.check && !stale.is_empty() {
            bail!(
                "{} differ; run `cargo xtask prepare` and commit:\n{}",
                stale.len(),
                stale.join("\n")
            );
        }
        Ok(())
    })
}

fn choose(all: Vec<Crate>, wanted: &[String]) -> Result<Vec<Crate>> {
    for name in wanted {
        if !all.iter().any(|one| one.name == *name) {
            return Err(usage(format!("no crate is named {name}")));
        }
    }
    let mut chosen = Vec::new();
    for one in all {
        if (wanted.is_empty() || wanted.contains(&one.name)) && has_checked_queries(&one)? {
            chosen.push(one);
        }
    }
    Ok(chosen)
}

fn has_checked_queries(one: &Crate) -> Result<bool> {
    if !one.depends_on("sqlx") {
        return Ok(false);
    }
    for file in workspace::files(&one.dir.join("src"), "rs")? {
        let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        if uses_macro(&text) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn uses_macro(text: &str) -> bool {
    ["query!(", "query_as!(", "query_scalar!("]
        .iter()
        .any(|name| text.contains(name))
}

/// Lends `work` the address of a database with every service's schema in it.
fn with_database(root: &Path, stop: &Stop, work: impl FnOnce(&str) -> Result<()>) -> Result<()> {
    if let Ok(server) = std::env::var(SERVER_VARIABLE) {
        return with_database_on(root, &server, work);
    }
    let scratch = Scratch::start_postgres(stop)?;
    let url = scratch.postgres().url("relight_test");
    schema::apply(root, scratch.postgres().bin(), &url)?;
    work(&url)?;
    scratch.stop()
}

fn with_database_on(root: &Path, server: &str, work: impl FnOnce(&str) -> Result<()>) -> Result<()> {
    let bin = find_bin(Path::new(""))?;
    let name = format!("relight_prepare_{}", std::process::id());
    psql(&bin, server, |psql| {
        psql.args(["-c", &format!("create database {name}")])
    })?;
    let url = schema::sibling_url(server, &name);
    let done = schema::apply(root, &bin, &url).and_then(|()| work(&url));
    psql(&bin, server, |psql| {
        psql.args(["-c", &format!("drop database {name} with (force)")])
    })?;
    done
}

/// Compiles one crate against the database and takes over what sqlx wrote. Returns what differed.
fn renew(root: &Path, one: &Crate, url: &str, check: bool) -> Result<Vec<String>> {
    let fresh = tempfile::tempdir().context("make a temporary folder")?;
    let compiled = compile(root, one, url, fresh.path())?;
    let committed = one.dir.join(".sqlx");
    // A crate that does not compile yet still gets the descriptions of the queries that are right.
    let changes = offline::compare(fresh.path(), &committed, compiled)?;
    if !check {
        offline::take_over(fresh.path(), &committed, &changes)?;
        println!("{}: {}", one.name, changes.summary());
    }
    if !compiled {
        bail!(
            "{} does not compile; see above (old descriptions were kept)",
            one.name
        );
    }
    Ok(changes
        .names()
        .map(|name| format!("{}/.sqlx/{name}", one.name))
        .collect())
}

fn compile(root: &Path, one: &Crate, url: &str, fresh: &Path) -> Result<bool> {
    touch(one)?;
    let mut command = cargo(root);
    command.args(["check", "--quiet", "--package", &one.name]);
    command
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", fresh)
        .env("DATABASE_URL", url);
    Ok(command.status().context("start cargo")?.success())
}

/// Makes cargo compile the crate again: it does not know that the macros look at a database.
fn touch(one: &Crate) -> Result<()> {
    for name in ["src/lib.rs", "src/main.rs"] {
        let path = one.dir.join(name);
        if path.exists() {
            let file = fs::File::options().append(true).open(&path);
            file.and_then(|file| file.set_modified(SystemTime::now()))
                .with_context(|| format!("touch {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_checking_macros_count() {
        assert!(uses_macro("sqlx::query_as!(Row, \"select 1\")"));
        assert!(uses_macro("let row = query!(\"select 1\")"));
        assert!(!uses_macro("sqlx::query(\"select 1\")"));
    }

    #[test]
    fn an_unknown_crate_is_the_callers_mistake() {
        let error = choose(Vec::new(), &["relight-nothing".to_owned()]).expect_err("no such crate");
        assert!(error.to_string().contains("relight-nothing"));
    }
}
