//! `cargo xtask`: everything around the `relight` binary. This file holds the verbs only; each noun has its own file.
//!
//! Exit codes: 0 done, 1 it failed, 2 used in a way that cannot work (the message says what to do instead).

mod cargo;
mod ci;
mod load;
mod prepare;
mod secret;
mod servers;
mod stop;
mod test;
mod tidy;
mod up;
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
    /// Run Relight with servers of its own: install what is missing, build, migrate, load the demo town, serve.
    Up(up::Args),
    /// Call the Relight that `up` runs, such as `cargo xtask relight demo storm`.
    Relight(up::running::Args),
    /// Run the tests on real servers that live as long as the run.
    Test(test::Args),
    /// Start the test servers, print their addresses as `export` lines, and wait for Ctrl-C.
    Servers,
    /// Everything a change must pass, ending with the tests.
    Ci,
    /// Measure an optimised build against peers on this machine, on servers with durable settings.
    Bench(load::BenchArgs),
    /// Load and chaos against two processes, then every promise checked; exit code 1 when one is broken.
    Soak(load::SoakArgs),
    /// Check the rules of the house that no compiler knows.
    Tidy(tidy::Args),
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
        Verb::Up(args) => up::run(&args).map(|()| ExitCode::SUCCESS),
        Verb::Relight(args) => up::running::run(&args),
        Verb::Test(args) => test::run(&args),
        Verb::Servers => servers::by_hand::run().map(|()| ExitCode::SUCCESS),
        Verb::Ci => ci::run(),
        Verb::Bench(args) => load::bench(&args),
        Verb::Soak(args) => load::soak(&args),
        Verb::Tidy(args) => tidy::run(&args).map(|()| ExitCode::SUCCESS),
        Verb::Prepare(args) => prepare::run(&args).map(|()| ExitCode::SUCCESS),
    }
}
