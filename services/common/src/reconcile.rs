//! Checks over whole own tables what events and timers should have done, and mends what they did not.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    clock::Clock,
    command,
    db::{self, Db},
    error::{Error, chain},
    lease,
};

const COMMANDS_KEPT_DAYS: i64 = 7;
/// Batches in one pass; enough for 5,000 commands a second.
const PURGES_MAX: usize = 30;

/// Finds and mends what was missed; returns how many things it mended.
pub trait Reconciler: Send + Sync + 'static {
    /// One pass.
    fn pass(
        &self,
        db: &Db,
        now: chrono::DateTime<chrono::Utc>,
    ) -> impl Future<Output = Result<u64, Error>> + Send;
}

/// A service with nothing of its own to check still has its common tables kept.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl Reconciler for Nothing {
    async fn pass(&self, _db: &Db, _now: chrono::DateTime<chrono::Utc>) -> Result<u64, Error> {
        Ok(0)
    }
}

/// Runs passes under a lease until `stop`, and the upkeep of the common tables beside them.
pub async fn run<R: Reconciler>(
    db: Db,
    clock: Clock,
    every: Duration,
    own: R,
    holder: Uuid,
    stop: CancellationToken,
) {
    let pool = db.pool().clone();
    let own = &own;
    lease::run_under(&pool, "reconcile", holder, &stop, |_lease, ended| {
        let (db, clock) = (db.clone(), clock.clone());
        async move {
            while !ended.is_cancelled() {
                pass(&db, &clock, own).await;
                lease::pause(&ended, every).await;
            }
        }
    })
    .await;
}

async fn pass<R: Reconciler>(db: &Db, clock: &Clock, own: &R) {
    match own.pass(db, clock.now()).await {
        Ok(0) => {}
        Ok(mended) => {
            tracing::warn!(
                service = db.service(),
                mended,
                "the reconciler mended what was missed"
            );
            metrics::counter!("relight_reconciled_total", "service" => db.service()).increment(mended);
        }
        Err(error) => {
            tracing::warn!(service = db.service(), error = %chain(&error), "the reconciler has to wait")
        }
    }
    if let Err(error) = upkeep(db, clock).await {
        tracing::warn!(service = db.service(), error = %chain(&error), "upkeep has to wait");
    }
}

async fn upkeep(db: &Db, clock: &Clock) -> Result<(), Error> {
    db::keep_partitions(db.pool()).await?;
    let before = clock.now() - chrono::TimeDelta::days(COMMANDS_KEPT_DAYS);
    for _ in 0..PURGES_MAX {
        if command::purge(db.pool(), before).await? == 0 {
            break;
        }
    }
    let oldest: Option<f64> = sqlx::query_scalar(
        "select extract(epoch from now() - min(occurred_at))::float8 from outbox where seq is null",
    )
    .fetch_one(db.pool())
    .await
    .map_err(Error::db("look for untold events"))?;
    metrics::gauge!("relight_outbox_oldest_unsent_seconds", "service" => db.service())
        .set(oldest.unwrap_or(0.0));
    let parked: i64 = sqlx::query_scalar("select count(*) from dead_letter where resolved_at is null")
        .fetch_one(db.pool())
        .await
        .map_err(Error::db("count parked events"))?;
    metrics::gauge!("relight_dead_letters", "service" => db.service())
        .set(u32::try_from(parked).unwrap_or(u32::MAX));
    Ok(())
}
