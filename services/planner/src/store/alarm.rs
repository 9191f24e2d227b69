//! Alarms about outages, and who has seen them.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{domain::window::Instant, error::Error};

/// One alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its id; later ones are greater.
    pub id: Uuid,
    /// A planned or temporary outage, or a safety switch-off.
    pub outage: Uuid,
    /// Its spoken number.
    pub number: String,
    /// Where in the organisation.
    pub org_path: String,
    /// The word of the event.
    pub what: String,
    /// Why, in English.
    pub because: String,
    /// And in Chinese; empty: raised by a release that had no Chinese words.
    pub because_zh: String,
    /// When supply goes off, or went off.
    pub off_at: Instant,
    /// When it was raised.
    pub raised_at: Instant,
    /// When somebody said that they have seen it.
    pub acknowledged_at: Option<Instant>,
    /// Who.
    pub acknowledged_by: Option<String>,
}

/// Stores one.
///
/// # Errors
/// [`Error::Common`].
pub async fn raise(conn: &mut PgConnection, one: &Alarm) -> Result<(), Error> {
    sqlx::query!(
        "insert into planner.alarm (id, outage_id, number, org_path, what, because, because_zh, off_at, raised_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        one.id,
        one.outage,
        one.number,
        one.org_path,
        one.what,
        one.because,
        one.because_zh,
        one.off_at,
        one.raised_at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("raise an alarm"))
}

/// Which alarms are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Only those nobody acknowledged.
    pub open: bool,
    /// Only of this outage.
    pub outage: Option<Uuid>,
    /// Org paths that may be seen.
    pub org: &'a [String],
    /// Older than this one.
    pub before: Option<Uuid>,
    /// At most.
    pub limit: i64,
}

/// Alarms, the newest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn list(pool: &PgPool, wanted: Wanted<'_>) -> Result<Vec<Alarm>, Error> {
    sqlx::query_as!(
        Alarm,
        r#"select id, outage_id as "outage", number, org_path, what, because, because_zh, off_at, raised_at,
             acknowledged_at, acknowledged_by
         from planner.alarm
         where (not $1 or acknowledged_at is null) and ($2::uuid is null or outage_id = $2) and org_path like any($3)
           and ($4::uuid is null or id < $4) order by id desc limit $5"#,
        wanted.open,
        wanted.outage,
        wanted.org,
        wanted.before,
        wanted.limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list alarms"))
}

/// Takes open alarms of an outage off the list that ask for nothing any more; `by` says that nobody had to see them.
///
/// # Errors
/// [`Error::Common`].
pub async fn overtake(
    conn: &mut PgConnection,
    outage: Uuid,
    what: &[&str],
    by: &str,
    at: Instant,
) -> Result<(), Error> {
    let what: Vec<String> = what.iter().map(|&word| word.to_owned()).collect();
    sqlx::query!(
        "update planner.alarm set acknowledged_at = $4, acknowledged_by = $3
         where outage_id = $1 and what = any($2) and acknowledged_at is null",
        outage,
        &what,
        by,
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("take overtaken alarms off the list"))
}

/// Notes who has seen it, in these parts of the organisation; the first one stays. None: there is no such alarm there.
///
/// # Errors
/// [`Error::Common`].
pub async fn acknowledge(
    conn: &mut PgConnection,
    id: Uuid,
    org: &[String],
    by: &str,
    at: Instant,
) -> Result<Option<Alarm>, Error> {
    sqlx::query_as!(
        Alarm,
        r#"update planner.alarm set acknowledged_at = coalesce(acknowledged_at, $4),
             acknowledged_by = coalesce(acknowledged_by, $3)
         where id = $1 and org_path like any($2)
         returning id, outage_id as "outage", number, org_path, what, because, because_zh, off_at, raised_at,
             acknowledged_at, acknowledged_by"#,
        id,
        org,
        by,
        at
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("acknowledge an alarm"))
}
