//! Corrected links.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use crate::error::Error;

/// A correction as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) service_point_id: Uuid,
    pub(crate) external_key: String,
    pub(crate) external_id: String,
    pub(crate) from_bus: String,
    pub(crate) to_bus: String,
    pub(crate) from_transformer_id: Option<String>,
    pub(crate) to_transformer_id: Option<String>,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) grid_version: Uuid,
    pub(crate) state: String,
    pub(crate) org_path: String,
}

/// The standing correction of this service point gives way to a newer one.
pub(crate) async fn replace(conn: &mut PgConnection, key: &str) -> Result<(), Error> {
    sqlx::query!(
        "update registry.link_correction set state = 'replaced' where external_key = $1 and state = 'standing'",
        key
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("replace a corrected link"))
}

/// Stores a correction.
pub(crate) async fn insert(conn: &mut PgConnection, row: &Row) -> Result<(), Error> {
    sqlx::query!(
        "insert into registry.link_correction (id, service_point_id, external_key, external_id, from_bus, to_bus,
            from_transformer_id, to_transformer_id, reason, by, at, grid_version, state, org_path)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        row.id,
        row.service_point_id,
        row.external_key,
        row.external_id,
        row.from_bus,
        row.to_bus,
        row.from_transformer_id,
        row.to_transformer_id,
        row.reason,
        row.by,
        row.at,
        row.grid_version,
        row.state,
        row.org_path
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store a corrected link"))
}

/// All that stand, by folded external id.
pub(crate) async fn standing<'e>(db: impl PgExecutor<'e>) -> Result<Vec<Row>, Error> {
    sqlx::query_as!(
        Row,
        "select id, service_point_id, external_key, external_id, from_bus, to_bus, from_transformer_id, to_transformer_id,
            reason, by, at, grid_version, state, org_path
         from registry.link_correction where state = 'standing' order by external_key"
    )
    .fetch_all(db)
    .await
    .map_err(Error::db("read corrected links"))
}

/// A pack ended these.
pub(crate) async fn end(conn: &mut PgConnection, ids: &[Uuid], state: &str) -> Result<(), Error> {
    sqlx::query!(
        "update registry.link_correction set state = $2 where id = any($1) and state = 'standing'",
        ids,
        state
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("end corrected links"))
}

/// Those under `org`, the latest first, after (`at`, `id`) when given.
pub(crate) async fn list(
    pool: &PgPool,
    org: &[String],
    only_standing: bool,
    after: Option<(DateTime<Utc>, Uuid)>,
    size: i64,
) -> Result<Vec<Row>, Error> {
    let (at, id) = after.unzip();
    sqlx::query_as!(
        Row,
        "select id, service_point_id, external_key, external_id, from_bus, to_bus, from_transformer_id, to_transformer_id,
            reason, by, at, grid_version, state, org_path
         from registry.link_correction
         where org_path like any($1) and (not $2 or state = 'standing')
           and ($3::timestamptz is null or (at, id) < ($3, $4))
         order by at desc, id desc limit $5",
        org,
        only_standing,
        at,
        id,
        size
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list corrected links"))
}
