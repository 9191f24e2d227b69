//! `cargo xtask`: everything around the `relight` binary. This file holds the verbs only; each noun has its own file.
//!
//! Exit codes: 0 done, 1 it failed, 2 used in a way that cannot work (the message says what to do instead).

mod cargo;
mod prepare;
mod secret;
mod servers;
mod stop;
mod usage;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development tasks of Relight.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Start the test servers, print their addresses as `export` lines, and wait for Ctrl-C.
    Servers,
    /// Renew the committed descriptions of the SQL queries (`<crate>/.sqlx`).
    Prepare(prepare::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().verb) {
        Ok(code) => code,
        Err(error) => usage::report(&error),
    }
}

fn run(verb: Verb) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Servers => servers::by_hand::run()?,
        Verb::Prepare(args) => prepare::run(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}
