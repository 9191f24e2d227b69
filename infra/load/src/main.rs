//! `relight-load`: what `cargo xtask bench` and `cargo xtask soak` run on the servers they started.
//!
//! Exit codes: 0 done, 1 a promise is broken or it failed, 2 wrong usage.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use relight_load::{bench, server::Given, soak};
use tokio::signal::unix::{SignalKind, signal};

/// What is measured in this process is measured as `relight` would run it: with its allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Load and chaos against the built `relight`.
#[derive(Debug, Parser)]
#[command(name = "relight-load", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Measure, against peers in the same run.
    Bench {
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        options: bench::Options,
    },
    /// Break what can break under load, then check every promise.
    Soak {
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        options: soak::Options,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    // Where nobody listens, every span of every call is written as a record of `log`.
    if tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::default()).is_err() {
        eprintln!("relight-load: somebody listened first");
    }
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        eprintln!("relight-load: another TLS provider was there first");
    }
    let done = tokio::select! {
        done = run(Cli::parse().verb) => done,
        // The processes under load end with the values that hold them.
        () = told_to_stop() => Err(anyhow::anyhow!("stopped")),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("relight-load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything is as it should be.
async fn run(verb: Verb) -> anyhow::Result<bool> {
    match verb {
        Verb::Bench { given, options } => bench::run(&given, &options).await.map(|()| true),
        Verb::Soak { given, options } => soak::run(&given, &options).await,
    }
}

async fn told_to_stop() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
