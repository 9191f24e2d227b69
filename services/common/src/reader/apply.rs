//! Applying events: a batch in one transaction while all goes well; one by one when something is wrong, so that the
//! one event that cannot be applied is parked with its aggregate and the others go on.

use std::{panic::AssertUnwindSafe, time::Duration};

use chrono::Utc;
use futures_util::FutureExt;
use prost::Message;
use relight_proto::events::v1::Event;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Consumer, Outcome, feed::seq_of};
use crate::{
    db::{Db, PARTITIONS},
    dead_letter,
    error::{Code, Coded, Error, chain},
    lease::pause,
    telemetry,
    work::Work,
};

/// An entry at which the reader stopped this often without progress is parked unread.
const MAX_STALLS: i32 = 3;
/// Events applied in one transaction.
const BATCH: usize = 100;
/// Wait before an event that may succeed is tried again.
const AGAIN: Duration = Duration::from_millis(250);

/// Notes a start and gives the positions of all partitions.
pub(super) async fn start(db: &Db, source: &str) -> Result<Vec<i64>, Error> {
    sqlx::query_scalar(
        "insert into reader_position as r (source, partition_no, stalls)
         select $1, p, 0 from generate_series(0, $2 - 1) p
         on conflict (source, partition_no) do update set stalls = r.stalls + 1
         returning seq",
    )
    .bind(source)
    .bind(i32::from(PARTITIONS))
    .fetch_all(db.pool())
    .await
    .map_err(Error::db("load the reader's positions"))
}

/// One partition of one source, being applied.
struct Lane<'a, C> {
    db: &'a Db,
    source: &'static str,
    partition: i16,
    consumer: &'a C,
    stop: &'a CancellationToken,
}

/// Applies a contiguous run of events of one partition. Returns the position reached, which is behind the run only
/// when told to stop. Also used by tests.
///
/// # Errors
/// [`Error::Db`] when Postgres is away.
pub async fn apply_batch<C: Consumer>(
    db: &Db,
    source: &'static str,
    partition: i16,
    events: Vec<Event>,
    consumer: &C,
    stop: &CancellationToken,
) -> Result<i64, Error> {
    let lane = Lane {
        db,
        source,
        partition,
        consumer,
        stop,
    };
    let (mut reached, stalls) = stored(db, source, partition).await?;
    let mut pending = events;
    pending.retain(|event| seq_of(event) > reached);
    if stalls > MAX_STALLS && !pending.is_empty() {
        let killer = pending.remove(0);
        lane.park(&killer, "its reader stopped three times at this event")
            .await?;
        reached = seq_of(&killer);
    }
    for chunk in pending.chunks(if stalls > 1 { 1 } else { BATCH }) {
        if stop.is_cancelled() {
            return Ok(reached);
        }
        reached = lane.chunk(chunk, reached).await?;
    }
    Ok(reached)
}

impl<C: Consumer> Lane<'_, C> {
    /// All together if it goes well, else one by one.
    async fn chunk(&self, chunk: &[Event], mut reached: i64) -> Result<i64, Error> {
        if let Ok(position) = together(self.db, self.source, self.partition, chunk, self.consumer).await {
            return Ok(position);
        }
        for event in chunk {
            match self.single(event).await? {
                Some(position) => reached = position,
                None => return Ok(reached),
            }
        }
        Ok(reached)
    }

    /// One event until it is applied or parked; `None` when told to stop before.
    async fn single(&self, event: &Event) -> Result<Option<i64>, Error> {
        loop {
            match together(
                self.db,
                self.source,
                self.partition,
                std::slice::from_ref(event),
                self.consumer,
            )
            .await
            {
                Ok(position) => return Ok(Some(position)),
                Err(failure) if failure.again => {
                    tracing::warn!(
                        service = self.db.service(),
                        source = self.source,
                        r#type = event.r#type,
                        error = failure.reason,
                        "trying an event again"
                    );
                    pause(self.stop, AGAIN).await;
                    if self.stop.is_cancelled() {
                        return Ok(None);
                    }
                }
                Err(failure) => {
                    self.park(event, &failure.reason).await?;
                    return Ok(Some(seq_of(event)));
                }
            }
        }
    }

    async fn park(&self, event: &Event, reason: &str) -> Result<(), Error> {
        let (db, source, partition) = (self.db, self.source, self.partition);
        tracing::error!(
            service = db.service(),
            source,
            partition,
            seq = event.seq,
            r#type = event.r#type,
            reason,
            "event parked"
        );
        metrics::counter!("relight_events_parked_total", "service" => db.service(), "source" => source)
            .increment(1);
        let mut work = Work::internal(db, event.id.clone(), Utc::now()).await?;
        if lock(&mut work, source, partition).await? >= seq_of(event) {
            return Ok(());
        }
        dead_letter::put(work.conn(), source, event, reason).await?;
        advance(&mut work, source, partition, seq_of(event)).await?;
        work.done().await
    }
}

/// Why a transaction did not come about, and whether trying again may help.
struct Failure {
    again: bool,
    reason: String,
}

impl Failure {
    fn of(error: &impl Coded) -> Self {
        let again = matches!(
            error.code(),
            Code::Unavailable | Code::Aborted | Code::DeadlineExceeded
        );
        Self {
            again,
            reason: chain(error),
        }
    }

    fn panicked() -> Self {
        Self {
            again: false,
            reason: "the consumer panicked".to_owned(),
        }
    }
}

