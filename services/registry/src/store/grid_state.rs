//! How the network is switched: device states, what telemetry says, and the numbered states of each version.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::error::Error;

/// A device somebody or something switched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceRow {
    pub(crate) device_key: String,
    pub(crate) device_id: String,
    pub(crate) closed: bool,
    /// manual, telemetry
    pub(crate) source: String,
    pub(crate) switching_id: Option<Uuid>,
}

/// All of them; they are few.
pub(crate) async fn devices<'e>(db: impl PgExecutor<'e>) -> Result<Vec<DeviceRow>, Error> {
    sqlx::query_as!(
        DeviceRow,
        "select device_key, device_id, closed, source, switching_id from registry.device_state order by device_key"
    )
    .fetch_all(db)
    .await
    .map_err(Error::db("read how the network is switched"))
}

/// Number and time of the last switching on this version; (0, none) before the first.
pub(crate) async fn number<'e>(
    db: impl PgExecutor<'e>,
    version: Uuid,
) -> Result<(i64, Option<DateTime<Utc>>), Error> {
    let row = sqlx::query!(
        "select state_no, at from registry.grid_state where grid_version = $1 order by state_no desc limit 1",
        version
    )
    .fetch_optional(db)
    .await
    .map_err(Error::db("read the number of a grid state"))?;
    Ok(row.map_or((0, None), |row| (row.state_no, Some(row.at))))
}

/// One switching at a time; readers are not disturbed.
pub(crate) async fn lock(conn: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("lock table registry.grid_state in share row exclusive mode")
        .execute(conn)
        .await
        .map(drop)
        .map_err(Error::db("wait for another switching"))
}

/// Stores the next state of a version. Returns the number of the state among all versions.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    version: Uuid,
    state_no: i64,
    (opened, closed): (&[String], &[String]),
    at: DateTime<Utc>,
) -> Result<i64, Error> {
    sqlx::query_scalar!(
        "insert into registry.grid_state (grid_version, state_no, opened, closed, at) values ($1, $2, $3, $4, $5)
         returning n",
        version,
        state_no,
        opened,
        closed,
        at
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("store a grid state"))
}

/// Stores the state of one device.
pub(crate) async fn set(conn: &mut PgConnection, device: &DeviceRow, at: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "insert into registry.device_state (device_key, device_id, closed, source, switching_id, at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (device_key) do update set device_id = excluded.device_id, closed = excluded.closed,
             source = excluded.source, switching_id = excluded.switching_id, at = excluded.at",
        device.device_key,
        device.device_id,
        device.closed,
        device.source,
        device.switching_id,
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store the state of a device"))
}

/// What telemetry said last of one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Telemetry {
    pub(crate) device_key: String,
    pub(crate) device_id: String,
    pub(crate) closed: bool,
    pub(crate) at: DateTime<Utc>,
}

/// Stores it when it is newer than what is known. False when it is not.
pub(crate) async fn note(
    conn: &mut PgConnection,
    told: &Telemetry,
    received_at: DateTime<Utc>,
) -> Result<bool, Error> {
    sqlx::query!(
        "insert into registry.device_telemetry as t (device_key, device_id, closed, at, received_at)
         values ($1, $2, $3, $4, $5)
         on conflict (device_key) do update set device_id = excluded.device_id, closed = excluded.closed,
             at = excluded.at, received_at = excluded.received_at where t.at < excluded.at",
        told.device_key,
        told.device_id,
        told.closed,
        told.at,
        received_at
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(Error::db("store telemetry"))
}

/// The last telemetry of these devices.
pub(crate) async fn telemetry<'e>(
    db: impl PgExecutor<'e>,
    device_keys: &[String],
) -> Result<Vec<Telemetry>, Error> {
    sqlx::query_as!(
        Telemetry,
        "select device_key, device_id, closed, at from registry.device_telemetry where device_key = any($1)",
        device_keys
    )
    .fetch_all(db)
    .await
    .map_err(Error::db("read telemetry"))
}

/// What telemetry says of devices that were set by hand to something else.
pub(crate) async fn conflicts<'e>(db: impl PgExecutor<'e>) -> Result<Vec<Telemetry>, Error> {
    sqlx::query_as!(
        Telemetry,
        "select t.device_key, t.device_id, t.closed, t.at from registry.device_telemetry t
         join registry.device_state s using (device_key)
         where s.source = 'manual' and s.closed <> t.closed order by t.device_key"
    )
    .fetch_all(db)
    .await
    .map_err(Error::db("read where telemetry contradicts"))
}
