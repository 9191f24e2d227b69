//! Keeps one bind up: connects, runs the session, and after an end tries again with growing pauses.

use super::session::{End, bind, run};
use super::{Bind, Inbound, Shared, backoff};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The task side of one bind. Its owner spawns and joins [`Link::run`].
pub struct Link {
    shared: Arc<Shared>,
    inbound: mpsc::UnboundedSender<Inbound>,
}

/// Whatever ends the link, clients must not wait for it.
struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.bind.send_replace(Bind::Closed);
    }
}

impl Link {
    pub(super) fn new(shared: Arc<Shared>, inbound: mpsc::UnboundedSender<Inbound>) -> Self {
        Self { shared, inbound }
    }

    /// Runs until `stop` fires; then waits for the answers under way, unbinds and returns.
    pub async fn run(self, stop: CancellationToken) {
        let _close = CloseOnDrop(self.shared.clone());
        let mut failures = 0;
        while !stop.is_cancelled() {
            match self.session(&stop).await {
                Some(bound) => failures = if bound { 0 } else { failures },
                None => return,
            }
            let roll: f64 = rand::random();
            let config = &self.shared.config;
            let pause = backoff::pause(failures, config.reconnect_min, config.reconnect_max, roll);
            failures = failures.saturating_add(1);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// One connection. `None`: stopped. `Some`: ended, and whether it had been bound.
    async fn session(&self, stop: &CancellationToken) -> Option<bool> {
        let provider = &self.shared.config.provider;
        let bound = tokio::select! {
            bound = bind(&self.shared.config) => bound,
            () = stop.cancelled() => return None,
        };
        match bound {
            Ok(bound) => {
                tracing::info!(%provider, "SMPP session bound");
                match run(bound, self.shared.clone(), self.inbound.clone(), stop).await {
                    End::Stopped if stop.is_cancelled() => return None,
                    End::Stopped => tracing::warn!(%provider, "SMPP session unbound by the provider"),
                    End::Lost(why) => tracing::warn!(%provider, why, "SMPP session lost"),
                }
                Some(true)
            }
            Err(error) => {
                tracing::warn!(%provider, error = %error, "SMPP session not bound");
                Some(false)
            }
        }
    }
}
