//! Attempts to log in that have not succeeded.

use chrono::{DateTime, Utc};
use relight_common::Db;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{domain::limits, error::Error};

/// Counts an attempt before the password is looked at, so that many at once cannot get past the limit.
pub(crate) async fn reserve(db: &Db, login_key: &[u8; 32], now: DateTime<Utc>) -> Result<Uuid, Error> {
    let mut tx = db.begin().await?;
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended(encode($1, 'hex'), 0))",
        &login_key[..]
    )
    .execute(&mut *tx)
    .await
    .map_err(Error::db("lock a log-in name"))?;
    let failures = sqlx::query_scalar!(
        "select at from access.log_in_attempt where login_key = $1 and at > $2 order by at",
        &login_key[..],
        now - limits::window()
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(Error::db("count wrong passwords"))?;
    if let Some(until) = limits::wait_until(&failures, now) {
        return Err(Error::Wait(until));
    }
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into access.log_in_attempt (id, login_key, at) values ($1, $2, $3)",
        id,
        &login_key[..],
        now
    )
    .execute(&mut *tx)
    .await
    .map_err(Error::db("count an attempt"))?;
    tx.commit().await.map_err(Error::db("count an attempt"))?;
    Ok(id)
}

/// Takes one attempt back: nothing was tried.
pub(crate) async fn take_back(pool: &PgPool, id: Uuid) -> Result<(), Error> {
    sqlx::query!("delete from access.log_in_attempt where id = $1", id)
        .execute(pool)
        .await
        .map(drop)
        .map_err(Error::db("take an attempt back"))
}

/// Forgets the attempts of a log-in name: the right password came.
pub(crate) async fn forget(pool: &PgPool, login_key: &[u8; 32]) -> Result<(), Error> {
    sqlx::query!(
        "delete from access.log_in_attempt where login_key = $1",
        &login_key[..]
    )
    .execute(pool)
    .await
    .map(drop)
    .map_err(Error::db("forget attempts"))
}

/// Removes what has no meaning any more: old attempts, ended sessions, old codes. Returns how many rows.
pub(crate) async fn purge(pool: &PgPool, now: DateTime<Utc>) -> Result<u64, relight_common::Error> {
    let doing = "remove what is over";
    let attempts = sqlx::query!(
        "delete from access.log_in_attempt where at < $1",
        now - limits::window() * 2
    )
    .execute(pool)
    .await
    .map_err(relight_common::Error::db(doing))?;
    let sessions = sqlx::query!("delete from access.session where expires_at < $1", now)
        .execute(pool)
        .await
        .map_err(relight_common::Error::db(doing))?;
    let day_ago = now - chrono::TimeDelta::days(1);
    let codes = sqlx::query!("delete from access.code where created_at < $1", day_ago)
        .execute(pool)
        .await
        .map_err(relight_common::Error::db(doing))?;
    Ok(attempts.rows_affected() + sessions.rows_affected() + codes.rows_affected())
}
