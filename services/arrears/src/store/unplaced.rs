//! Payments of accounts nobody knows yet: kept, listed, and lines of the feed once their account is known.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::db;
use crate::error::Error;

/// A payment that could not be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Id here.
    pub id: Uuid,
    /// The source's id of it.
    pub external_id: String,
    /// System it comes from.
    pub source: String,
    /// As the source writes it.
    pub account: String,
    /// Without case.
    pub account_key: String,
    /// Hundredths of the currency.
    pub amount_cents: i64,
    /// When it was paid.
    pub paid_at: DateTime<Utc>,
    /// When it came here.
    pub received_at: DateTime<Utc>,
    /// Why it could not be placed, in words.
    pub why: String,
}

/// Keeps a payment. `false`: a line with this id counts already.
///
/// # Errors
/// [`Error::Common`].
pub async fn keep(conn: &mut PgConnection, row: &Row) -> Result<bool, Error> {
    let kept = sqlx::query!(
        "insert into arrears.unplaced_payment as u (id, source, external_id, account, account_key, amount_cents, paid_at,
             received_at, why, asked_at)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $8
         where not exists (select from arrears.feed_line l where l.source = $2 and l.external_id = $3)
         on conflict (source, external_id) do update set account = excluded.account, account_key = excluded.account_key,
             amount_cents = excluded.amount_cents, paid_at = excluded.paid_at, why = excluded.why,
             asked_at = excluded.asked_at",
        row.id,
        row.source,
        row.external_id,
        row.account,
        row.account_key,
        row.amount_cents,
        row.paid_at,
        row.received_at,
        row.why,
    )
    .execute(conn)
    .await
    .map_err(db("keep a payment of an account nobody knows"))?;
    Ok(kept.rows_affected() == 1)
}

/// A payment whose account is known by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Folded account.
    pub account_key: String,
    /// The account here.
    pub account_id: Uuid,
    /// System it came from.
    pub source: String,
    /// The source's id of it.
    pub external_id: String,
}

/// Makes lines of the feed of the payments kept for these folded accounts, as far as the accounts are here.
///
/// # Errors
/// [`Error::Common`].
pub async fn place(conn: &mut PgConnection, keys: &[String]) -> Result<Vec<Placed>, Error> {
    sqlx::query_as!(
        Placed,
        "with gone as (
             delete from arrears.unplaced_payment u using arrears.account a
             where a.account_key = u.account_key and u.account_key = any($1)
             returning u.source, u.external_id, a.id as account_id, a.account_key, u.amount_cents, u.paid_at, u.received_at),
         line as (
             insert into arrears.feed_line (source, external_id, account_id, kind, amount_cents, at, received_at)
             select source, external_id, account_id, 'payment', amount_cents, paid_at, received_at from gone
             on conflict do nothing)
         select account_key, account_id, source, external_id from gone",
        keys
    )
    .fetch_all(conn)
    .await
    .map_err(db("place payments"))
}

/// Folded accounts registry is asked for again, the one that was not asked for longest comes first.
///
/// # Errors
/// [`Error::Common`].
pub async fn to_ask(pool: &PgPool, limit: i64) -> Result<Vec<String>, Error> {
    sqlx::query_scalar!(
        "select account_key from arrears.unplaced_payment group by account_key order by min(asked_at), account_key limit $1",
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(db("look for payments without an account"))
}

/// Registry was asked for these.
///
/// # Errors
/// [`Error::Common`].
pub async fn asked(conn: &mut PgConnection, keys: &[String], at: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "update arrears.unplaced_payment set asked_at = $2 where account_key = any($1)",
        keys,
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("note that registry was asked"))
}

/// A page, the newest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn list(
    pool: &PgPool,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    let (after_at, after_id) = after.unzip();
    sqlx::query_as!(
        Row,
        "select id, external_id, source, account, account_key, amount_cents, paid_at, received_at, why
         from arrears.unplaced_payment
         where $1::timestamptz is null or (received_at, id) < ($1, $2)
         order by received_at desc, id desc limit $3",
        after_at,
        after_id,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(db("list payments without an account"))
}
