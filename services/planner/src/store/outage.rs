//! Outages: made, locked, saved, read.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    domain::{
        form::{STRICTEST, Template},
        ids::OutageId,
        outage::{Mark, Outage},
        window::{Instant, Window},
    },
    error::Error,
};

/// What people are told about the place and the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Area, Chinese.
    pub area_zh: String,
    /// Area, English.
    pub area_en: String,
    /// Line or device.
    pub line: String,
    /// Reason, Chinese.
    pub reason_zh: String,
    /// Reason, English.
    pub reason_en: String,
}

/// The network's part of an outage: what opens, who is affected.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// External ids of what will be open.
    pub device_ids: Vec<String>,
    /// The affected set.
    pub set: Uuid,
    /// The version of the network it was made on.
    pub grid_version: String,
    /// Members.
    pub count: i32,
    /// Org unit.
    pub org_path: String,
    /// IANA zone.
    pub zone: String,
    /// Every zone of somebody affected.
    pub zones: Vec<String>,
    /// Ids of the uppermost switching devices above what opens.
    pub feeders: Vec<String>,
    /// WGS84 degrees.
    pub position: Option<(f64, f64)>,
    /// Area text made from the addresses of the set.
    pub area_made: String,
}

/// An outage as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its id.
    pub id: OutageId,
    /// Spoken number.
    pub number: String,
    /// Of the aggregate.
    pub version: i64,
    /// What opens, who is affected.
    pub place: Place,
    /// What people are told.
    pub words: Words,
    /// Customers above the yearly count, when it was compared.
    pub above_count: i32,
    /// Customers above the yearly hours, when it was compared.
    pub above_hours: i32,
    /// Numbers of the plans it collided with, when it was compared.
    pub conflicts: Vec<String>,
    /// What it has to hold, as the word of a [`crate::domain::form::Template`].
    pub template: String,
    /// Why although something collides.
    pub justification: String,
    /// What was written at the end.
    pub note: String,
    /// The work order; empty while there is none.
    pub order_number: String,
    /// The crew that has it.
    pub crew_name: String,
    /// The network changed since: so many customers would be added.
    pub network_added: i32,
    /// And so many released.
    pub network_released: i32,
    /// Its life.
    pub life: Outage,
}

struct Row {
    id: Uuid,
    number: String,
    version: i64,
    org_path: String,
    zone: String,
    zones: Vec<String>,
    feeders: Vec<String>,
    device_ids: Vec<String>,
    affected_set_id: Uuid,
    grid_version: String,
    affected_count: i32,
    lon: Option<f64>,
    lat: Option<f64>,
    area_made: String,
    area_zh: String,
    area_en: String,
    line: String,
    reason_zh: String,
    reason_en: String,
    above_count: i32,
    above_hours: i32,
    conflicts: Vec<String>,
    template: String,
    justification: String,
    note: String,
    order_number: String,
    crew_name: String,
    network_added: i32,
    network_released: i32,
    life: serde_json::Value,
}

impl TryFrom<Row> for Stored {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: OutageId::from_uuid(row.id),
            number: row.number,
            version: row.version,
            place: Place {
                device_ids: row.device_ids,
                set: row.affected_set_id,
                grid_version: row.grid_version,
                count: row.affected_count,
                org_path: row.org_path,
                zone: row.zone,
                zones: row.zones,
                feeders: row.feeders,
                position: row.lon.zip(row.lat),
                area_made: row.area_made,
            },
            words: Words {
                area_zh: row.area_zh,
                area_en: row.area_en,
                line: row.line,
                reason_zh: row.reason_zh,
                reason_en: row.reason_en,
            },
            above_count: row.above_count,
            above_hours: row.above_hours,
            conflicts: row.conflicts,
            template: row.template,
            justification: row.justification,
            note: row.note,
            order_number: row.order_number,
            crew_name: row.crew_name,
            network_added: row.network_added,
            network_released: row.network_released,
            life: serde_json::from_value(row.life).map_err(|_| Error::Stored("life of an outage"))?,
        })
    }
}

