//! One-time codes of customers. A row not sent yet waits in the sender's queue.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    domain::{
        account::Language,
        code::{self, Verdict},
    },
    error::Error,
};

/// A code that is to be made.
#[derive(Debug)]
pub(crate) struct New<'a> {
    pub(crate) id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) contact_id: Uuid,
    pub(crate) account: &'a str,
    pub(crate) language: Language,
    pub(crate) now: DateTime<Utc>,
}

/// Makes a code, unless the customer had three within the hour. A live one ends. Says whether it was made.
pub(crate) async fn make(conn: &mut PgConnection, new: &New<'_>) -> Result<bool, Error> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 1))",
        new.customer_id
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("lock a customer's codes"))?;
    let recent = sqlx::query_scalar!(
        r#"select count(*) as "count!" from access.code where customer_id = $1 and created_at > $2"#,
        new.customer_id,
        new.now - TimeDelta::hours(1)
    )
    .fetch_one(&mut *conn)
    .await
    .map_err(Error::db("count a customer's codes"))?;
    if recent >= code::PER_HOUR {
        return Ok(false);
    }
    sqlx::query!(
        "update access.code set ended_at = $2 where customer_id = $1 and ended_at is null",
        new.customer_id,
        new.now
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("end a code"))?;
    sqlx::query!(
        "insert into access.code (id, customer_id, contact_id, account, language, created_at, expires_at, try_at)
         values ($1, $2, $3, $4, $5, $6, $7, $6)",
        new.id,
        new.customer_id,
        new.contact_id,
        new.account,
        new.language.tag(),
        new.now,
        new.now + code::lifetime()
    )
    .execute(conn)
    .await
    .map_err(Error::db("make a code"))?;
    Ok(true)
}

/// The live code of an account.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) language: String,
    pub(crate) wrong: i32,
    pub(crate) expires_at: DateTime<Utc>,
}

/// Locks the live code of an account.
pub(crate) async fn lock(conn: &mut PgConnection, account: &str) -> Result<Option<Live>, Error> {
    sqlx::query_as!(
        Live,
        "select id, customer_id, language, wrong, expires_at from access.code
         where account = $1 and ended_at is null order by created_at desc limit 1 for update",
        account
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("lock a code"))
}

/// Stores what a try came to.
pub(crate) async fn tried(
    conn: &mut PgConnection,
    id: Uuid,
    verdict: Verdict,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let wrong = i32::from(matches!(verdict, Verdict::Wrong | Verdict::Last));
    let ended_at = Some(now).filter(|_| verdict != Verdict::Wrong);
    sqlx::query!(
        "update access.code set wrong = wrong + $2, ended_at = $3 where id = $1",
        id,
        wrong,
        ended_at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note a try"))
}

/// A code to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Unsent {
    pub(crate) id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) contact_id: Uuid,
    pub(crate) language: String,
    pub(crate) expires_at: DateTime<Utc>,
}

/// Takes codes that are due to be sent; each comes back after `again` unless it is marked as sent before.
pub(crate) async fn take_unsent(
    pool: &PgPool,
    now: DateTime<Utc>,
    again: TimeDelta,
) -> Result<Vec<Unsent>, Error> {
    sqlx::query_as!(
        Unsent,
        "update access.code set try_at = $2 where id in (
             select id from access.code
             where sent_at is null and ended_at is null and try_at <= $1 and expires_at > $1
             order by try_at limit 20 for update skip locked
         ) returning id, customer_id, contact_id, language, expires_at",
        now,
        now + again
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("take codes to send"))
}

/// Marks a code as handed to notify.
pub(crate) async fn sent(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!("update access.code set sent_at = $2 where id = $1", id, now)
        .execute(pool)
        .await
        .map(drop)
        .map_err(Error::db("mark a code as sent"))
}
