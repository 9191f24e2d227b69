//! Events that could not be applied, with the reason, and those of the same aggregate that wait behind them.

use std::{collections::HashSet, ops::RangeInclusive};

use chrono::{DateTime, Utc};
use prost::Message;
use relight_proto::events::v1::Event;
use sqlx::{FromRow, PgConnection, PgPool};

use crate::error::Error;

/// Type of the rows that stand for events which the owner no longer kept when their reader came for them.
pub const LOST: &str = "events.lost";

/// One parked event.
#[derive(Debug, Clone, FromRow)]
pub struct Letter {
    /// Owner of the event.
    pub source: String,
    /// Its partition.
    pub partition_no: i16,
    /// Its number there.
    pub seq: i64,
    /// Its aggregate.
    pub subject: String,
    /// Its type.
    pub r#type: String,
    /// The encoded [`Event`].
    pub event: Vec<u8>,
    /// Why it is here, in words.
    pub reason: String,
    /// Since when.
    pub parked_at: DateTime<Utc>,
}

impl Letter {
    /// Whether it stands for events nobody has any more.
    pub fn is_lost(&self) -> bool {
        self.r#type == LOST
    }
}

/// Whether an unresolved event of this aggregate is parked.
///
/// # Errors
/// [`Error::Db`].
pub async fn waits(conn: &mut PgConnection, source: &str, subject: &str) -> Result<bool, Error> {
    sqlx::query_scalar(
        "select exists (select 1 from dead_letter where source = $1 and subject = $2 and resolved_at is null)",
    )
    .bind(source)
    .bind(subject)
    .fetch_one(conn)
    .await
    .map_err(Error::db("look for parked events"))
}

/// Those aggregates of `events` that have an unresolved parked event.
///
/// # Errors
/// [`Error::Db`].
pub(crate) async fn parked(
    conn: &mut PgConnection,
    source: &str,
    events: &[&Event],
) -> Result<HashSet<String>, Error> {
    let subjects: Vec<&str> = events.iter().map(|event| event.subject.as_str()).collect();
    let parked: Vec<String> = sqlx::query_scalar(
        "select distinct subject from dead_letter where source = $1 and subject = any($2) and resolved_at is null",
    )
    .bind(source)
    .bind(subjects)
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for parked events"))?;
    Ok(parked.into_iter().collect())
}

/// Parks an event.
///
/// # Errors
/// [`Error::Db`].
pub async fn put(conn: &mut PgConnection, source: &str, event: &Event, reason: &str) -> Result<(), Error> {
    sqlx::query(
        "insert into dead_letter (source, partition_no, seq, subject, type, event, reason, parked_at)
         values ($1, $2, $3, $4, $5, $6, $7, now()) on conflict do nothing",
    )
    .bind(source)
    .bind(i16::try_from(event.partition).unwrap_or(i16::MAX))
    .bind(i64::try_from(event.seq).unwrap_or(i64::MAX))
    .bind(&event.subject)
    .bind(&event.r#type)
    .bind(event.encode_to_vec())
    .bind(reason)
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("park an event"))
}

/// Notes that these numbers of a partition are gone: nothing waits behind them, and only an operator closes the row.
pub(crate) async fn put_lost(
    conn: &mut PgConnection,
    source: &str,
    partition: i16,
    gone: RangeInclusive<i64>,
) -> Result<(), Error> {
    let (from, to) = (gone.start(), gone.end());
    let subject = format!("{source}-{partition}-{from}-{to}");
    let reason = format!(
        "{source} no longer keeps its events {from} to {to} of partition {partition}, which were never applied here: compare \
         with {source}, mend what is missing, then close this with `relight events dead retry {subject}`"
    );
    let gone = Event {
        source: source.to_owned(),
        r#type: LOST.to_owned(),
        subject,
        partition: u32::from(partition.unsigned_abs()),
        seq: from.unsigned_abs(),
        ..Event::default()
    };
    put(conn, source, &gone, &reason).await
}

/// Unresolved events, oldest first per partition.
///
/// # Errors
/// [`Error::Db`].
pub async fn open(pool: &PgPool, source: Option<&str>, subject: Option<&str>) -> Result<Vec<Letter>, Error> {
    sqlx::query_as(
        "select source, partition_no, seq, subject, type, event, reason, parked_at from dead_letter
         where resolved_at is null and ($1::text is null or source = $1) and ($2::text is null or subject = $2)
         order by source, partition_no, seq limit 1000",
    )
    .bind(source)
    .bind(subject)
    .fetch_all(pool)
    .await
    .map_err(Error::db("list parked events"))
}

/// Asks the reader to apply parked events again; it does so within seconds. Returns how many were marked. Events that are
/// [`LOST`] cannot be applied: asked for by name, they are closed.
///
/// # Errors
/// [`Error::Db`].
pub async fn ask_retry(pool: &PgPool, source: Option<&str>, subject: Option<&str>) -> Result<u64, Error> {
    sqlx::query(
        "update dead_letter set retry = true
         where resolved_at is null and ($1::text is null or source = $1)
           and (subject = $2 or ($2 is null and type <> $3))",
    )
    .bind(source)
    .bind(subject)
    .bind(LOST)
    .execute(pool)
    .await
    .map(|done| done.rows_affected())
    .map_err(Error::db("ask for a retry"))
}

/// The first parked event of every aggregate of `source`, where an operator asked for it. A later one never goes before
/// it: when the first failed again, those behind it wait.
pub(crate) async fn asked(pool: &PgPool, source: &str) -> Result<Vec<Letter>, Error> {
    sqlx::query_as(
        "select source, partition_no, seq, subject, type, event, reason, parked_at from (
             select distinct on (subject) * from dead_letter
             where resolved_at is null and source = $1 order by subject, seq
         ) first where retry order by seq limit 100",
    )
    .bind(source)
    .fetch_all(pool)
    .await
    .map_err(Error::db("find events to retry"))
}

/// Resolves an event in the transaction that applies it, and asks for the next of its aggregate. False when it was
/// resolved before.
pub(crate) async fn resolve(conn: &mut PgConnection, letter: &Letter) -> Result<bool, Error> {
    let resolved = sqlx::query(
        "update dead_letter set resolved_at = now()
         where source = $1 and partition_no = $2 and seq = $3 and resolved_at is null",
    )
    .bind(&letter.source)
    .bind(letter.partition_no)
    .bind(letter.seq)
    .execute(&mut *conn)
    .await
    .map_err(Error::db("resolve a parked event"))?;
    sqlx::query(
        "update dead_letter set retry = true where source = $1 and subject = $2 and resolved_at is null",
    )
    .bind(&letter.source)
    .bind(&letter.subject)
    .execute(conn)
    .await
    .map_err(Error::db("ask for the next parked event"))?;
    Ok(resolved.rows_affected() == 1)
}

/// Notes why an event failed again. `retry`: it is tried again without being asked for, since trying may help.
pub(crate) async fn note(pool: &PgPool, letter: &Letter, reason: &str, retry: bool) -> Result<(), Error> {
    sqlx::query(
        "update dead_letter set reason = $4, retry = $5
         where source = $1 and partition_no = $2 and seq = $3 and resolved_at is null",
    )
    .bind(&letter.source)
    .bind(letter.partition_no)
    .bind(letter.seq)
    .bind(reason)
    .bind(retry)
    .execute(pool)
    .await
    .map(drop)
    .map_err(Error::db("note why an event failed"))
}
