//! Lines of the feed: each once per source.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::db;
use crate::error::Error;

/// A line as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// System it comes from.
    pub source: &'a str,
    /// Its id there.
    pub external_id: &'a str,
    /// The account.
    pub account_id: Uuid,
    /// `balance` or `payment`.
    pub kind: &'static str,
    /// The balance, or the amount paid.
    pub amount_cents: i64,
    /// The moment it speaks of.
    pub at: DateTime<Utc>,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is new.
    New,
    /// The same line came before.
    Repeated,
    /// Another line with this id came before.
    Differs,
}

/// Writes a line unless it came before.
///
/// # Errors
/// [`Error::Common`].
pub async fn write(
    conn: &mut PgConnection,
    line: &Line<'_>,
    received_at: DateTime<Utc>,
) -> Result<Written, Error> {
    let done = sqlx::query!(
        "insert into arrears.feed_line (source, external_id, account_id, kind, amount_cents, at, received_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        line.source,
        line.external_id,
        line.account_id,
        line.kind,
        line.amount_cents,
        line.at,
        received_at,
    )
    .execute(&mut *conn)
    .await
    .map_err(db("write a line of the feed"))?;
    if done.rows_affected() == 1 {
        return Ok(Written::New);
    }
    let same = sqlx::query_scalar!(
        r#"select account_id = $3 and kind = $4 and amount_cents = $5 and at = $6 as "same!"
         from arrears.feed_line where source = $1 and external_id = $2"#,
        line.source,
        line.external_id,
        line.account_id,
        line.kind,
        line.amount_cents,
        line.at,
    )
    .fetch_one(conn)
    .await
    .map_err(db("compare a line of the feed"))?;
    Ok(if same { Written::Repeated } else { Written::Differs })
}

/// Payments after `since`: their sum, and the moment of the last.
///
/// # Errors
/// [`Error::Common`].
pub async fn paid_since(
    conn: &mut PgConnection,
    account: Uuid,
    since: Option<DateTime<Utc>>,
) -> Result<(i64, Option<DateTime<Utc>>), Error> {
    let row = sqlx::query!(
        r#"select coalesce(sum(amount_cents), 0)::bigint as "sum!", max(at) as last_at
         from arrears.feed_line where account_id = $1 and kind = 'payment' and ($2::timestamptz is null or at > $2)"#,
        account,
        since
    )
    .fetch_one(conn)
    .await
    .map_err(db("add up payments"))?;
    Ok((row.sum, row.last_at))
}
