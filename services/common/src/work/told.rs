//! What a transaction tells the others and appends to the audit chain: gathered, then written by one statement each,
//! whose text is the same for one row and for hundreds.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, postgres::PgArguments, query::Query, types::Json};
use uuid::Uuid;

use super::partition_of;
use crate::error::Error;

/// Rows of one statement.
pub(super) const ROWS: usize = 1_000;

/// One event about one aggregate, to be told after commit.
#[derive(Debug)]
pub(super) struct News {
    /// W3C trace context it was told in.
    pub(super) trace: String,
    pub(super) subject: Uuid,
    pub(super) version: i64,
    pub(super) kind: &'static str,
    pub(super) org_path: String,
    pub(super) at: DateTime<Utc>,
    pub(super) cause: String,
    pub(super) data: Vec<u8>,
}

/// One line of the audit.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) at: DateTime<Utc>,
    pub(super) actor: String,
    pub(super) action: &'static str,
    pub(super) subject: String,
    pub(super) detail: serde_json::Value,
}

macro_rules! tell {
    () => {
        "insert into outbox (id, partition_no, subject, version, type, org_path, occurred_at, traceparent, cause, data)
         select * from unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::bigint[], $5::text[], $6::text[],
             $7::timestamptz[], $8::text[], $9::text[], $10::bytea[])"
    };
}

const TELL: &str = tell!();

/// News, entries and the replies of their commands in one round trip: a connection is held for as long as those take.
const ALL: &str = concat!(
    "with told as (",
    tell!(),
    "), noted as (
         insert into audit (id, at, actor, action, subject, detail)
         select * from unnest($11::uuid[], $12::timestamptz[], $13::text[], $14::text[], $15::text[], $16::jsonb[]))
     insert into command_seen (id, actor, body_hash, reply, at)
         select * from unnest($17::uuid[], $18::text[], $19::bytea[], $20::bytea[], $21::timestamptz[])
         order by 1 on conflict do nothing"
);

const AUDIT: &str = "insert into audit (id, at, actor, action, subject, detail)
     select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::jsonb[])";

type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// Writes the news into the outbox.
pub(super) async fn tell(conn: &mut PgConnection, news: &[News]) -> Result<(), Error> {
    with_news(sqlx::query(TELL), news)
        .execute(conn)
        .await
        .map(drop)
        .map_err(Error::db("write the outbox"))
}

/// Appends to the audit; the sealer chains it later.
pub(super) async fn audit(conn: &mut PgConnection, entries: &[Entry]) -> Result<(), Error> {
    with_entries(sqlx::query(AUDIT), entries)
        .execute(conn)
        .await
        .map(drop)
        .map_err(Error::db("write the audit"))
}

/// Both, to which the replies are still to be bound.
pub(super) fn all(news: &[News], entries: &[Entry]) -> Statement<'static> {
    with_entries(with_news(sqlx::query(ALL), news), entries)
}

/// A column of these rows.
fn each<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

fn with_news(statement: Statement<'static>, news: &[News]) -> Statement<'static> {
    statement
        .bind(each(news, |_| Uuid::now_v7()))
        .bind(each(news, |news| partition_of(news.subject)))
        .bind(each(news, |news| news.subject))
        .bind(each(news, |news| news.version))
        .bind(each(news, |news| news.kind))
        .bind(each(news, |news| news.org_path.clone()))
        .bind(each(news, |news| news.at))
        .bind(each(news, |news| news.trace.clone()))
        .bind(each(news, |news| news.cause.clone()))
        .bind(each(news, |news| news.data.clone()))
}

fn with_entries(statement: Statement<'static>, entries: &[Entry]) -> Statement<'static> {
    statement
        .bind(each(entries, |_| Uuid::now_v7()))
        .bind(each(entries, |entry| entry.at))
        .bind(each(entries, |entry| entry.actor.clone()))
        .bind(each(entries, |entry| entry.action))
        .bind(each(entries, |entry| entry.subject.clone()))
        .bind(each(entries, |entry| Json(entry.detail.clone())))
}
