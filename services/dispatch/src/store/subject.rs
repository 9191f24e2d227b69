//! The latest state of each planned outage and arrears case that may need a crew.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use relight_policy::AreaClass;
use sqlx::PgConnection;
use uuid::Uuid;

use super::db;
use crate::{
    domain::{
        ids::SubjectId,
        place::Place,
        subject::{Subject, What},
    },
    error::Error,
};

/// Stores `subject` unless a later version is there; its row is locked then. False: nothing new.
pub async fn put(conn: &mut PgConnection, subject: &Subject) -> Result<bool, Error> {
    Ok(put_all(conn, &[subject]).await?.contains(&subject.id))
}

/// The same for several different ones; those of which no later version was there. A stop holds until the state changes, and a
/// place once known is kept.
pub async fn put_all(conn: &mut PgConnection, subjects: &[&Subject]) -> Result<BTreeSet<SubjectId>, Error> {
    let ids = sqlx::query_scalar!(
        "insert into dispatch.subject as s (id, what, number, version, state, stopped, org_path, zone, plan_no, off_at, on_at,
             reconnect_by, began_at, ended_at, line, device_id, affected_set_id, affected_count, lon, lat, area_class)
         select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::boolean[], $7::text[], $8::text[],
             $9::integer[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[],
             $15::text[], $16::text[], $17::text[], $18::integer[], $19::float8[], $20::float8[], $21::text[])
         on conflict (id) do update set number = excluded.number, version = excluded.version, state = excluded.state,
             stopped = excluded.stopped or (s.stopped and s.state = excluded.state), org_path = excluded.org_path,
             zone = excluded.zone, plan_no = excluded.plan_no, off_at = excluded.off_at, on_at = excluded.on_at,
             reconnect_by = excluded.reconnect_by, began_at = excluded.began_at, ended_at = excluded.ended_at,
             line = excluded.line, device_id = excluded.device_id, affected_set_id = excluded.affected_set_id,
             affected_count = excluded.affected_count, lon = coalesce(excluded.lon, s.lon),
             lat = coalesce(excluded.lat, s.lat),
             area_class = case when excluded.lon is null then s.area_class else excluded.area_class end
         where s.version < excluded.version
         returning s.id",
        &column(subjects, |one| one.id.uuid()),
        &column(subjects, |one| one.what.word().to_owned()),
        &column(subjects, |one| one.number.clone()),
        &column(subjects, |one| one.version),
        &column(subjects, |one| one.state.clone()),
        &column(subjects, |one| one.stopped),
        &column(subjects, |one| one.org_path.clone()),
        &column(subjects, |one| one.zone.clone()),
        &column(subjects, |one| one.plan_no),
        &column(subjects, |one| one.off_at) as &[Option<DateTime<Utc>>],
        &column(subjects, |one| one.on_at) as &[Option<DateTime<Utc>>],
        &column(subjects, |one| one.reconnect_by) as &[Option<DateTime<Utc>>],
        &column(subjects, |one| one.began_at) as &[Option<DateTime<Utc>>],
        &column(subjects, |one| one.ended_at) as &[Option<DateTime<Utc>>],
        &column(subjects, |one| one.line.clone()),
        &column(subjects, |one| one.device_id.clone()),
        &column(subjects, |one| one.affected_set_id.clone()),
        &column(subjects, |one| i32::try_from(one.affected_count).unwrap_or(i32::MAX)),
        &column(subjects, |one| one.place.map(|place| place.lon)) as &[Option<f64>],
        &column(subjects, |one| one.place.map(|place| place.lat)) as &[Option<f64>],
        &column(subjects, |one| one.area.word().to_owned()),
    )
    .fetch_all(conn)
    .await
    .map_err(db("store subjects"))?;
    Ok(ids.into_iter().map(SubjectId::from_uuid).collect())
}

