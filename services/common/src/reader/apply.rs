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
    let mut reached = stored(db, source, partition).await?;
    let stalls = stalls(db, source, partition).await?;
    let mut pending = events;
    pending.retain(|event| seq_of(event) > reached);
    if stalls > MAX_STALLS
        && let Some(killer) = pending.first()
    {
        park(
            db,
            source,
            partition,
            killer,
            "its reader stopped three times at this event",
        )
        .await?;
        reached = seq_of(killer);
        pending.remove(0);
    }
    for chunk in pending.chunks(if stalls > 1 { 1 } else { BATCH }) {
        if stop.is_cancelled() {
            return Ok(reached);
        }
        reached = apply_chunk(db, source, partition, chunk, consumer, stop, reached).await?;
    }
    Ok(reached)
}

async fn apply_chunk<C: Consumer>(
    db: &Db,
    source: &'static str,
    partition: i16,
    chunk: &[Event],
    consumer: &C,
    stop: &CancellationToken,
    mut reached: i64,
) -> Result<i64, Error> {
    if let Ok(position) = together(db, source, partition, chunk, consumer).await {
        return Ok(position);
    }
    for event in chunk {
        loop {
            match together(db, source, partition, std::slice::from_ref(event), consumer).await {
                Ok(position) => {
                    reached = position;
                    break;
                }
                Err(failure) if failure.again => {
                    tracing::warn!(
                        service = db.service(),
                        source,
                        r#type = event.r#type,
                        error = failure.reason,
                        "trying an event again"
                    );
                    pause(stop, Duration::from_millis(250)).await;
                    if stop.is_cancelled() {
                        return Ok(reached);
                    }
                }
                Err(failure) => {
                    park(db, source, partition, event, &failure.reason).await?;
                    reached = seq_of(event);
                    break;
                }
            }
        }
    }
    Ok(reached)
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

async fn park(
    db: &Db,
    source: &'static str,
    partition: i16,
    event: &Event,
    reason: &str,
) -> Result<(), Error> {
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

async fn stored(db: &Db, source: &str, partition: i16) -> Result<i64, Error> {
    sqlx::query_scalar::<_, i64>("select seq from reader_position where source = $1 and partition_no = $2")
        .bind(source)
        .bind(partition)
        .fetch_optional(db.pool())
        .await
        .map(Option::unwrap_or_default)
        .map_err(Error::db("load a position"))
}

async fn stalls(db: &Db, source: &str, partition: i16) -> Result<i32, Error> {
    sqlx::query_scalar::<_, i32>("select stalls from reader_position where source = $1 and partition_no = $2")
        .bind(source)
        .bind(partition)
        .fetch_optional(db.pool())
        .await
        .map(Option::unwrap_or_default)
        .map_err(Error::db("load the stalls"))
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

/// Puts parked events of one aggregate back, oldest first, until one fails again. Returns how many were applied.
///
/// # Errors
/// [`Error::Db`]; the reason of a renewed failure is stored with the event.
pub async fn retry<C: Consumer>(
    db: &Db,
    source: &'static str,
    subject: &str,
    consumer: &C,
) -> Result<usize, Error> {
    let mut applied = 0;
    for letter in dead_letter::open(db.pool(), Some(source), Some(subject)).await? {
        let event = Event::decode(letter.event.as_slice()).map_err(|e| Error::Decode("a parked event", e))?;
        let failure = match consumer.prepare(&event).await {
            Err(error) => Some(chain(&error)),
            Ok(prepared) => {
                let mut work = Work::internal(db, event.id.clone(), Utc::now()).await?;
                match consumer.apply(&mut work, &event, prepared).await {
                    Ok(_) => {
                        dead_letter::resolve(work.conn(), &letter).await?;
                        work.done().await?;
                        None
                    }
                    Err(error) => Some(chain(&error)),
                }
            }
        };
        if let Some(reason) = failure {
            dead_letter::note(db.pool(), &letter, &reason).await?;
            return Ok(applied);
        }
        applied += 1;
    }
    Ok(applied)
}
