//! The one binary: every role of Relight, and the commands around them.
//!
//! Exit codes: 0 answered (also when the answer is no), 1 bad data or a failure, 2 wrong usage, 141 nobody reads any more.

mod account;
mod cli;
mod demo;
mod doctor;
mod events;
mod grid;
mod import;
mod infer;
mod migrate;
mod policy;
mod rooms;
mod run;
mod say;
mod simulate;

use std::process::ExitCode;

use clap::Parser;
use relight_common::{config, telemetry};

/// A sixth of the processor time of a storm was the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("no provider was installed before main");
    match answer(cli::Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("relight: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn answer(cli: cli::Cli) -> anyhow::Result<ExitCode> {
    let guard = telemetry::start(&config::section("telemetry")?)?;
    let code = match cli.verb {
        cli::Verb::Up(up) => run::up(&up).await?,
        cli::Verb::Serve(serve) => run::serve(&serve).await?,
        cli::Verb::Migrate => migrate::run().await?,
        cli::Verb::Import(what) => import::run(&what).await?,
        cli::Verb::Grid(what) => grid::run(&what)?,
        cli::Verb::Infer(what) => infer::run(&what)?,
        cli::Verb::Simulate(what) => simulate::run(&what)?,
        cli::Verb::Account(account) => account::run(&account).await?,
        cli::Verb::Doctor(doctor) => doctor::run(&doctor).await?,
        cli::Verb::Events(events) => events::run(&events).await?,
        cli::Verb::Policy(policy) => policy::run(&policy)?,
        cli::Verb::Demo(demo) => demo::run(&demo).await?,
    };
    guard.flush();
    Ok(code)
}
