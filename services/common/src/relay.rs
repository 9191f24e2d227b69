//! From the outbox to Redis: committed rows get a gapless `seq` in (aggregate, version) order under a fenced lease, then
//! are published with the explicit stream id `seq-0`. What Redis refuses was already there. Redis may lose everything
//! at any moment: readers pull what is missing from [`events`](crate::events).

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use prost::Message;
use redis::aio::ConnectionManager;
use relight_proto::events::v1::Event;
use sqlx::{FromRow, PgConnection};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    db::{Db, PARTITIONS},
    error::{Error, chain},
    lease::{self, Lease},
    wire,
};

/// Events given a number in one transaction.
pub const BATCH: i64 = 2_000;
/// Events of one partition published in one pipeline.
const PIPELINE: i64 = 500;
/// The fallback when no bell rang (another process wrote, or this one just started).
const POLL: Duration = Duration::from_millis(100);
/// From one round to the next, so that under load a round is of what came meanwhile. What comes after a rest goes at once.
const GATHER: Duration = Duration::from_millis(20);
/// A stream keeps what was published within this time; the outbox behind it keeps 7 days.
const STREAM_KEEP_S: i64 = 3_600;

/// Name of the stream of one partition. `namespace` separates deployments and test runs on one Redis.
pub fn stream_key(namespace: &str, source: &str, partition: i16) -> String {
    format!("{namespace}:{{{source}:{partition}}}:events")
}

/// A committed outbox row with its number.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    id: Uuid,
    partition_no: i16,
    /// Gapless number in its partition.
    pub seq: i64,
    subject: Uuid,
    version: i64,
    r#type: String,
    org_path: String,
    occurred_at: chrono::DateTime<chrono::Utc>,
    traceparent: String,
    cause: String,
    data: Vec<u8>,
}

impl Row {
    /// The row as the event others see.
    pub fn into_event(self, source: &str) -> Event {
        Event {
            id: self.id.to_string(),
            source: source.to_owned(),
            r#type: self.r#type,
            time: Some(wire::timestamp(self.occurred_at)),
            traceparent: self.traceparent,
            subject: self.subject.to_string(),
            version: self.version.unsigned_abs(),
            org_path: self.org_path,
            partition: u32::from(self.partition_no.unsigned_abs()),
            seq: self.seq.unsigned_abs(),
            data: self.data,
            cause: self.cause,
        }
    }
}

/// Time for what is still unpublished at the stop; the rest goes out at the next start.
const LAST_SWEEPS: Duration = Duration::from_secs(5);

/// Runs the relay of every partition until `stop`, and then until what was committed before is out.
pub async fn run(db: Db, redis: ConnectionManager, namespace: String, holder: Uuid, stop: CancellationToken) {
    lease::run_under(&db.pool().clone(), "relay", holder, &stop, |lease, ended| {
        let (db, redis, namespace) = (db.clone(), redis.clone(), namespace.clone());
        async move {
            let mut relay = Relay {
                db,
                redis,
                namespace,
                lease,
                behind: true,
                trimmed_at: None,
            };
            relay.run(ended).await;
        }
    })
    .await;
}

struct Relay {
    db: Db,
    redis: ConnectionManager,
    namespace: String,
    lease: Lease,
    /// Something may have a number and not be published yet.
    behind: bool,
    trimmed_at: Option<Instant>,
}

impl Relay {
    async fn run(&mut self, ended: CancellationToken) {
        while !ended.is_cancelled() {
            let began = Instant::now();
            match self.sweep().await {
                Ok(0) => self.wait(&ended).await,
                Ok(_) => lease::pause(&ended, GATHER.saturating_sub(began.elapsed())).await,
                Err(Error::LeaseLost(_)) => ended.cancel(),
                Err(error) => {
                    tracing::warn!(service = self.db.service(), error = %chain(&error), "the relay has to wait");
                    lease::pause(&ended, POLL).await;
                }
            }
        }
        // What was committed before the stop goes out; a failure here only costs latency.
        let _ = tokio::time::timeout(LAST_SWEEPS, async {
            while self.sweep().await? > 0 {}
            Ok::<(), Error>(())
        })
        .await;
    }

