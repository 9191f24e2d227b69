//! Switchings and their marks.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use crate::error::Error;

/// A switching as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) number: String,
    pub(crate) device_key: String,
    pub(crate) device_id: String,
    pub(crate) close: bool,
    pub(crate) state: String,
    pub(crate) basis_kind: String,
    pub(crate) basis_id: Option<Uuid>,
    pub(crate) reason: String,
    pub(crate) org_path: String,
    pub(crate) version: i64,
    pub(crate) requested_by: String,
    pub(crate) requested_at: DateTime<Utc>,
    pub(crate) executed_by: Option<String>,
    pub(crate) executed_at: Option<DateTime<Utc>>,
    pub(crate) grid_version: Option<Uuid>,
    pub(crate) state_no: Option<i64>,
    pub(crate) lost_set_id: Option<Uuid>,
    pub(crate) restored_set_id: Option<Uuid>,
}

/// Something that happened to a switching.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    pub(crate) what: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) actor: String,
    pub(crate) name: String,
    pub(crate) permit_no: String,
    pub(crate) read_back: bool,
    pub(crate) note: String,
}

/// The same columns for every way to ask.
macro_rules! switchings {
    ($tail:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            Row,
            "select id, number, device_key, device_id, close, state, basis_kind, basis_id, reason, org_path, version,
                requested_by, requested_at, executed_by, executed_at, grid_version, state_no, lost_set_id, restored_set_id
             from registry.switching " + $tail,
            $($argument),+
        )
    };
}

/// The next spoken number of a day.
pub(crate) async fn next_number(conn: &mut PgConnection, day: NaiveDate) -> Result<String, Error> {
    let last = sqlx::query_scalar!(
        "insert into registry.switching_number as n (day, last) values ($1, 1)
         on conflict (day) do update set last = n.last + 1 returning last",
        day
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("number a switching"))?;
    Ok(format!("S-{}-{last:04}", day.format("%Y%m%d")))
}

/// Stores a new one. False when its id is in use, or another one is open on the device.
pub(crate) async fn insert(conn: &mut PgConnection, row: &Row) -> Result<bool, Error> {
    sqlx::query!(
        "insert into registry.switching (id, number, device_key, device_id, close, state, basis_kind, basis_id, reason,
            org_path, version, requested_by, requested_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict do nothing",
        row.id,
        row.number,
        row.device_key,
        row.device_id,
        row.close,
        row.state,
        row.basis_kind,
        row.basis_id,
        row.reason,
        row.org_path,
        row.version,
        row.requested_by,
        row.requested_at
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(Error::db("store a switching"))
}

/// Locks one.
pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Row>, Error> {
    switchings!("where id = $1 for update", id)
        .fetch_optional(conn)
        .await
        .map_err(Error::db("lock a switching"))
}

/// Reads one.
pub(crate) async fn get(pool: &PgPool, id: Uuid) -> Result<Option<Row>, Error> {
    switchings!("where id = $1", id)
        .fetch_optional(pool)
        .await
        .map_err(Error::db("read a switching"))
}

/// Locks the one that waits for this device to be seen where it is to go.
pub(crate) async fn awaited(
    conn: &mut PgConnection,
    device_key: &str,
    close: bool,
) -> Result<Option<Row>, Error> {
    switchings!(
        "where device_key = $1 and close = $2 and state in ('permitted', 'executed') for update",
        device_key,
        close
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("look for a switching under way"))
}

/// Stores what became of it.
pub(crate) async fn save(conn: &mut PgConnection, row: &Row) -> Result<(), Error> {
    sqlx::query!(
        "update registry.switching set state = $2, version = $3, executed_by = $4, executed_at = $5, grid_version = $6,
            state_no = $7, lost_set_id = $8, restored_set_id = $9 where id = $1",
        row.id,
        row.state,
        row.version,
        row.executed_by,
        row.executed_at,
        row.grid_version,
        row.state_no,
        row.lost_set_id,
        row.restored_set_id
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("save a switching"))
}

/// Adds a mark.
pub(crate) async fn mark(conn: &mut PgConnection, id: Uuid, n: i64, mark: &Mark) -> Result<(), Error> {
    sqlx::query!(
        "insert into registry.switching_mark (switching_id, n, what, at, actor, name, permit_no, read_back, note)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id,
        n,
        mark.what,
        mark.at,
        mark.actor,
        mark.name,
        mark.permit_no,
        mark.read_back,
        mark.note
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("mark a switching"))
}

/// The marks of one, in order.
pub(crate) async fn marks<'e>(db: impl PgExecutor<'e>, id: Uuid) -> Result<Vec<Mark>, Error> {
    sqlx::query_as!(
        Mark,
        "select what, at, actor, name, permit_no, read_back, note from registry.switching_mark
         where switching_id = $1 order by n",
        id
    )
    .fetch_all(db)
    .await
    .map_err(Error::db("read the marks of a switching"))
}

/// Those under `org`, the latest first, after (`requested_at`, `id`) when given.
pub(crate) async fn list(
    pool: &PgPool,
    org: &[String],
    only_open: bool,
    after: Option<(DateTime<Utc>, Uuid)>,
    size: i64,
) -> Result<Vec<Row>, Error> {
    let (requested_at, id) = after.unzip();
    switchings!(
        "where org_path like any($1)
           and (not $2 or state in ('requested', 'acknowledged', 'permitted', 'executed', 'done'))
           and ($3::timestamptz is null or (requested_at, id) < ($3, $4))
         order by requested_at desc, id desc limit $5",
        org,
        only_open,
        requested_at,
        id,
        size
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list switchings"))
}
