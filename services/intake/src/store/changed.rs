//! Customers who changed: what one process hears of, the others read here.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::error::Error;

/// Stands for all customers.
pub const EVERYBODY: Uuid = Uuid::nil();

/// Notes that this customer, or [`EVERYBODY`], changed, or what they are supplied at.
///
/// # Errors
/// [`Error::Common`].
pub async fn note(conn: &mut PgConnection, customer: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "insert into intake.customer_changed (customer_id, at) values ($1, $2)
         on conflict (customer_id) do update set at = greatest(intake.customer_changed.at, excluded.at)",
        customer,
        now
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note that a customer changed"))
}

/// Who changed since then, and when.
///
/// # Errors
/// [`Error::Common`].
pub async fn since(pool: &PgPool, since: DateTime<Utc>) -> Result<Vec<(Uuid, DateTime<Utc>)>, Error> {
    let rows = sqlx::query!(
        "select customer_id, at from intake.customer_changed where at >= $1",
        since
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("look who changed"))?;
    Ok(rows.into_iter().map(|row| (row.customer_id, row.at)).collect())
}

/// Forgets who changed so long ago that every process has looked, or has started, since.
///
/// # Errors
/// [`relight_common::Error`].
pub async fn forget(pool: &PgPool, before: DateTime<Utc>) -> Result<u64, relight_common::Error> {
    sqlx::query!("delete from intake.customer_changed where at < $1", before)
        .execute(pool)
        .await
        .map(|done| done.rows_affected())
        .map_err(relight_common::Error::db("forget who changed"))
}