/// Stores a new outage. False when the id is taken.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert(conn: &mut PgConnection, one: &Stored, at: DateTime<Utc>) -> Result<bool, Error> {
    let (lon, lat) = one.place.position.unzip();
    let life = serde_json::to_value(&one.life).map_err(|_| Error::Stored("life of an outage"))?;
    let done = sqlx::query!(
        "insert into planner.outage (id, number, org_path, zone, state, version, plan_no, class, author, off_at, on_at,
             device_ids, affected_set_id, grid_version, affected_count, lon, lat, area_made, area_zh, area_en, line,
             reason_zh, reason_en, life, created_at, template, must_consider, zones, feeders)
         values ($1, $2, $3, $4, 'draft', 1, 1, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
             $23, $24, $25, $26)
         on conflict (id) do nothing",
        one.id.uuid(),
        one.number,
        one.place.org_path,
        one.place.zone,
        one.life.class.word(),
        one.life.author,
        one.life.window.off_at,
        one.life.window.on_at,
        &one.place.device_ids,
        one.place.set,
        one.place.grid_version,
        one.place.count,
        lon,
        lat,
        one.place.area_made,
        one.words.area_zh,
        one.words.area_en,
        one.words.line,
        one.words.reason_zh,
        one.words.reason_en,
        life,
        at,
        one.template,
        &must_consider(one),
        &one.place.zones,
        &one.place.feeders
    )
    .execute(conn)
    .await
    .map_err(Error::db("store an outage"))?;
    Ok(done.rows_affected() == 1)
}

/// What its template has people consider: the schema holds the plan to it.
fn must_consider(one: &Stored) -> Vec<String> {
    let template = Template::find(&one.template).or_else(|| Template::find(STRICTEST));
    let kinds = template.into_iter().flat_map(|template| &template.alternatives);
    kinds.map(|kind| kind.word.clone()).collect()
}

/// Locks an outage.
///
/// # Errors
/// [`Error::NoSuchOutage`], [`Error::Common`].
pub async fn lock(conn: &mut PgConnection, id: OutageId) -> Result<Stored, Error> {
    sqlx::query_as!(
        Row,
        "select id, number, version, org_path, zone, zones, feeders, device_ids, affected_set_id, grid_version, affected_count, lon, lat, template,
             area_made, area_zh, area_en, line, reason_zh, reason_en, above_count, above_hours, conflicts, justification, note,
             order_number, crew_name, network_added, network_released, life
         from planner.outage where id = $1 for update",
        id.uuid()
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("lock an outage"))?
    .ok_or_else(|| Error::NoSuchOutage(id.to_string()))?
    .try_into()
}

/// An outage by id or by spoken number, in the caller's area.
///
/// # Errors
/// [`Error::NoSuchOutage`], [`Error::Common`].
pub async fn find(pool: &PgPool, id: Option<Uuid>, number: &str, org: &[String]) -> Result<Stored, Error> {
    sqlx::query_as!(
        Row,
        "select id, number, version, org_path, zone, zones, feeders, device_ids, affected_set_id, grid_version, affected_count, lon, lat, template,
             area_made, area_zh, area_en, line, reason_zh, reason_en, above_count, above_hours, conflicts, justification, note,
             order_number, crew_name, network_added, network_released, life
         from planner.outage where (id = $1 or number = $2) and org_path like any($3)",
        id,
        number,
        org
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("read an outage"))?
    .ok_or_else(|| Error::NoSuchOutage(id.map_or_else(|| number.to_owned(), |id| id.to_string())))?
    .try_into()
}

