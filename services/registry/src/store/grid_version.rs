//! Versions of the network: which is current, and its bytes.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::error::Error;

/// A version without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) id: Uuid,
    pub(crate) sha256: Vec<u8>,
}

/// A version to be stored.
#[derive(Debug)]
pub(crate) struct NewVersion {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) sha256: [u8; 32],
    pub(crate) buses: i32,
    pub(crate) devices: i32,
    pub(crate) loads: i32,
    /// Pieces of at most 256 KiB, in order.
    pub(crate) chunks: Vec<Vec<u8>>,
}

/// The version committed last.
pub(crate) async fn current<'e>(db: impl sqlx::PgExecutor<'e>) -> Result<Option<Version>, Error> {
    sqlx::query_as!(
        Version,
        "select id, sha256 from registry.grid_version order by n desc limit 1"
    )
    .fetch_optional(db)
    .await
    .map_err(Error::db("look for the current grid version"))
}

/// Whether there is such a version.
pub(crate) async fn exists(pool: &PgPool, version: Uuid) -> Result<bool, Error> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from registry.grid_version where id = $1) as "exists!""#,
        version
    )
    .fetch_one(pool)
    .await
    .map_err(Error::db("look for a grid version"))
}

/// All bytes of a version.
pub(crate) async fn bytes(pool: &PgPool, version: Uuid) -> Result<Vec<u8>, Error> {
    sqlx::query_scalar!(
        "select data from registry.grid_chunk where grid_version = $1 order by n",
        version
    )
    .fetch_all(pool)
    .await
    .map(|chunks| chunks.concat())
    .map_err(Error::db("read a grid version"))
}

/// One piece of a version; none after the last.
pub(crate) async fn chunk(pool: &PgPool, version: Uuid, n: i32) -> Result<Option<Vec<u8>>, Error> {
    sqlx::query_scalar!(
        "select data from registry.grid_chunk where grid_version = $1 and n = $2",
        version,
        n
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("read a piece of a grid version"))
}

/// Stores a version, which is the current one from its commit on. Returns its number.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    new: &NewVersion,
    at: DateTime<Utc>,
) -> Result<i64, Error> {
    let n = sqlx::query_scalar!(
        "insert into registry.grid_version (id, name, sha256, buses, devices, loads, made_at)
         values ($1, $2, $3, $4, $5, $6, $7) returning n",
        new.id,
        new.name,
        &new.sha256[..],
        new.buses,
        new.devices,
        new.loads,
        at
    )
    .fetch_one(&mut *conn)
    .await
    .map_err(Error::db("store a grid version"))?;
    for (k, chunk) in (0_i32..).zip(&new.chunks) {
        sqlx::query!(
            "insert into registry.grid_chunk (grid_version, n, data) values ($1, $2, $3)",
            new.id,
            k,
            chunk
        )
        .execute(&mut *conn)
        .await
        .map_err(Error::db("store a piece of a grid version"))?;
    }
    Ok(n)
}
