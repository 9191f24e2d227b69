//! Ordered notices of outages and debts, and how far each has been spread.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::error::Error;

/// A notice as it was ordered.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// Its id.
    pub id: Uuid,
    /// The outage it is about.
    pub outage: Option<Uuid>,
    /// Or the arrears case.
    pub case: Option<Uuid>,
    /// Plan of the outage.
    pub plan_no: i32,
    /// Why, in the word of the event.
    pub kind: &'a str,
    /// Where in the organisation.
    pub org_path: &'a str,
    /// Who goes first.
    pub rank: i16,
    /// The event, where people are still to be found; empty where everybody is told at once.
    pub payload: &'a [u8],
    /// When it was ordered.
    pub ordered_at: DateTime<Utc>,
    /// Trace of what caused it.
    pub traceparent: &'a str,
}

/// Writes an order down; false when it came before.
///
/// # Errors
/// [`Error::Common`].
pub async fn order(conn: &mut PgConnection, order: &Order<'_>) -> Result<bool, Error> {
    let state = if order.payload.is_empty() {
        "spread"
    } else {
        "spreading"
    };
    sqlx::query!(
        "insert into notify.notice (id, outage_id, case_id, plan_no, kind, org_path, rank, payload, state, ordered_at,
             traceparent)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (id) do nothing",
        order.id,
        order.outage,
        order.case,
        order.plan_no,
        order.kind,
        order.org_path,
        order.rank,
        order.payload,
        state,
        order.ordered_at,
        order.traceparent
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(Error::db("order a notice"))
}

/// Ends older notices of an outage that are still being spread, of these kinds.
///
/// # Errors
/// [`Error::Common`].
pub async fn end_older(
    conn: &mut PgConnection,
    outage: Uuid,
    newer: Uuid,
    kinds: &[String],
) -> Result<(), Error> {
    sqlx::query!(
        "update notify.notice set state = 'ended', reason = 'newer news came before it was spread'
         where outage_id = $1 and id <> $2 and state = 'spreading' and kind = any($3)",
        outage,
        newer,
        kinds
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("end older notices"))
}

/// A notice that is being spread.
#[derive(Debug, Clone)]
pub struct Spreading {
    /// Its id.
    pub id: Uuid,
    /// The event.
    pub payload: Vec<u8>,
    /// Where the next page begins.
    pub page: String,
    /// Where in the organisation.
    pub org_path: String,
    /// Trace of what caused it.
    pub traceparent: String,
}

/// The most urgent notice that is being spread; those of one outage in the order they came.
///
/// # Errors
/// [`Error::Common`].
pub async fn next(pool: &PgPool) -> Result<Option<Spreading>, Error> {
    sqlx::query_as!(
        Spreading,
        "select id, payload, page, org_path, traceparent from notify.notice n
         where state = 'spreading' and not exists (
             select from notify.notice o
             where o.outage_id = n.outage_id and o.state = 'spreading' and o.ordered < n.ordered)
         order by rank, ordered limit 1"
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("look for a notice to spread"))
}

/// The latest notice of an outage: the event and where in the organisation; `None` when nobody was told of it.
///
/// # Errors
/// [`Error::Common`].
pub async fn latest(pool: &PgPool, outage: Uuid) -> Result<Option<(Vec<u8>, String)>, Error> {
    let row = sqlx::query!(
        "select payload, org_path from notify.notice where outage_id = $1 order by ordered desc limit 1",
        outage
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("look for the latest notice"))?;
    Ok(row.map(|row| (row.payload, row.org_path)))
}

/// Moves a notice on to its next page (`None`: that was the last); false when it is not on this page any more.
///
/// # Errors
/// [`Error::Common`].
pub async fn turn(conn: &mut PgConnection, one: &Spreading, next: Option<&str>) -> Result<bool, Error> {
    sqlx::query!(
        "update notify.notice set page = coalesce($3, page),
             state = case when $3::text is null then 'spread' else state end
         where id = $1 and page = $2 and state = 'spreading'",
        one.id,
        one.page,
        next
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(Error::db("turn the page of a notice"))
}

/// Gives a notice up that cannot be spread.
///
/// # Errors
/// [`Error::Common`].
pub async fn fail(pool: &PgPool, id: Uuid, reason: &str) -> Result<(), Error> {
    sqlx::query!(
        "update notify.notice set state = 'failed', reason = $2 where id = $1 and state = 'spreading'",
        id,
        reason
    )
    .execute(pool)
    .await
    .map(drop)
    .map_err(Error::db("give a notice up"))
}
