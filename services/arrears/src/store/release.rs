//! Releases to cut; only hashes of them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::db;
use crate::{domain::Release, error::Error};

/// A release of a case.
#[derive(Debug, Clone)]
pub struct Row {
    /// Id.
    pub id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// SHA-256 of what is shown, with the case.
    pub hash: [u8; 32],
    /// The one meter.
    pub meter_no: String,
    /// When it was given.
    pub made_at: DateTime<Utc>,
    /// Its end.
    pub expires_at: DateTime<Utc>,
    /// The desk read it out.
    pub spoken: bool,
}

/// Writes a release.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert(conn: &mut PgConnection, row: &Row) -> Result<(), Error> {
    sqlx::query!(
        "insert into arrears.release (id, case_id, hash, meter_no, made_at, expires_at, spoken)
         values ($1, $2, $3, $4, $5, $6, $7)",
        row.id,
        row.case_id,
        &row.hash[..],
        row.meter_no,
        row.made_at,
        row.expires_at,
        row.spoken,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("write a release"))
}

/// The release with this hash, locked.
///
/// # Errors
/// [`Error::Common`].
pub async fn lock(
    conn: &mut PgConnection,
    case: Uuid,
    hash: &[u8; 32],
) -> Result<Option<(Uuid, Release)>, Error> {
    let row = sqlx::query!(
        "select id, meter_no, expires_at, spent_at, spoken from arrears.release where case_id = $1 and hash = $2 for update",
        case,
        &hash[..]
    )
    .fetch_optional(conn)
    .await
    .map_err(db("read a release"))?;
    Ok(row.map(|row| {
        let release = Release {
            meter_no: row.meter_no,
            expires_at: row.expires_at,
            spent_at: row.spent_at,
            spoken: row.spoken,
        };
        (row.id, release)
    }))
}

/// Spends every release of a case: one was used, or all are taken back.
///
/// # Errors
/// [`Error::Common`].
pub async fn spend(conn: &mut PgConnection, case: Uuid, at: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "update arrears.release set spent_at = $2 where case_id = $1 and spent_at is null",
        case,
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("spend releases"))
}