    async fn wait(&mut self, ended: &CancellationToken) {
        self.trim().await;
        tokio::select! {
            () = self.db.outbox_bell().notified() => {}
            () = lease::pause(ended, POLL) => {}
        }
    }

    /// One round. Returns how many events went out. All get their numbers first: without Redis, readers pull by number.
    async fn sweep(&mut self) -> Result<usize, Error> {
        self.behind |= number(&self.db, &self.lease).await? > 0;
        if !self.behind {
            return Ok(0);
        }
        let sent = self.publish().await?;
        self.behind = sent > 0;
        Ok(sent)
    }

    /// Publishes what has a number and is not yet published, the partitions in one pipeline.
    async fn publish(&mut self) -> Result<usize, Error> {
        let rows = unpublished(&self.db).await?;
        let sent = rows.len();
        if sent == 0 {
            return Ok(0);
        }
        let (mut pipe, mut reached) = (redis::pipe(), BTreeMap::new());
        for row in rows {
            reached.insert(row.partition_no, row.seq);
            self.add(&mut pipe, row);
        }
        pipe.ignore_errors();
        let replies: Vec<Result<redis::Value, redis::RedisError>> =
            pipe.query_async(&mut self.redis)
                .await
                .map_err(Error::redis("publish events"))?;
        for reply in replies {
            already_there(reply).map_err(Error::redis("publish an event"))?;
        }
        mark_published(&self.db, &self.lease, reached).await?;
        metrics::counter!("relight_events_published_total", "service" => self.db.service())
            .increment(sent as u64);
        Ok(sent)
    }

    fn add(&self, pipe: &mut redis::Pipeline, row: Row) {
        let key = stream_key(&self.namespace, self.db.service(), row.partition_no);
        let id = format!("{}-0", row.seq);
        let event = row.into_event(self.db.service()).encode_to_vec();
        pipe.cmd("XADD").arg(key).arg(id).arg("e").arg(event);
    }

    /// Trims the streams by age, never by length: Redis 7 drops what a reader has not seen without a word.
    async fn trim(&mut self) {
        if self
            .trimmed_at
            .is_some_and(|at| at.elapsed() < Duration::from_mins(5))
        {
            return;
        }
        self.trimmed_at = Some(Instant::now());
        for partition in 0..PARTITIONS {
            let Ok(Some(seq)) = old_seq(&self.db, partition).await else {
                continue;
            };
            let key = stream_key(&self.namespace, self.db.service(), partition);
            let trimmed: Result<i64, _> = redis::cmd("XTRIM")
                .arg(&key)
                .arg("MINID")
                .arg("~")
                .arg(seq)
                .query_async(&mut self.redis)
                .await;
            if let Err(error) = trimmed {
                tracing::warn!(%error, "could not trim a stream");
            }
        }
    }
}

