//! Repair units.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::db;
use crate::{domain::ids::UnitId, error::Error};

/// A repair unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Id.
    pub id: UnitId,
    /// Name on the board.
    pub name: String,
    /// Place in the organisation.
    pub org_path: String,
    /// Org paths whose faults it is asked for first.
    pub area_org_paths: Vec<String>,
}

/// Makes or replaces a unit.
pub async fn put(conn: &mut PgConnection, unit: &Unit) -> Result<(), Error> {
    sqlx::query!(
        "insert into dispatch.unit as u (id, name, org_path, area_org_paths) values ($1, $2, $3, $4)
         on conflict (id) do update set name = excluded.name, org_path = excluded.org_path,
             area_org_paths = excluded.area_org_paths, version = u.version + 1",
        unit.id.uuid(),
        unit.name,
        unit.org_path,
        &unit.area_org_paths,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("save a unit"))
}

/// A unit.
pub async fn get(conn: &mut PgConnection, id: UnitId) -> Result<Option<Unit>, Error> {
    let row = sqlx::query!(
        "select name, org_path, area_org_paths from dispatch.unit where id = $1",
        id.uuid()
    )
    .fetch_optional(conn)
    .await
    .map_err(db("load a unit"))?;
    Ok(row.map(|row| Unit {
        id,
        name: row.name,
        org_path: row.org_path,
        area_org_paths: row.area_org_paths,
    }))
}

/// Who may see which rows of a list.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// `LIKE` patterns of org paths.
    pub org_patterns: Vec<String>,
    /// The unit whose desk asks.
    pub unit: Option<Uuid>,
    /// The crew whose phone asks.
    pub crew: Option<Uuid>,
}

/// Units by name after (name, id).
pub async fn list(pool: &PgPool, scope: &Scope, after: (&str, Uuid), limit: i64) -> Result<Vec<Unit>, Error> {
    let rows = sqlx::query!(
        "select id, name, org_path, area_org_paths from dispatch.unit
         where (org_path like any($1) or id = $2) and (name, id) > ($3, $4) order by name, id limit $5",
        &scope.org_patterns,
        scope.unit,
        after.0,
        after.1,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(db("list units"))?;
    let units = rows.into_iter().map(|row| Unit {
        id: UnitId::from_uuid(row.id),
        name: row.name,
        org_path: row.org_path,
        area_org_paths: row.area_org_paths,
    });
    Ok(units.collect())
}
