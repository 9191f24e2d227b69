//! What watches a process asks it here, on an address of its own and never on a public port: `/metrics`, `/healthz` (it
//! runs) and `/readyz` (everything it was told to serve is served, and it is not stopping).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, http::StatusCode, routing::get};
use tokio::net::TcpListener;

use crate::{service::Host, telemetry};

/// Tells `/readyz` that the process has started.
#[derive(Debug, Clone, Default)]
pub struct Started(Arc<AtomicBool>);

impl Started {
    /// Everything is served from now on.
    pub fn tell(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Serves until the host stops. Begins before the roles do, so that a start which hangs can be seen.
pub fn serve(host: &Host, listener: TcpListener, started: Started) {
    let stop = host.stop.clone();
    let stopping = stop.clone();
    let ready = async move || {
        if stopping.is_cancelled() {
            return Err((StatusCode::SERVICE_UNAVAILABLE, "stopping\n"));
        }
        let started = started.0.load(Ordering::Acquire);
        started
            .then_some("ready\n")
            .ok_or((StatusCode::SERVICE_UNAVAILABLE, "starting\n"))
    };
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(async || telemetry::render_metrics()));
    host.tasks.spawn(async move {
        let serving = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        // Nobody's work depends on it: the process goes on without.
        if let Err(error) = serving.await {
            tracing::error!(%error, "the monitor's server broke");
        }
    });
}
