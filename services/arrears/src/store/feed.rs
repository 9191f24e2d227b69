//! Lines of the feed: each once per source. Every statement is about a whole batch.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::db;
use crate::error::Error;

/// A line as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its id at the source.
    pub external_id: String,
    /// The account.
    pub account_id: Uuid,
    /// `balance` or `payment`.
    pub kind: String,
    /// The balance, or the amount paid.
    pub amount_cents: i64,
    /// The moment it speaks of.
    pub at: DateTime<Utc>,
}

/// Writes the lines that did not come before. Returns their ids. One that was kept for an account nobody knows is put right
/// by a line with its id.
///
/// # Errors
/// [`Error::Common`].
pub async fn write(
    conn: &mut PgConnection,
    source: &str,
    lines: &[&Line],
    received_at: DateTime<Utc>,
) -> Result<BTreeSet<String>, Error> {
    let external_ids: Vec<String> = lines.iter().map(|line| line.external_id.clone()).collect();
    let accounts: Vec<Uuid> = lines.iter().map(|line| line.account_id).collect();
    let kinds: Vec<String> = lines.iter().map(|line| line.kind.clone()).collect();
    let amounts: Vec<i64> = lines.iter().map(|line| line.amount_cents).collect();
    let moments: Vec<DateTime<Utc>> = lines.iter().map(|line| line.at).collect();
    let new = sqlx::query_scalar!(
        "with right_now as (
             delete from arrears.unplaced_payment where source = $1 and external_id = any($2))
         insert into arrears.feed_line (source, external_id, account_id, kind, amount_cents, at, received_at)
         select $1, l.*, $7 from unnest($2::text[], $3::uuid[], $4::text[], $5::bigint[], $6::timestamptz[]) l
         on conflict do nothing returning external_id",
        source,
        &external_ids,
        &accounts,
        &kinds,
        &amounts,
        &moments,
        received_at,
    )
    .fetch_all(conn)
    .await
    .map_err(db("write lines of the feed"))?;
    Ok(new.into_iter().collect())
}

/// Lines that came before, by their id.
///
/// # Errors
/// [`Error::Common`].
pub async fn find(
    conn: &mut PgConnection,
    source: &str,
    external_ids: &[String],
) -> Result<BTreeMap<String, Line>, Error> {
    if external_ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let lines = sqlx::query_as!(
        Line,
        "select external_id, account_id, kind, amount_cents, at from arrears.feed_line
         where source = $1 and external_id = any($2)",
        source,
        external_ids
    )
    .fetch_all(conn)
    .await
    .map_err(db("compare lines of the feed"))?;
    Ok(lines
        .into_iter()
        .map(|line| (line.external_id.clone(), line))
        .collect())
}

/// Payments of one account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paid {
    /// Their sum, hundredths of the currency.
    pub cents: i64,
    /// The moment of the first.
    pub first_at: Option<DateTime<Utc>>,
    /// The moment of the last.
    pub last_at: Option<DateTime<Utc>>,
}

/// Payments of accounts from a moment of each on, which counts too: nobody is cut who paid in the very second of a
/// balance (billing often knows seconds only).
///
/// # Errors
/// [`Error::Common`].
pub async fn paid_since(
    conn: &mut PgConnection,
    accounts: &[(Uuid, Option<DateTime<Utc>>)],
) -> Result<BTreeMap<Uuid, Paid>, Error> {
    let (ids, since): (Vec<Uuid>, Vec<Option<DateTime<Utc>>>) = accounts.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"select a.id as "id!", coalesce(p.cents, 0)::bigint as "sum!", p.first_at, p.last_at
         from unnest($1::uuid[], $2::timestamptz[]) a (id, since)
         left join lateral (
             select sum(l.amount_cents) as cents, min(l.at) as first_at, max(l.at) as last_at from arrears.feed_line l
             where l.account_id = a.id and l.kind = 'payment' and (a.since is null or l.at >= a.since)
         ) p on true"#,
        &ids,
        &since as &[Option<DateTime<Utc>>]
    )
    .fetch_all(conn)
    .await
    .map_err(db("add up payments"))?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let paid = Paid {
                cents: row.sum,
                first_at: row.first_at,
                last_at: row.last_at,
            };
            (row.id, paid)
        })
        .collect())
}
