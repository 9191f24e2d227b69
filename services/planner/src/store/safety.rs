//! Safety switch-offs: recorded, restored, read; and who has proof that they were told.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{outage::Place, told::Evidence};
use crate::{domain::window::Instant, error::Error};

/// One safety switch-off as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct SwitchOff {
    /// Its id.
    pub id: Uuid,
    /// Spoken number.
    pub number: String,
    /// Of the aggregate.
    pub version: i64,
    /// The danger's word.
    pub danger: String,
    /// What was seen, who asked for it.
    pub basis: String,
    /// Org unit.
    pub org_path: String,
    /// IANA zone.
    pub zone: String,
    /// What is open.
    pub device_ids: Vec<String>,
    /// The affected set.
    pub set: Uuid,
    /// Its members.
    pub count: i32,
    /// WGS84 degrees.
    pub lon: Option<f64>,
    /// WGS84 degrees.
    pub lat: Option<f64>,
    /// Area, Chinese.
    pub area_zh: String,
    /// Area, English.
    pub area_en: String,
    /// Who recorded it.
    pub recorded_by: String,
    /// When it was done.
    pub switched_off_at: Instant,
    /// When it was recorded and everybody ordered to be told.
    pub recorded_at: Instant,
    /// When supply is expected back.
    pub expected_on_at: Option<Instant>,
    /// When everybody had supply again.
    pub restored_at: Option<Instant>,
    /// Who said that the danger is over.
    pub cleared_by: String,
    /// Whom it concerns; 0 where nobody hangs on it, or it was recorded before that was kept.
    pub customers: i32,
    /// Customers with proof that they were told.
    pub told_count: i64,
}

/// Stores a switch-off. False when the id is taken.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert(conn: &mut PgConnection, one: &SwitchOff, place: &Place) -> Result<bool, Error> {
    let (lon, lat) = place.position.unzip();
    sqlx::query!(
        "insert into planner.safety_switch_off (id, number, org_path, zone, version, danger, basis, device_ids, affected_set_id,
             affected_count, lon, lat, area_zh, area_en, recorded_by, switched_off_at, recorded_at, expected_on_at, customers)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) on conflict (id) do nothing",
        one.id,
        one.number,
        place.org_path,
        place.zone,
        one.version,
        one.danger,
        one.basis,
        &place.device_ids,
        place.set,
        place.count,
        lon,
        lat,
        one.area_zh,
        one.area_en,
        one.recorded_by,
        one.switched_off_at,
        one.recorded_at,
        one.expected_on_at,
        one.customers
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(Error::db("store a safety switch-off"))
}

/// Locks a switch-off.
///
/// # Errors
/// [`Error::NoSuchSafety`], [`Error::Common`].
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<SwitchOff, Error> {
    sqlx::query_scalar!(
        "select 1 from planner.safety_switch_off where id = $1 for update",
        id
    )
    .fetch_optional(&mut *conn)
    .await
    .map_err(Error::db("lock a safety switch-off"))?;
    let found = sqlx::query_as!(
        SwitchOff,
        r#"select id, number, version, danger, basis, org_path, zone, device_ids, affected_set_id as "set", affected_count as "count",
             lon, lat, area_zh, area_en, recorded_by, switched_off_at, recorded_at, expected_on_at, restored_at, cleared_by, customers,
             (select count(*) from planner.safety_told t where t.safety_id = s.id) as "told_count!"
         from planner.safety_switch_off s where id = $1"#,
        id
    );
    found
        .fetch_optional(conn)
        .await
        .map_err(Error::db("read a safety switch-off"))?
        .ok_or_else(|| Error::NoSuchSafety(id))
}

/// A switch-off in the caller's area.
///
/// # Errors
/// [`Error::NoSuchSafety`], [`Error::Common`].
pub async fn find(pool: &PgPool, id: Uuid, org: &[String]) -> Result<SwitchOff, Error> {
    let found = sqlx::query_as!(
        SwitchOff,
        r#"select id, number, version, danger, basis, org_path, zone, device_ids, affected_set_id as "set", affected_count as "count",
             lon, lat, area_zh, area_en, recorded_by, switched_off_at, recorded_at, expected_on_at, restored_at, cleared_by, customers,
             (select count(*) from planner.safety_told t where t.safety_id = s.id) as "told_count!"
         from planner.safety_switch_off s where id = $1 and org_path like any($2)"#,
        id,
        org
    );
    found
        .fetch_optional(pool)
        .await
        .map_err(Error::db("read a safety switch-off"))?
        .ok_or_else(|| Error::NoSuchSafety(id))
}

/// Switch-offs of the caller's area before (`switched_off_at`, `id`), the last one first.
///
/// # Errors
/// [`Error::Common`].
pub async fn page(
    pool: &PgPool,
    org: &[String],
    before: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<SwitchOff>, Error> {
    let (at, id) = before.unzip();
    let rows = sqlx::query_as!(
        SwitchOff,
        r#"select id, number, version, danger, basis, org_path, zone, device_ids, affected_set_id as "set", affected_count as "count",
             lon, lat, area_zh, area_en, recorded_by, switched_off_at, recorded_at, expected_on_at, restored_at, cleared_by, customers,
             (select count(*) from planner.safety_told t where t.safety_id = s.id) as "told_count!"
         from planner.safety_switch_off s
         where org_path like any($1) and ($2::timestamptz is null or (switched_off_at, id) < ($2, $3))
         order by switched_off_at desc, id desc limit $4"#,
        org,
        at,
        id,
        limit
    );
    rows.fetch_all(pool)
        .await
        .map_err(Error::db("list safety switch-offs"))
}

/// Saves what a restoration changed.
///
/// # Errors
/// [`Error::Common`].
pub async fn save(conn: &mut PgConnection, one: &SwitchOff) -> Result<(), Error> {
    sqlx::query!(
        "update planner.safety_switch_off set version = $2, restored_at = $3, cleared_by = $4 where id = $1",
        one.id,
        one.version,
        one.restored_at,
        one.cleared_by
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("save a safety switch-off"))
}

/// Notes who was told; twice is once.
///
/// # Errors
/// [`Error::Common`].
pub async fn told(conn: &mut PgConnection, id: Uuid, all: &[Evidence]) -> Result<(), Error> {
    sqlx::query!(
        "insert into planner.safety_told (safety_id, customer_id, at)
         select $1, n.customer, n.at from unnest($2::uuid[], $3::timestamptz[]) as n (customer, at) on conflict do nothing",
        id,
        &all.iter().map(|one| one.customer).collect::<Vec<_>>(),
        &all.iter().map(|one| one.at).collect::<Vec<_>>()
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note who was told of a safety switch-off"))
}