/// Redis refuses an id that is not larger than its last: the event was published before.
fn already_there(reply: Result<redis::Value, redis::RedisError>) -> Result<(), redis::RedisError> {
    match reply {
        Err(error) if error.detail().is_some_and(|d| d.contains("equal or smaller")) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

/// Gives up to [`BATCH`] committed rows their number, under the lease. A relay that lost it changes nothing.
///
/// # Errors
/// [`Error::LeaseLost`], [`Error::Db`].
pub async fn number(db: &Db, lease: &Lease) -> Result<usize, Error> {
    let rows: Vec<(i16, Uuid)> = sqlx::query_as(
        "select partition_no, id from outbox where seq is null order by partition_no, subject, version, id limit $1",
    )
    .bind(BATCH)
    .fetch_all(db.pool())
    .await
    .map_err(Error::db("find untold events"))?;
    if rows.is_empty() {
        return Ok(0);
    }
    let mut tx = db.begin().await?;
    lease::hold(&mut tx, lease).await?;
    let mut counts: BTreeMap<i16, i64> = BTreeMap::new();
    for (partition, _) in &rows {
        *counts.entry(*partition).or_default() += 1;
    }
    let mut next = advance_heads(&mut tx, &counts).await?;
    let mut take = |partition| {
        let seq = next.get_mut(partition)?;
        *seq += 1;
        Some(*seq - 1)
    };
    let seqs: Vec<Option<i64>> = rows.iter().map(|(partition, _)| take(partition)).collect();
    let ids: Vec<Uuid> = rows.iter().map(|(_, id)| *id).collect();
    let numbered = sqlx::query(
        "update outbox o set seq = n.seq from unnest($1::uuid[], $2::bigint[]) as n (id, seq)
         where o.id = n.id and o.seq is null",
    )
    .bind(&ids)
    .bind(&seqs)
    .execute(&mut *tx)
    .await
    .map_err(Error::db("number events"))?
    .rows_affected();
    if numbered != rows.len() as u64 {
        // Another relay numbered some of them between our look and our lease: take nothing, look again.
        return Ok(0);
    }
    tx.commit().await.map_err(Error::db("commit the numbers"))?;
    Ok(rows.len())
}

/// Moves the heads on by `counts`; gives the first of the new numbers by partition. Heads are locked in their order.
async fn advance_heads(
    conn: &mut PgConnection,
    counts: &BTreeMap<i16, i64>,
) -> Result<BTreeMap<i16, i64>, Error> {
    let (partitions, more): (Vec<i16>, Vec<i64>) = counts.iter().unzip();
    let firsts: Vec<(i16, i64)> = sqlx::query_as(
        "with locked as (select partition_no from outbox_head where partition_no = any($1::smallint[]) order by 1 for update)
         update outbox_head h set seq = h.seq + n.more
         from locked join unnest($1::smallint[], $2::bigint[]) as n (partition_no, more) using (partition_no)
         where h.partition_no = locked.partition_no returning h.partition_no, h.seq - n.more + 1",
    )
    .bind(partitions)
    .bind(more)
    .fetch_all(conn)
    .await
    .map_err(Error::db("advance the heads"))?;
    Ok(firsts.into_iter().collect())
}

/// By partition and number, so that of each partition the last row is the furthest.
async fn unpublished(db: &Db) -> Result<Vec<Row>, Error> {
    sqlx::query_as(
        "select o.* from outbox_head h cross join lateral (
             select id, partition_no, seq, subject, version, type, org_path, occurred_at, traceparent, cause, data
             from outbox where partition_no = h.partition_no and seq > h.published order by seq limit $1) o
         order by o.partition_no, o.seq",
    )
    .bind(PIPELINE)
    .fetch_all(db.pool())
    .await
    .map_err(Error::db("read unpublished events"))
}

/// Notes how far each partition is published. Should the server forget it in a crash, Redis refuses the repeat: so the
/// commit does not wait for the disk.
async fn mark_published(db: &Db, lease: &Lease, reached: BTreeMap<i16, i64>) -> Result<(), Error> {
    let mut tx = db.begin_unhurried().await?;
    lease::hold(&mut tx, lease).await?;
    let (partitions, seqs): (Vec<i16>, Vec<i64>) = reached.into_iter().unzip();
    sqlx::query(
        "with locked as (select partition_no from outbox_head where partition_no = any($1::smallint[]) order by 1 for update)
         update outbox_head h set published = greatest(h.published, n.seq)
         from locked join unnest($1::smallint[], $2::bigint[]) as n (partition_no, seq) using (partition_no)
         where h.partition_no = locked.partition_no",
    )
    .bind(partitions)
    .bind(seqs)
    .execute(&mut *tx)
    .await
    .map_err(Error::db("note what is published"))?;
    tx.commit().await.map_err(Error::db("commit what is published"))
}

async fn old_seq(db: &Db, partition: i16) -> Result<Option<i64>, Error> {
    sqlx::query_scalar(
        "select max(seq) from outbox where partition_no = $1 and seq is not null and occurred_at < now() - $2 * interval '1 second'",
    )
    .bind(partition)
    .bind(STREAM_KEEP_S)
    .fetch_one(db.pool())
    .await
    .map_err(Error::db("find old events"))
}
