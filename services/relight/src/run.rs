//! `relight up` and `relight serve`: start roles, wait for a signal, stop in order.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::Context;
use relight_common::{
    Clock, config,
    monitor::{self, Started},
    secrets::{SERVICES, Secrets},
    service::Host,
};
use serde::Deserialize;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    cli,
    rooms::{self, EDGES},
};

#[derive(Deserialize)]
struct Edge {
    listen: SocketAddr,
}

/// All roles in one process, calling each other by gRPC on loopback.
///
/// # Errors
/// When a role cannot start.
pub async fn up(options: &cli::Up) -> anyhow::Result<ExitCode> {
    let mut settings = config::load()?;
    settings.grpc.tls = false;
    let mut listeners = Vec::new();
    for service in SERVICES {
        let listener = bind("127.0.0.1:0".parse().expect("an address")).await?;
        settings
            .grpc
            .peers
            .insert(service.to_owned(), format!("http://{}", listener.local_addr()?));
        listeners.push((service, listener));
    }
    let http = bind(options.http.map_or_else(|| edge("http"), Ok)?).await?;
    let mobile = bind(options.mobile.map_or_else(|| edge("mobile"), Ok)?).await?;
    let (address, mobile_address) = (http.local_addr()?, mobile.local_addr()?);
    listeners.extend([("gateway", http), ("mobile-api", mobile)]);
    let host = host(settings, "relight")?;
    start(&host, listeners).await?;
    println!("relight mobile http://{mobile_address}");
    println!("relight ready http://{address}");
    until_told(&host).await
}

/// Some roles, with mTLS between processes.
///
/// # Errors
/// When a role is unknown or cannot start.
pub async fn serve(options: &cli::Serve) -> anyhow::Result<ExitCode> {
    let settings = config::load()?;
    let first = options.role.first().context("--role needs at least one role")?;
    let mut listeners = Vec::new();
    for role in &options.role {
        let address = match role.as_str() {
            "gateway" => edge("http")?,
            "mobile-api" => edge("mobile")?,
            service => *settings.grpc.listen.get(service).with_context(|| {
                format!(
                    "there is no role {service}; there are {} and {}",
                    SERVICES.join(", "),
                    EDGES.join(", ")
                )
            })?,
        };
        listeners.push((role.as_str(), bind(address).await?));
    }
    let host = host(settings, first)?;
    start(&host, listeners).await?;
    println!("relight serving {}", options.role.join(","));
    until_told(&host).await
}

fn host(settings: config::Settings, role: &str) -> anyhow::Result<Host> {
    let secrets = Secrets::load(&settings.secrets_dir)
        .context("the secrets are not there; `relight doctor --make-secrets DIR` makes them")?;
    Host::new(settings, secrets, clock()?, role)
}

#[derive(Deserialize)]
struct ClockSection {
    offset_file: PathBuf,
}

/// The machine's clock, unless a test of the whole system moves it.
///
/// # Errors
/// When the file that moves it does not say by how much.
pub fn clock() -> anyhow::Result<Clock> {
    let section: ClockSection = config::section("clock")?;
    if section.offset_file.as_os_str().is_empty() {
        return Ok(Clock::System);
    }
    tracing::warn!("clock.offset_file moves the clock of this deployment: for tests only");
    Ok(Clock::moved(section.offset_file)?)
}

/// Where the edge of that section listens.
///
/// # Errors
/// When the configuration says no address.
pub fn edge(section: &str) -> anyhow::Result<SocketAddr> {
    Ok(config::section::<Edge>(section)?.listen)
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
}

async fn start(host: &Host, listeners: Vec<(&str, TcpListener)>) -> anyhow::Result<()> {
    let started = monitored(host).await?;
    for (role, listener) in listeners {
        let started = rooms::start(host, role, listener)
            .await
            .with_context(|| format!("{role} could not start"));
        if let Err(error) = started {
            host.shut_down().await;
            return Err(error);
        }
    }
    started.tell();
    Ok(())
}

/// Serves metrics and health where the configuration says so.
async fn monitored(host: &Host) -> anyhow::Result<Started> {
    let started = Started::default();
    if let Some(address) = host.settings.telemetry.metrics_address()? {
        let listener = bind(address).await?;
        println!("relight metrics http://{}", listener.local_addr()?);
        monitor::serve(host, listener, started.clone());
    }
    Ok(started)
}

/// Waits for SIGINT, SIGTERM or a broken server, then stops accepting, finishes, tells, and ends.
async fn until_told(host: &Host) -> anyhow::Result<ExitCode> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let broken = tokio::select! {
        _ = interrupt.recv() => false,
        _ = terminate.recv() => false,
        () = host.stop.cancelled() => true,
    };
    tracing::info!("stopping: finishing what was accepted, telling what was committed");
    host.shut_down().await;
    Ok(if broken {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
