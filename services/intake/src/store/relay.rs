//! Meters whose own relay cut the customer off.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;

/// Those of these signals by which a relay opened and is open yet: not a reading of one that was open before.
///
/// # Errors
/// [`Error::Common`].
pub async fn opened(conn: &mut PgConnection, signals: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    if signals.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar!(
        "select e.id from intake.evidence e
         where e.id = any($1) and e.kind = 'relay_open'
             -- Used up credit is a reason of its own; the meter says both.
             and not exists (select from intake.credit c where c.load_id = e.load_id and c.used_up)
             and 'relay_open' is distinct from (
                 select p.kind from intake.evidence p
                 where p.load_id = e.load_id and p.kind in ('relay_open', 'relay_closed', 'ping_on')
                     and (p.at, p.id) < (e.at, e.id)
                 order by p.at desc, p.id desc limit 1)
             and not exists (
                 select from intake.evidence p
                 where p.load_id = e.load_id and p.kind in ('relay_closed', 'ping_on') and p.at > e.at)",
        signals
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for relays that opened"))
}

/// Keeps which of these meters have an open relay, as their latest word says; one that opened was told of, unless used up
/// credit explains it.
///
/// # Errors
/// [`Error::Common`].
pub async fn keep(conn: &mut PgConnection, loads: &[String], now: DateTime<Utc>) -> Result<(), Error> {
    if loads.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with last as (
             select m.load_id, e.id, e.kind from (select distinct unnest($1::text[]) as load_id) m
             cross join lateral (
                 select e.id, e.kind from intake.evidence e
                 where e.load_id = m.load_id and e.kind in ('relay_open', 'relay_closed', 'ping_on')
                 order by e.at desc, e.id desc limit 1) e),
         closed as (
             delete from intake.relay_open r using last where r.load_id = last.load_id and last.kind <> 'relay_open')
         insert into intake.relay_open (load_id, evidence_id, told_at)
         select load_id, id, case when exists (
             select from intake.credit c where c.load_id = last.load_id and c.used_up) then null else $2::timestamptz end
         from last where kind = 'relay_open' on conflict (load_id) do nothing",
        loads,
        now
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("keep which relays are open"))
}

/// A meter whose relay is open.
#[derive(Debug, Clone)]
pub struct Open {
    /// The meter.
    pub load: String,
    /// The reading by which it opened.
    pub evidence: Uuid,
}

/// Meters with an open relay, by id, after `after`.
///
/// # Errors
/// [`Error::Common`].
pub async fn page(conn: &mut PgConnection, after: &str, limit: i64) -> Result<Vec<Open>, Error> {
    sqlx::query_as!(
        Open,
        "select load_id as load, evidence_id as evidence from intake.relay_open where load_id > $1 order by load_id limit $2",
        after,
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("list open relays"))
}

/// Notes which of these a case explains now, and since when the others are unexplained that one did explain. Gives those that were told
/// before `settled` to be unexplained, and notes that they are told now.
///
/// # Errors
/// [`Error::Common`].
pub async fn weigh(
    conn: &mut PgConnection,
    (explained, others): (&[String], &[String]),
    settled: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<String>, Error> {
    sqlx::query!(
        "update intake.relay_open set told_at = null, unexplained_since = null
         where load_id = any($1) and (told_at is not null or unexplained_since is not null)",
        explained
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("note which relays a case explains"))?;
    sqlx::query!(
        "update intake.relay_open set unexplained_since = $2
         where load_id = any($1) and told_at is null and unexplained_since is null",
        others,
        now
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("note which relays nothing explains"))?;
    sqlx::query_scalar!(
        "update intake.relay_open set told_at = $3
         where load_id = any($1) and told_at is null and unexplained_since <= $2 returning load_id",
        others,
        settled,
        now
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("take relays that stay open"))
}