/// All of `events` and the new position in one transaction.
async fn together<C: Consumer>(
    db: &Db,
    source: &'static str,
    partition: i16,
    events: &[Event],
    consumer: &C,
) -> Result<i64, Failure> {
    let mut prepared = Vec::with_capacity(events.len());
    for event in events {
        let fetch = AssertUnwindSafe(consumer.prepare(event))
            .catch_unwind()
            .instrument(telemetry::consume_span(event));
        prepared.push(
            fetch
                .await
                .map_err(|_| Failure::panicked())?
                .map_err(|e| Failure::of(&e))?,
        );
    }
    let mut work = Work::internal(db, "", Utc::now())
        .await
        .map_err(|e| Failure::of(&e))?;
    let before = lock(&mut work, source, partition)
        .await
        .map_err(|e| Failure::of(&e))?;
    for (event, prepared) in events.iter().zip(prepared) {
        if seq_of(event) <= before {
            continue;
        }
        work.set_cause(event.id.clone());
        let span = telemetry::consume_span(event);
        AssertUnwindSafe(one(&mut work, source, event, prepared, consumer))
            .catch_unwind()
            .instrument(span)
            .await
            .map_err(|_| Failure::panicked())??;
    }
    let reached = events.last().map_or(before, seq_of).max(before);
    advance(&mut work, source, partition, reached)
        .await
        .map_err(|e| Failure::of(&e))?;
    work.done().await.map_err(|e| Failure::of(&e))?;
    metrics::counter!("relight_events_applied_total", "service" => db.service(), "source" => source)
        .increment(events.len() as u64);
    Ok(reached)
}

async fn one<C: Consumer>(
    work: &mut Work,
    source: &'static str,
    event: &Event,
    prepared: C::Prepared,
    consumer: &C,
) -> Result<(), Failure> {
    if dead_letter::waits(work.conn(), source, &event.subject)
        .await
        .map_err(|e| Failure::of(&e))?
    {
        let reason = "waits behind a parked event of the same aggregate";
        return dead_letter::put(work.conn(), source, event, reason)
            .await
            .map_err(|e| Failure::of(&e));
    }
    match consumer
        .apply(work, event, prepared)
        .await
        .map_err(|e| Failure::of(&e))?
    {
        Outcome::Applied => {}
        Outcome::Unknown => {
            metrics::counter!("relight_events_unknown_total", "source" => source).increment(1);
        }
    }
    work.flush().await.map_err(|e| Failure::of(&e))
}

/// Continues after events that the owner no longer keeps: told by an error, an operator bootstraps what is missing.
pub(super) async fn skip_to(db: &Db, source: &str, partition: i16, events: &[Event]) -> Result<(), Error> {
    let Some(first) = events.first() else {
        return Ok(());
    };
    let mut work = Work::internal(db, first.id.clone(), Utc::now()).await?;
    work.audit(
        "reader.skipped",
        format!("{source}:{partition}"),
        serde_json::json!({ "to": first.seq - 1 }),
    );
    lock(&mut work, source, partition).await?;
    advance(&mut work, source, partition, seq_of(first) - 1).await?;
    work.done().await
}

/// (position, starts since the last progress)
async fn stored(db: &Db, source: &str, partition: i16) -> Result<(i64, i32), Error> {
    sqlx::query_as("select seq, stalls from reader_position where source = $1 and partition_no = $2")
        .bind(source)
        .bind(partition)
        .fetch_optional(db.pool())
        .await
        .map(Option::unwrap_or_default)
        .map_err(Error::db("load a position"))
}

/// Locks the position; a second reader waits here and then finds the events applied.
async fn lock(work: &mut Work, source: &str, partition: i16) -> Result<i64, Error> {
    sqlx::query_scalar(
        "insert into reader_position as r (source, partition_no) values ($1, $2)
         on conflict (source, partition_no) do update set seq = r.seq returning seq",
    )
    .bind(source)
    .bind(partition)
    .fetch_one(work.conn())
    .await
    .map_err(Error::db("lock a position"))
}

async fn advance(work: &mut Work, source: &str, partition: i16, seq: i64) -> Result<(), Error> {
    sqlx::query("update reader_position set seq = $3, stalls = 0 where source = $1 and partition_no = $2 and seq <= $3")
        .bind(source)
        .bind(partition)
        .bind(seq)
        .execute(work.conn())
        .await
        .map(drop)
        .map_err(Error::db("store a position"))
}

/// Applies parked events that an operator asked to retry, oldest first, until one of an aggregate fails again.
pub(super) async fn retry_asked<C: Consumer>(
    db: &Db,
    source: &'static str,
    consumer: &C,
) -> Result<(), Error> {
    for letter in dead_letter::asked(db.pool(), source).await? {
        let event = Event::decode(letter.event.as_slice()).map_err(|e| Error::Decode("a parked event", e))?;
        let failure = match consumer.prepare(&event).await {
            Err(error) => Some(chain(&error)),
            Ok(prepared) => again(db, &letter, &event, consumer, prepared).await?,
        };
        if let Some(reason) = failure {
            dead_letter::note(db.pool(), &letter, &reason).await?;
        }
    }
    Ok(())
}

/// Applies one parked event and resolves it, or says why not.
async fn again<C: Consumer>(
    db: &Db,
    letter: &dead_letter::Letter,
    event: &Event,
    consumer: &C,
    prepared: C::Prepared,
) -> Result<Option<String>, Error> {
    let mut work = Work::internal(db, event.id.clone(), Utc::now()).await?;
    if let Err(error) = consumer.apply(&mut work, event, prepared).await {
        return Ok(Some(chain(&error)));
    }
    dead_letter::resolve(work.conn(), letter).await?;
    work.done().await.map(|()| None)
}