/// Outages in one state (empty: all that are not over), those that begin first first, after (`off_at`, `id`).
///
/// # Errors
/// [`Error::Common`].
pub async fn page(
    pool: &PgPool,
    state: &str,
    org: &[String],
    after: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<Stored>, Error> {
    let (off_at, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        "select id, number, version, org_path, zone, zones, feeders, device_ids, affected_set_id, grid_version, affected_count, lon, lat, template,
             area_made, area_zh, area_en, line, reason_zh, reason_en, above_count, above_hours, conflicts, justification, note,
             order_number, crew_name, network_added, network_released, life
         from planner.outage
         where (state = $1 or ($1 = '' and state not in ('archived', 'cancelled', 'aborted')))
           and org_path like any($2) and ($3::timestamptz is null or (off_at, id) > ($3, $4))
         order by off_at, id limit $5",
        state,
        org,
        off_at,
        id,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list outages"))?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// Saves an outage at its next version.
///
/// # Errors
/// [`Error::Common`].
pub async fn save(conn: &mut PgConnection, one: &Stored) -> Result<(), Error> {
    let life = serde_json::to_value(&one.life).map_err(|_| Error::Stored("life of an outage"))?;
    let (lon, lat) = one.place.position.unzip();
    sqlx::query!(
        "update planner.outage set state = $2, version = $3, plan_no = $4, class = $5, approver = $6, off_at = $7, on_at = $8,
             announced_at = $9, noticed_at = $10, permit_at = $11, switched_off_at = $12, affected_set_id = $13,
             grid_version = $14, affected_count = $15, lon = $16, lat = $17, area_made = $18, area_zh = $19, area_en = $20,
             line = $21, reason_zh = $22, reason_en = $23, above_count = $24, above_hours = $25, justification = $26,
             note = $27, order_number = $28, crew_name = $29, network_added = $30, network_released = $31, life = $32, conflicts = $33,
             template = $34, must_consider = $35, zones = $36, feeders = $37, outside_permit = $38
         where id = $1",
        one.id.uuid(),
        one.life.state.word(),
        one.version,
        i32::try_from(one.life.plan_no).unwrap_or(i32::MAX),
        one.life.class.word(),
        one.life.approval.as_ref().map(|approval| approval.by.as_str()),
        one.life.window.off_at,
        one.life.window.on_at,
        one.life.announced_at,
        one.life.noticed_at,
        one.life.permit.as_ref().map(|permit| permit.at),
        one.life.switched_off_at,
        one.place.set,
        one.place.grid_version,
        one.place.count,
        lon,
        lat,
        one.place.area_made,
        one.words.area_zh,
        one.words.area_en,
        one.words.line,
        one.words.reason_zh,
        one.words.reason_en,
        one.above_count,
        one.above_hours,
        one.justification,
        one.note,
        one.order_number,
        one.crew_name,
        one.network_added,
        one.network_released,
        life,
        &one.conflicts,
        one.template,
        &must_consider(one),
        &one.place.zones,
        &one.place.feeders,
        one.life.marks.contains(&Mark::OutsidePermit)
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("save an outage"))
}

/// An outage that is not over yet, as others have to know it to ask about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Which.
    pub id: Uuid,
    /// What will be open.
    pub device_ids: Vec<String>,
    /// Its affected set.
    pub set: Uuid,
}

/// Outages that are not off yet; `drafts`: also those that were not handed in.
///
/// # Errors
/// [`Error::Common`].
pub async fn live(pool: &PgPool, drafts: bool) -> Result<Vec<Live>, Error> {
    sqlx::query_as!(
        Live,
        r#"select id, device_ids, affected_set_id as "set" from planner.outage
         where state in ('submitted', 'balanced', 'negotiating', 'approved', 'noticed', 'ready')
            or (state = 'draft' and $1) order by off_at, id"#,
        drafts
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list what is planned"))
}

/// The next spoken number of a day: `P-` for plans, `S-` for safety switch-offs.
///
/// # Errors
/// [`Error::Common`].
pub async fn next_number(conn: &mut PgConnection, prefix: &str, day: NaiveDate) -> Result<String, Error> {
    let n = sqlx::query_scalar!(
        "insert into planner.number_of_day as n (day, next) values ($1, 2)
         on conflict (day) do update set next = n.next + 1 returning next - 1 as \"n!\"",
        day
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("number an outage"))?;
    Ok(format!("{prefix}-{}-{n:04}", day.format("%Y%m%d")))
}

/// Notes that a plan ended.
///
/// # Errors
/// [`Error::Common`].
pub async fn end_plan(
    conn: &mut PgConnection,
    id: OutageId,
    plan_no: u32,
    window: Window,
    (reason, noticed): (&str, bool),
    at: Instant,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into planner.ended_plan (outage_id, plan_no, off_at, on_at, reason, ended_at, noticed)
         values ($1, $2, $3, $4, $5, $6, $7)",
        id.uuid(),
        i32::try_from(plan_no).unwrap_or(i32::MAX),
        window.off_at,
        window.on_at,
        reason,
        at,
        noticed
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("end a plan"))
}
