//! What every handler shares.

use std::{sync::Arc, time::Duration};

use axum::extract::FromRef;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use relight_common::{
    Clock,
    config::section,
    edge::{Edge, Limits, photo::Photos},
    grpc::Outgoing,
    service::Host,
};
use relight_proto::{
    access::v1::access_client::AccessClient, arrears::v1::arrears_client::ArrearsClient,
    dispatch::v1::dispatch_client::DispatchClient, planner::v1::planner_client::PlannerClient,
};
use serde::Deserialize;

/// Section `mobile`.
#[derive(Debug, Deserialize)]
struct Mobile {
    /// Largest request body, bytes.
    body_max: usize,
    /// Entries the stream of positions keeps, about.
    positions_kept: usize,
    /// Rates.
    #[serde(flatten)]
    limits: Limits,
}

/// Shared state.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    edge: Edge,
    access: AccessClient<Outgoing>,
    dispatch: DispatchClient<Outgoing>,
    arrears: ArrearsClient<Outgoing>,
    planner: PlannerClient<Outgoing>,
    redis: ConnectionManager,
    stream: String,
    positions_kept: usize,
    clock: Clock,
    body_max: usize,
    photos: Photos,
}

impl App {
    /// The state of a crew edge in `host`.
    ///
    /// # Errors
    /// When the configuration is wrong.
    pub fn new(host: &Host) -> anyhow::Result<Self> {
        let mobile: Mobile = section("mobile")?;
        anyhow::ensure!(
            (1_024..=16 * 1024 * 1024).contains(&mobile.body_max),
            "mobile.body_max must be from 1024 to 16777216 bytes"
        );
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_response_timeout(Some(Duration::from_secs(2)))
            .set_number_of_retries(1);
        Ok(Self(Arc::new(Inner {
            edge: Edge::new(host.peers.clone(), mobile.limits),
            access: AccessClient::new(host.peers.to("access")),
            dispatch: DispatchClient::new(host.peers.to("dispatch")),
            arrears: ArrearsClient::new(host.peers.to("arrears")),
            planner: PlannerClient::new(host.peers.to("planner")),
            redis: ConnectionManager::new_lazy_with_config(host.redis.clone(), config)?,
            stream: format!("{}:positions", host.settings.redis.namespace),
            positions_kept: mobile.positions_kept,
            clock: host.clock.clone(),
            body_max: mobile.body_max,
            photos: Photos::of(&host.settings)?,
        })))
    }

    /// Sessions, limits, peers.
    pub fn edge(&self) -> &Edge {
        &self.0.edge
    }
    /// People and sessions.
    pub fn access(&self) -> &AccessClient<Outgoing> {
        &self.0.access
    }
    /// Orders and crews.
    pub fn dispatch(&self) -> &DispatchClient<Outgoing> {
        &self.0.dispatch
    }
    /// Planned outages.
    pub fn planner(&self) -> &PlannerClient<Outgoing> {
        &self.0.planner
    }
    /// Debts and leave to cut.
    pub fn arrears(&self) -> &ArrearsClient<Outgoing> {
        &self.0.arrears
    }
    /// A connection for writing positions.
    pub fn redis(&self) -> ConnectionManager {
        self.0.redis.clone()
    }
    /// Name of the stream of positions.
    pub fn stream(&self) -> &str {
        &self.0.stream
    }
    /// Entries that stream keeps, about.
    pub fn positions_kept(&self) -> usize {
        self.0.positions_kept
    }
    /// Photos and their bytes.
    pub fn photos(&self) -> &Photos {
        &self.0.photos
    }
    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }
    /// Largest request body, bytes.
    pub fn body_max(&self) -> usize {
        self.0.body_max
    }
}

impl FromRef<App> for Edge {
    fn from_ref(app: &App) -> Self {
        app.edge().clone()
    }
}
