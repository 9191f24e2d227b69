//! Durable timers: written with the transition, fired in the transaction of what they cause. A crash fires none twice
//! and forgets none.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use sqlx::FromRow;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    clock::Clock,
    db::Db,
    error::{Coded, Error, chain},
    ids::derived,
    lease::pause,
    telemetry,
    work::Work,
};

/// Longest wait before looking for due timers again.
const POLL: Duration = Duration::from_millis(250);

/// A timer that is due.
#[derive(Debug, Clone, FromRow)]
pub struct Timer {
    /// What it is for, for instance `arrival.watch`.
    pub kind: String,
    /// The aggregate.
    pub subject: Uuid,
    /// When it was due.
    pub due_at: DateTime<Utc>,
    /// Version of the aggregate when it was set; a handler may find it outdated.
    pub version: i64,
    /// Failed attempts so far.
    pub attempts: i32,
    /// W3C trace context of what set it; may be empty.
    pub traceparent: String,
}

/// Carries out what a timer says, inside the transaction that also takes the timer away.
pub trait Handler: Send + Sync + 'static {
    /// The service's error.
    type Error: Coded + Send;

    /// Fires `timer`. An outdated one is simply ignored.
    fn fire(&self, work: &mut Work, timer: &Timer) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// A handler that has to know what other services say before some of its timers fire: nobody is asked inside a transaction.
pub trait Asking: Send + Sync + 'static {
    /// The service's error.
    type Error: Coded + Send;
    /// What the others say.
    type Known: Send;

    /// Whether a timer of this kind asks.
    fn asks(&self, kind: &str) -> bool;

    /// Asks, while no transaction is open. No answer is an answer too: the timer fires all the same.
    fn ask(&self, db: &Db, timer: &Timer) -> impl Future<Output = Self::Known> + Send;

    /// Fires `timer`, with what the others said if its kind asks. An outdated one is simply ignored.
    fn fire_with(
        &self,
        work: &mut Work,
        timer: &Timer,
        known: Option<Self::Known>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

impl<H: Handler> Asking for H {
    type Error = H::Error;
    type Known = ();

    fn asks(&self, _kind: &str) -> bool {
        false
    }

    async fn ask(&self, _db: &Db, _timer: &Timer) {}

    async fn fire_with(&self, work: &mut Work, timer: &Timer, _known: Option<()>) -> Result<(), H::Error> {
        self.fire(work, timer).await
    }
}

/// Fires due timers until `stop`. Several processes may run this: each timer is claimed by one.
pub async fn run<H: Asking>(db: Db, clock: Clock, handler: Arc<H>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match fire_one(&db, clock.now(), &*handler).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                tokio::select! {
                    () = db.timer_bell().notified() => {}
                    () = pause(&stop, POLL) => {}
                }
            }
            Err(error) => {
                tracing::warn!(service = db.service(), error = %chain(&error), "timers have to wait");
                pause(&stop, POLL).await;
            }
        }
    }
}

/// Fires all timers due at `now`, one transaction each. Returns how many fired; a failing one is put off.
///
/// # Errors
/// [`Error::Db`].
pub async fn fire_due<H: Asking>(db: &Db, now: DateTime<Utc>, handler: &H) -> Result<usize, Error> {
    let mut fired = 0;
    while fire_one(db, now, handler).await?.is_some() {
        fired += 1;
    }
    Ok(fired)
}

/// Whether a timer is due: one statement, where claiming none would be a transaction.
async fn any_due(db: &Db, now: DateTime<Utc>) -> Result<bool, Error> {
    sqlx::query_scalar("select exists (select 1 from timer where due_at <= $1)")
        .bind(now)
        .fetch_one(db.pool())
        .await
        .map_err(Error::db("look for due timers"))
}