fn column<T>(subjects: &[&Subject], of: impl Fn(&Subject) -> T) -> Vec<T> {
    subjects.iter().map(|one| of(one)).collect()
}

/// Those of these subjects that have orders.
pub async fn with_orders(
    conn: &mut PgConnection,
    subjects: &BTreeSet<SubjectId>,
) -> Result<BTreeSet<SubjectId>, Error> {
    let asked: Vec<Uuid> = subjects.iter().map(|id| id.uuid()).collect();
    let ids = sqlx::query_scalar!(
        "select distinct subject_id as \"subject_id!\" from dispatch.work_order where subject_id = any($1)",
        &asked
    )
    .fetch_all(conn)
    .await
    .map_err(db("look which subjects have orders"))?;
    Ok(ids.into_iter().map(SubjectId::from_uuid).collect())
}

/// A row of `subjects!`.
struct Row {
    id: Uuid,
    what: String,
    number: String,
    version: i64,
    state: String,
    stopped: bool,
    org_path: String,
    zone: String,
    plan_no: i32,
    off_at: Option<DateTime<Utc>>,
    on_at: Option<DateTime<Utc>>,
    reconnect_by: Option<DateTime<Utc>>,
    began_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    line: String,
    device_id: String,
    affected_set_id: String,
    affected_count: i32,
    lon: Option<f64>,
    lat: Option<f64>,
    area_class: String,
}

impl TryFrom<Row> for Subject {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Subject {
            id: SubjectId::from_uuid(row.id),
            what: What::parse(&row.what).ok_or(Error::Stored("kind of a subject"))?,
            number: row.number,
            version: row.version,
            state: row.state,
            stopped: row.stopped,
            org_path: row.org_path,
            zone: row.zone,
            plan_no: row.plan_no,
            off_at: row.off_at,
            on_at: row.on_at,
            reconnect_by: row.reconnect_by,
            began_at: row.began_at,
            ended_at: row.ended_at,
            line: row.line,
            device_id: row.device_id,
            affected_set_id: row.affected_set_id,
            affected_count: super::natural(row.affected_count),
            place: row.lon.zip(row.lat).map(|(lon, lat)| Place { lon, lat }),
            area: AreaClass::parse(&row.area_class).ok_or(Error::Stored("area class"))?,
        })
    }
}

/// The same columns for every way to ask.
macro_rules! subjects {
    ($tail:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            Row,
            "select id, what, number, version, state, stopped, org_path, zone, plan_no, off_at, on_at, reconnect_by, began_at,
                 ended_at, line, device_id, affected_set_id, affected_count, lon, lat, area_class
             from dispatch.subject " + $tail,
            $($argument),+
        )
    };
}

/// What is known of a subject.
pub async fn get(conn: &mut PgConnection, id: SubjectId) -> Result<Option<Subject>, Error> {
    let row = subjects!("where id = $1", id.uuid())
        .fetch_optional(conn)
        .await
        .map_err(db("load a subject"))?;
    row.map(Subject::try_from).transpose()
}

/// These subjects, as far as they are known, locked in the order of their ids. Their orders are locked after them.
pub async fn lock(conn: &mut PgConnection, ids: &[SubjectId]) -> Result<BTreeMap<SubjectId, Subject>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = subjects!("where id = any($1) order by id for update", &ids)
        .fetch_all(conn)
        .await
        .map_err(db("lock subjects"))?;
    let subjects = rows.into_iter().map(Subject::try_from);
    subjects
        .map(|subject| subject.map(|subject| (subject.id, subject)))
        .collect()
}

/// Whether its place is known already.
pub async fn has_place(conn: &mut PgConnection, id: SubjectId) -> Result<bool, Error> {
    sqlx::query_scalar!(
        "select exists (select 1 from dispatch.subject where id = $1 and lon is not null) as \"is!\"",
        id.uuid()
    )
    .fetch_one(conn)
    .await
    .map_err(db("look for the place of a subject"))
}
