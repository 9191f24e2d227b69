//! Reads another service's events: from Redis while it flows; pulled from the owner on a gap, after a flush, and when
//! the owner's head is ahead. The position is written in the transaction of the effect, so a crash anywhere repeats
//! nothing and skips nothing. One reader per source at a time (a fenced lease), events in order per partition.

mod apply;
mod failure;
mod feed;
mod parked;
mod position;

use std::sync::Arc;

use relight_proto::events::v1::Event;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use crate::{db::Db, error::Coded, grpc::EventsOwner, lease, telemetry, work::Work};

pub use apply::{Runs, apply_batch, apply_runs};

/// What a consumer did with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Applied, or nothing to do for it.
    Applied,
    /// A type this release does not know: counted and skipped.
    Unknown,
}

/// Applies the events of one source. Two steps, because no network call is made inside a transaction.
pub trait Consumer: Send + Sync + 'static {
    /// What was fetched for an event before the transaction.
    type Prepared: Send;
    /// The service's error; `Unavailable` and `Aborted` are tried again, everything else parks the aggregate.
    type Error: Coded + From<crate::Error> + Send + Sync + 'static;

    /// Fetches over the network what applying needs. Must be repeatable.
    fn prepare(&self, event: &Event) -> impl Future<Output = Result<Self::Prepared, Self::Error>> + Send;

    /// The same for several events, in their order. For consumers to whom one question answers many of them.
    fn prepare_all(
        &self,
        events: &[&Event],
    ) -> impl Future<Output = Result<Vec<Self::Prepared>, Self::Error>> + Send {
        async move {
            let mut prepared = Vec::with_capacity(events.len());
            for event in events {
                let span = telemetry::consume_span(event);
                prepared.push(self.prepare(event).instrument(span).await?);
            }
            Ok(prepared)
        }
    }

    /// Applies the event inside the transaction that also stores the position.
    fn apply(
        &self,
        work: &mut Work,
        event: &Event,
        prepared: Self::Prepared,
    ) -> impl Future<Output = Result<Outcome, Self::Error>> + Send;

    /// The same for several events, in their order. For consumers to whom one statement writes what many of them ask for;
    /// those they cannot gather go through [`apply_one`]. The outcome must be that of one by one: when it fails nothing
    /// of it stays, and each event comes again alone, so that the one at fault is found.
    fn apply_all(
        &self,
        work: &mut Work,
        events: Vec<(&Event, Self::Prepared)>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        async move {
            for (event, prepared) in events {
                apply_one(self, work, event, prepared).await?;
            }
            Ok(())
        }
    }
}

/// Applies one event of several: what it tells and audits names it as the cause, and is written with all of theirs.
///
/// # Errors
/// Those of [`Consumer::apply`].
pub async fn apply_one<C: Consumer + ?Sized>(
    consumer: &C,
    work: &mut Work,
    event: &Event,
    prepared: C::Prepared,
) -> Result<(), C::Error> {
    work.set_cause(event.id.clone());
    let applying = async {
        if consumer.apply(work, event, prepared).await? == Outcome::Unknown {
            metrics::counter!("relight_events_unknown_total", "source" => event.source.clone()).increment(1);
        }
        Ok(())
    };
    applying.instrument(telemetry::consume_span(event)).await
}

/// Where a reader reads.
#[derive(Debug, Clone)]
pub struct Source {
    /// Owning service.
    pub name: &'static str,
    /// Redis, for being woken.
    pub redis: redis::Client,
    /// Stream namespace, see [`stream_key`](crate::relay::stream_key).
    pub namespace: String,
    /// The owner's `Events`, for what Redis lost.
    pub owner: EventsOwner,
}

/// Reads `source` into `consumer` until `stop`.
pub async fn run<C: Consumer>(
    db: Db,
    source: Source,
    consumer: Arc<C>,
    holder: Uuid,
    stop: CancellationToken,
) {
    let name = format!("reader:{}", source.name);
    let pool = db.pool().clone();
    lease::run_under(&pool, &name, holder, &stop, |_lease, ended| {
        feed::run(db.clone(), source.clone(), consumer.clone(), ended)
    })
    .await;
}