async fn fire_one<H: Asking>(db: &Db, now: DateTime<Utc>, handler: &H) -> Result<Option<Timer>, Error> {
    if !any_due(db, now).await? {
        return Ok(None);
    }
    let mut work = Work::internal(db, "", now).await?;
    let Some(timer) = claim_next(&mut work, now).await? else {
        return Ok(None);
    };
    if !handler.asks(&timer.kind) {
        fire(db, work, timer, handler, None).await.map(Some)
    } else {
        // The claim is given back while others are asked; whoever claims it meanwhile fires it.
        work.undo().await?;
        let span = telemetry::span_from(span(&timer), &timer.traceparent);
        let asked = AssertUnwindSafe(handler.ask(db, &timer))
            .catch_unwind()
            .instrument(span);
        let Ok(known) = asked.await else {
            put_off(db, &timer, now, "the handler panicked").await?;
            return Ok(Some(timer));
        };
        let mut work = Work::internal(db, "", now).await?;
        match claim_again(&mut work, &timer).await? {
            true => fire(db, work, timer, handler, Some(known)).await.map(Some),
            false => Ok(Some(timer)),
        }
    }
}

async fn claim_next(work: &mut Work, now: DateTime<Utc>) -> Result<Option<Timer>, Error> {
    sqlx::query_as(
        "delete from timer where (kind, subject) = (
             select kind, subject from timer where due_at <= $1 order by due_at limit 1 for update skip locked
         ) returning kind, subject, due_at, version, attempts, traceparent",
    )
    .bind(now)
    .fetch_optional(work.conn())
    .await
    .map_err(Error::db("claim a timer"))
}

/// Whether it is still there as it was.
async fn claim_again(work: &mut Work, timer: &Timer) -> Result<bool, Error> {
    let claimed = sqlx::query(
        "delete from timer where (kind, subject) = (
             select kind, subject from timer where kind = $1 and subject = $2 and version = $3 and due_at = $4
             for update skip locked)",
    )
    .bind(&timer.kind)
    .bind(timer.subject)
    .bind(timer.version)
    .bind(timer.due_at)
    .execute(work.conn())
    .await
    .map_err(Error::db("claim a timer again"))?;
    Ok(claimed.rows_affected() == 1)
}

fn span(timer: &Timer) -> tracing::Span {
    tracing::info_span!("timer", otel.name = %format!("timer {}", timer.kind))
}

/// Carries out a timer that was claimed in `work`.
async fn fire<H: Asking>(
    db: &Db,
    mut work: Work,
    timer: Timer,
    handler: &H,
    known: Option<H::Known>,
) -> Result<Timer, Error> {
    let now = work.at();
    work.set_cause(derived(timer.subject, &format!("{}:{}", timer.kind, timer.version)).to_string());
    // A handler with a bug must not end the firing of all the others.
    let fired = AssertUnwindSafe(handler.fire_with(&mut work, &timer, known))
        .catch_unwind()
        .instrument(telemetry::span_from(span(&timer), &timer.traceparent))
        .await;
    match fired {
        Ok(Ok(())) => {
            work.done().await?;
            tracing::debug!(kind = timer.kind, "timer fired");
        }
        Ok(Err(error)) => {
            drop(work);
            put_off(db, &timer, now, &chain(&error)).await?;
        }
        Err(_) => {
            drop(work);
            put_off(db, &timer, now, "the handler panicked").await?;
        }
    }
    Ok(timer)
}

/// A failing timer stays, is tried again later and later (at most hourly), and shows its reason.
async fn put_off(db: &Db, timer: &Timer, now: DateTime<Utc>, reason: &str) -> Result<(), Error> {
    tracing::error!(
        service = db.service(),
        kind = timer.kind,
        attempts = timer.attempts,
        reason,
        "timer failed"
    );
    metrics::counter!("relight_timers_failed_total", "service" => db.service()).increment(1);
    let wait_s = 2_i64.pow(timer.attempts.clamp(0, 11).unsigned_abs()).min(3600);
    sqlx::query("update timer set attempts = attempts + 1, due_at = $3, last_error = $4 where kind = $1 and subject = $2 and version = $5")
        .bind(&timer.kind)
        .bind(timer.subject)
        .bind(now + TimeDelta::seconds(wait_s))
        .bind(reason)
        .bind(timer.version)
        .execute(db.pool())
        .await
        .map(drop)
        .map_err(Error::db("put a timer off"))
}
