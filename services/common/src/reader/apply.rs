//! Applying events: a batch in one transaction while all goes well; one by one when something is wrong, so that the
//! one event that cannot be applied is parked with its aggregate and the others go on.

use std::{panic::AssertUnwindSafe, time::Duration};

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

/// An entry at which the reader's process died this often is parked unread.
const MAX_DEATHS: i32 = 3;
/// Events applied in one transaction.
const BATCH: usize = 100;
/// Wait before an event that may succeed is tried again.
const AGAIN: Duration = Duration::from_millis(250);

/// The stored positions of all partitions.
pub(super) async fn positions(db: &Db, source: &str) -> Result<Vec<i64>, Error> {
    sqlx::query_scalar(
        "select coalesce(r.seq, 0) from generate_series(0, $2 - 1) p
         left join reader_position r on r.source = $1 and r.partition_no = p order by p",
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
    let mut reached = lane.stored().await?;
    let mut rest = after(&events, reached);
    while !rest.is_empty() && !stop.is_cancelled() {
        reached = lane.step(rest, reached).await?;
        rest = after(rest, reached);
    }
    Ok(reached)
}

/// The events behind a position.
fn after(events: &[Event], position: i64) -> &[Event] {
    &events[events.partition_point(|event| seq_of(event) <= position)..]
}

impl<C: Consumer> Lane<'_, C> {
    /// The next few of `rest`, marked as being tried: only a process that dies leaves the mark, and what killed its
    /// reader again and again is parked unread.
    async fn step(&self, rest: &[Event], reached: i64) -> Result<i64, Error> {
        let deaths = self.mark().await?;
        let ended = if deaths >= MAX_DEATHS {
            let killer = &rest[0];
            self.park(killer, "its reader died three times at this event")
                .await
                .map(|()| seq_of(killer))
        } else {
            let size = if deaths == MAX_DEATHS - 1 { 1 } else { BATCH };
            self.chunk(&rest[..size.min(rest.len())], reached).await
        };
        if ended.is_err() || self.stop.is_cancelled() {
            self.unmark().await?;
        }
        ended
    }

    /// All together if it goes well, else one by one.
    async fn chunk(&self, chunk: &[Event], mut reached: i64) -> Result<i64, Error> {
        if let Ok(position) = self.together(chunk).await {
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
            let failure = match self.together(std::slice::from_ref(event)).await {
                Ok(position) => return Ok(Some(position)),
                Err(failure) => failure,
            };
            if self.stop.is_cancelled() {
                return Ok(None);
            }
            if !failure.again {
                self.park(event, &failure.reason).await?;
                return Ok(Some(seq_of(event)));
            }
            tracing::warn!(
                service = self.db.service(),
                source = self.source,
                r#type = event.r#type,
                error = failure.reason,
                "trying an event again"
            );
            pause(self.stop, AGAIN).await;
        }
    }

    /// All of `events` and the new position in one transaction.
    async fn together(&self, events: &[Event]) -> Result<i64, Failure> {
        let mut prepared = Vec::with_capacity(events.len());
        for event in events {
            if self.stop.is_cancelled() {
                return Err(Failure::stopping());
            }
            prepared.push(prepare(self.consumer, event).await?);
        }
        let mut work = Work::internal(self.db, "", self.db.clock().now())
            .await
            .map_err(of)?;
        let before = lock(&mut work, self.source, self.partition).await.map_err(of)?;
        let parked = dead_letter::parked(work.conn(), self.source, events)
            .await
            .map_err(of)?;
        for (event, prepared) in events.iter().zip(prepared) {
            if seq_of(event) <= before {
                continue;
            }
            if parked.contains(&event.subject) {
                let reason = "waits behind a parked event of the same aggregate";
                dead_letter::put(work.conn(), self.source, event, reason)
                    .await
                    .map_err(of)?;
                continue;
            }
            apply(&mut work, event, prepared, self.consumer).await?;
        }
        let reached = events.last().map_or(before, seq_of).max(before);
        advance(&mut work, self.source, self.partition, reached)
            .await
            .map_err(of)?;
        work.done().await.map_err(of)?;
        metrics::counter!("relight_events_applied_total", "service" => self.db.service(), "source" => self.source)
            .increment(events.len() as u64);
        Ok(reached)
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
        let mut work = Work::internal(db, event.id.clone(), db.clock().now()).await?;
        if lock(&mut work, source, partition).await? >= seq_of(event) {
            return Ok(());
        }
        dead_letter::put(work.conn(), source, event, reason).await?;
        advance(&mut work, source, partition, seq_of(event)).await?;
        work.done().await
    }

    async fn stored(&self) -> Result<i64, Error> {
        sqlx::query_scalar("select seq from reader_position where source = $1 and partition_no = $2")
            .bind(self.source)
            .bind(self.partition)
            .fetch_optional(self.db.pool())
            .await
            .map(Option::unwrap_or_default)
            .map_err(Error::db("load a position"))
    }

    /// Marks a try and gives the number of tries before it, since the last progress, that never ended. The mark has
    /// to outlive this process, not the server, so its commit does not wait for the disk.
    async fn mark(&self) -> Result<i32, Error> {
        sqlx::query_scalar(
            "insert into reader_position as r (source, partition_no, stalls)
             select $1, $2, 1 from (select set_config('synchronous_commit', 'off', true)) quick
             on conflict (source, partition_no) do update set stalls = r.stalls + 1
             returning stalls - 1",
        )
        .bind(self.source)
        .bind(self.partition)
        .fetch_one(self.db.pool())
        .await
        .map_err(Error::db("mark a try"))
    }

    /// Takes the mark back: this process lives and will try again.
    async fn unmark(&self) -> Result<(), Error> {
        sqlx::query("update reader_position set stalls = 0 where source = $1 and partition_no = $2")
            .bind(self.source)
            .bind(self.partition)
            .execute(self.db.pool())
            .await
            .map(drop)
            .map_err(Error::db("take a mark back"))
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

    fn stopping() -> Self {
        Self {
            again: true,
            reason: "told to stop".to_owned(),
        }
    }

    fn panicked() -> Self {
        Self {
            again: false,
            reason: "the consumer panicked".to_owned(),
        }
    }
}

fn of<E: Coded>(error: E) -> Failure {
    Failure::of(&error)
}

/// What the consumer needs from others for this event, fetched before the transaction.
async fn prepare<C: Consumer>(consumer: &C, event: &Event) -> Result<C::Prepared, Failure> {
    AssertUnwindSafe(consumer.prepare(event))
        .catch_unwind()
        .instrument(telemetry::consume_span(event))
        .await
        .map_err(|_| Failure::panicked())?
        .map_err(of)
}

async fn apply<C: Consumer>(
    work: &mut Work,
    event: &Event,
    prepared: C::Prepared,
    consumer: &C,
) -> Result<(), Failure> {
    work.set_cause(event.id.clone());
    let applying = async {
        let outcome = consumer.apply(work, event, prepared).await.map_err(of)?;
        if outcome == Outcome::Unknown {
            metrics::counter!("relight_events_unknown_total", "source" => event.source.clone()).increment(1);
        }
        work.flush().await.map_err(of)
    };
    AssertUnwindSafe(applying)
        .catch_unwind()
        .instrument(telemetry::consume_span(event))
        .await
        .map_err(|_| Failure::panicked())?
}

/// Goes on behind events up to `to` that the owner no longer keeps, and says so where nobody can overlook it: in the
/// log, in the audit, and as a parked event that only an operator closes.
pub(super) async fn skip_to(db: &Db, source: &'static str, partition: i16, to: i64) -> Result<(), Error> {
    let mut work = Work::internal(db, "", db.clock().now()).await?;
    let from = lock(&mut work, source, partition).await? + 1;
    if from > to {
        return Ok(());
    }
    tracing::error!(
        service = db.service(),
        source,
        partition,
        from,
        to,
        "the owner no longer keeps the events we lack; going on without"
    );
    metrics::counter!("relight_events_lost_total", "service" => db.service(), "source" => source)
        .increment((to - from + 1).unsigned_abs());
    dead_letter::put_lost(work.conn(), source, partition, from..=to).await?;
    let subject = format!("{source}:{partition}");
    work.audit(
        "reader.skipped",
        subject,
        serde_json::json!({ "from": from, "to": to }),
    );
    advance(&mut work, source, partition, to).await?;
    work.done().await
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

/// Applies parked events that an operator asked to retry, oldest first; those behind one follow it, and wait on when it
/// fails again.
pub(super) async fn retry_asked<C: Consumer>(
    db: &Db,
    source: &'static str,
    consumer: &C,
    stop: &CancellationToken,
) -> Result<(), Error> {
    loop {
        let mut resolved = 0;
        for letter in dead_letter::asked(db.pool(), source).await? {
            if stop.is_cancelled() {
                return Ok(());
            }
            match again(db, source, &letter, consumer).await {
                Ok(()) => resolved += 1,
                Err(failure) => dead_letter::note(db.pool(), &letter, &failure.reason, failure.again).await?,
            }
        }
        if resolved == 0 {
            return Ok(());
        }
    }
}

/// Applies one parked event and resolves it. The position's lock keeps a second reader from applying it too, and from
/// parking a later event behind it while it is being resolved.
async fn again<C: Consumer>(
    db: &Db,
    source: &'static str,
    letter: &dead_letter::Letter,
    consumer: &C,
) -> Result<(), Failure> {
    if letter.is_lost() {
        return close(db, letter).await.map_err(of);
    }
    let event =
        Event::decode(letter.event.as_slice()).map_err(|error| of(Error::Decode("a parked event", error)))?;
    let prepared = prepare(consumer, &event).await?;
    let mut work = Work::internal(db, "", db.clock().now()).await.map_err(of)?;
    lock(&mut work, source, letter.partition_no).await.map_err(of)?;
    if dead_letter::resolve(work.conn(), letter).await.map_err(of)? {
        apply(&mut work, &event, prepared, consumer).await?;
        work.done().await.map_err(of)?;
    }
    Ok(())
}

/// What an operator says was made good by hand is over.
async fn close(db: &Db, letter: &dead_letter::Letter) -> Result<(), Error> {
    let mut work = Work::internal(db, "", db.clock().now()).await?;
    if dead_letter::resolve(work.conn(), letter).await? {
        work.audit("reader.skip_closed", &letter.subject, serde_json::json!({}));
        work.done().await?;
    }
    Ok(())
}
