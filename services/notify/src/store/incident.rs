//! What messages need to know of an incident.

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::error::Error;

/// One incident, as far as messages need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its id.
    pub id: Uuid,
    /// Version applied here.
    pub version: i64,
    /// Spoken number.
    pub number: String,
    /// IANA zone of the place; may be empty.
    pub zone: String,
    /// Where it is in the organisation.
    pub org_path: String,
}

/// Takes a newer version over; an older one changes nothing.
///
/// # Errors
/// [`Error::Common`].
pub async fn save(conn: &mut PgConnection, incident: &Incident) -> Result<(), Error> {
    sqlx::query!(
        "insert into notify.incident as i (id, version, number, zone, org_path) values ($1, $2, $3, $4, $5)
         on conflict (id) do update set version = excluded.version, number = excluded.number,
             zone = excluded.zone, org_path = excluded.org_path
         where i.version < excluded.version",
        incident.id,
        incident.version,
        incident.number,
        incident.zone,
        incident.org_path
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("save an incident"))
}

/// The incident, in at least `version`.
///
/// # Errors
/// [`Error::NotYet`] while that version is on its way.
pub async fn load(db: impl PgExecutor<'_>, id: Uuid, version: i64) -> Result<Incident, Error> {
    sqlx::query_as!(
        Incident,
        "select id, version, number, zone, org_path from notify.incident where id = $1 and version >= $2",
        id,
        version
    )
    .fetch_optional(db)
    .await
    .map_err(Error::db("load an incident"))?
    .ok_or(Error::NotYet(id, version))
}

/// Notes the estimate of `version` of `order`; false when a newer one of that order was here before.
///
/// # Errors
/// [`Error::Common`].
pub async fn newer_etr(conn: &mut PgConnection, id: Uuid, order: Uuid, version: i64) -> Result<bool, Error> {
    sqlx::query!(
        "update notify.incident set etr_order = $2, etr_version = $3
         where id = $1 and (etr_order is distinct from $2 or etr_version < $3)",
        id,
        order,
        version
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(Error::db("note an estimate"))
}
