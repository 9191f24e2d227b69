//! What messages need to know of an incident.

use std::collections::{HashMap, HashSet};

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

/// Takes newer versions over; an older one changes nothing. Each incident may be there once; they are locked in the order
/// they are given in.
///
/// # Errors
/// [`Error::Common`].
pub async fn save_all(conn: &mut PgConnection, incidents: &[Incident]) -> Result<(), Error> {
    if incidents.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = incidents.iter().map(|one| one.id).collect();
    let versions: Vec<i64> = incidents.iter().map(|one| one.version).collect();
    let numbers: Vec<String> = incidents.iter().map(|one| one.number.clone()).collect();
    let zones: Vec<String> = incidents.iter().map(|one| one.zone.clone()).collect();
    let org_paths: Vec<String> = incidents.iter().map(|one| one.org_path.clone()).collect();
    sqlx::query!(
        "insert into notify.incident as i (id, version, number, zone, org_path)
         select * from unnest($1::uuid[], $2::int8[], $3::text[], $4::text[], $5::text[])
         on conflict (id) do update set version = excluded.version, number = excluded.number,
             zone = excluded.zone, org_path = excluded.org_path
         where i.version < excluded.version",
        &ids,
        &versions,
        &numbers,
        &zones,
        &org_paths
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("save incidents"))
}

/// Those of these incidents that are known, by id.
///
/// # Errors
/// [`Error::Common`].
pub async fn load_all(db: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Incident>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = sqlx::query_as!(
        Incident,
        "select id, version, number, zone, org_path from notify.incident where id = any($1)",
        ids
    )
    .fetch_all(db)
    .await
    .map_err(Error::db("load incidents"))?;
    Ok(found.into_iter().map(|one| (one.id, one)).collect())
}

/// The estimate of a version of an order.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// Of this incident.
    pub incident: Uuid,
    /// The order.
    pub order: Uuid,
    /// Its version.
    pub version: i64,
}

/// Notes estimates, one of an incident at most; gives the incidents of those that are no older than what was known of the
/// same order. They are locked in the order of their ids.
///
/// # Errors
/// [`Error::Common`].
pub async fn note_estimates(conn: &mut PgConnection, estimates: &[Estimate]) -> Result<HashSet<Uuid>, Error> {
    if estimates.is_empty() {
        return Ok(HashSet::new());
    }
    let incidents: Vec<Uuid> = estimates.iter().map(|one| one.incident).collect();
    let orders: Vec<Uuid> = estimates.iter().map(|one| one.order).collect();
    let versions: Vec<i64> = estimates.iter().map(|one| one.version).collect();
    let noted = sqlx::query_scalar!(
        "with due as (
             select i.id, e.etr_order, e.etr_version from notify.incident i
             join unnest($1::uuid[], $2::uuid[], $3::int8[]) e (id, etr_order, etr_version) on e.id = i.id
             where i.etr_order is distinct from e.etr_order or i.etr_version < e.etr_version
             order by i.id for no key update of i
         )
         update notify.incident i set etr_order = due.etr_order, etr_version = due.etr_version
         from due where i.id = due.id returning i.id",
        &incidents,
        &orders,
        &versions
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("note estimates"))?;
    Ok(noted.into_iter().collect())
}
