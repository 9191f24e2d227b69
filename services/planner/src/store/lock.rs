//! Times in which nothing is switched off for work.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    domain::{ids::LockId, window::Instant},
    error::Error,
};

/// A lock as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Its id.
    pub id: Uuid,
    /// event, holiday, weather, guarantee.
    pub kind: String,
    /// Where; empty: everywhere.
    pub org_path: String,
    /// From.
    pub from_at: Instant,
    /// Until.
    pub until_at: Instant,
    /// Why.
    pub reason: String,
    /// Who lifted it.
    pub lifted_by: Option<String>,
}

/// Stores a lock; one that is there keeps what it says.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert(conn: &mut PgConnection, lock: &Lock, by: &str) -> Result<bool, Error> {
    sqlx::query!(
        "insert into planner.work_lock (id, kind, org_path, from_at, until_at, reason, set_by)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing",
        lock.id,
        lock.kind,
        lock.org_path,
        lock.from_at,
        lock.until_at,
        lock.reason,
        by
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(Error::db("store a lock"))
}

/// Lifts a lock, once.
///
/// # Errors
/// [`Error::NoSuchLock`], [`Error::Common`].
pub async fn lift(conn: &mut PgConnection, id: LockId, by: &str, reason: &str) -> Result<Lock, Error> {
    sqlx::query_as!(
        Lock,
        "update planner.work_lock set lifted_by = coalesce(lifted_by, $2),
             lift_reason = case when lifted_by is null then $3 else lift_reason end
         where id = $1 returning id, kind, org_path, from_at, until_at, reason, lifted_by",
        id.uuid(),
        by,
        reason
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("lift a lock"))?
    .ok_or_else(|| Error::NoSuchLock(id.to_string()))
}

/// One lock.
///
/// # Errors
/// [`Error::NoSuchLock`], [`Error::Common`].
pub async fn get(conn: &mut PgConnection, id: LockId) -> Result<Lock, Error> {
    sqlx::query_as!(
        Lock,
        "select id, kind, org_path, from_at, until_at, reason, lifted_by from planner.work_lock where id = $1 for update",
        id.uuid()
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("read a lock"))?
    .ok_or_else(|| Error::NoSuchLock(id.to_string()))
}

/// An announced plan.
#[derive(Debug, Clone)]
pub struct Announced {
    /// Its id.
    pub id: Uuid,
    /// Spoken number.
    pub number: String,
    /// Of the aggregate.
    pub version: i64,
    /// Place in the organisation.
    pub org_path: String,
    /// When supply is to end.
    pub off_at: Instant,
}

/// Plans that people were told of and a lock stands in the way of, at the place, above it or below it.
///
/// # Errors
/// [`Error::Common`].
pub async fn announced(conn: &mut PgConnection, lock: &Lock) -> Result<Vec<Announced>, Error> {
    sqlx::query_as!(
        Announced,
        "select id, number, version, org_path, off_at from planner.outage
         where state in ('noticed', 'ready') and off_at < $3 and on_at > $2
           and ($1 = '' or $1 = org_path or starts_with($1, org_path || '/') or starts_with(org_path, $1 || '/'))
         order by off_at, id",
        lock.org_path,
        lock.from_at,
        lock.until_at
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for announced plans"))
}

/// Locks that stand at that moment at the place, above it or below it.
///
/// # Errors
/// [`Error::Common`].
pub async fn at(pool: &PgPool, org_path: &str, at: Instant) -> Result<Vec<Lock>, Error> {
    sqlx::query_as!(
        Lock,
        "select id, kind, org_path, from_at, until_at, reason, lifted_by from planner.work_lock
         where lifted_by is null and from_at <= $2 and until_at > $2
           and (org_path = '' or $1 = org_path or starts_with($1, org_path || '/') or starts_with(org_path, $1 || '/'))
         order by from_at, id limit 500",
        org_path,
        at
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("look for locks of a moment"))
}

/// Locks that are not over at `now`, the first first.
///
/// # Errors
/// [`Error::Common`].
pub async fn standing(pool: &PgPool, now: Instant) -> Result<Vec<Lock>, Error> {
    sqlx::query_as!(
        Lock,
        "select id, kind, org_path, from_at, until_at, reason, lifted_by from planner.work_lock
         where until_at > $1 order by from_at, id limit 500",
        now
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list locks"))
}
