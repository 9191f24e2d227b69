//! Alarms of the arrears desk, and who has seen them.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::db;
use crate::error::Error;

/// One alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// Id.
    pub id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// Its spoken number.
    pub number: String,
    /// Where in the organisation.
    pub org_path: String,
    /// The word of the event.
    pub level: String,
    /// By when it is due.
    pub due_at: DateTime<Utc>,
    /// When it was raised.
    pub raised_at: DateTime<Utc>,
    /// A meter that was cut by mistake; empty with other alarms, as is the rest of the place.
    pub meter_no: String,
    /// Where the crew was sent, Chinese.
    pub address_zh: String,
    /// The same, English.
    pub address_en: String,
    /// Where the phone was, WGS84 degrees.
    pub lon: Option<f64>,
    /// The same.
    pub lat: Option<f64>,
    /// When somebody said that they have seen it.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// Who.
    pub acknowledged_by: Option<String>,
}

/// Stores one.
///
/// # Errors
/// [`Error::Common`].
pub async fn raise(conn: &mut PgConnection, one: &Alarm) -> Result<(), Error> {
    sqlx::query!(
        "insert into arrears.alarm (id, case_id, number, org_path, level, due_at, raised_at, meter_no, address_zh, address_en,
             lon, lat)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        one.id,
        one.case_id,
        one.number,
        one.org_path,
        one.level,
        one.due_at,
        one.raised_at,
        one.meter_no,
        one.address_zh,
        one.address_en,
        one.lon,
        one.lat
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("raise an alarm"))
}

/// Which alarms are asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Only those nobody acknowledged.
    pub open: bool,
    /// Only of this case.
    pub case_id: Option<Uuid>,
    /// Where.
    pub org_patterns: Vec<String>,
}

/// A page, the newest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn list(
    pool: &PgPool,
    wanted: &Wanted,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Alarm>, Error> {
    let (after_at, after_id) = after.unzip();
    sqlx::query_as!(
        Alarm,
        "select id, case_id, number, org_path, level, due_at, raised_at, meter_no, address_zh, address_en, lon, lat,
             acknowledged_at, acknowledged_by
         from arrears.alarm
         where (not $1 or acknowledged_at is null) and ($2::uuid is null or case_id = $2) and org_path like any($3)
           and ($4::timestamptz is null or (raised_at, id) < ($4, $5)) order by raised_at desc, id desc limit $6",
        wanted.open,
        wanted.case_id,
        &wanted.org_patterns,
        after_at,
        after_id,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(db("list alarms"))
}

/// Notes who has seen it, in these parts of the organisation; the first one stays. None: there is no such alarm there.
///
/// # Errors
/// [`Error::Common`].
pub async fn acknowledge(
    conn: &mut PgConnection,
    id: Uuid,
    org_patterns: &[String],
    (by, at): (&str, DateTime<Utc>),
) -> Result<Option<Alarm>, Error> {
    sqlx::query_as!(
        Alarm,
        "update arrears.alarm set acknowledged_at = coalesce(acknowledged_at, $4),
             acknowledged_by = coalesce(acknowledged_by, $3)
         where id = $1 and org_path like any($2)
         returning id, case_id, number, org_path, level, due_at, raised_at, meter_no, address_zh, address_en, lon, lat,
             acknowledged_at, acknowledged_by",
        id,
        org_patterns,
        by,
        at
    )
    .fetch_optional(conn)
    .await
    .map_err(db("acknowledge an alarm"))
}
