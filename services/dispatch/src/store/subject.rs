//! The latest state of each planned outage and arrears case that may need a crew.

use relight_policy::AreaClass;
use sqlx::PgConnection;
use uuid::Uuid;

use super::db;
use crate::{
    domain::{
        ids::{OrderId, SubjectId},
        place::Place,
        subject::{Subject, What},
    },
    error::Error,
};

/// Stores `subject` unless a later version is there; its row is locked then. A stop holds until the state changes, and a
/// place once known is kept. False: nothing new.
pub async fn put(conn: &mut PgConnection, subject: &Subject) -> Result<bool, Error> {
    sqlx::query!(
        "insert into dispatch.subject as s (id, what, number, version, state, stopped, org_path, zone, plan_no, off_at, on_at,
             reconnect_by, began_at, ended_at, line, device_id, affected_set_id, affected_count, lon, lat, area_class)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
         on conflict (id) do update set number = excluded.number, version = excluded.version, state = excluded.state,
             stopped = excluded.stopped or (s.stopped and s.state = excluded.state), org_path = excluded.org_path,
             zone = excluded.zone, plan_no = excluded.plan_no, off_at = excluded.off_at, on_at = excluded.on_at,
             reconnect_by = excluded.reconnect_by, began_at = excluded.began_at, ended_at = excluded.ended_at,
             line = excluded.line, device_id = excluded.device_id, affected_set_id = excluded.affected_set_id,
             affected_count = excluded.affected_count, lon = coalesce(excluded.lon, s.lon),
             lat = coalesce(excluded.lat, s.lat),
             area_class = case when excluded.lon is null then s.area_class else excluded.area_class end
         where s.version < excluded.version",
        subject.id.uuid(),
        subject.what.word(),
        subject.number,
        subject.version,
        subject.state,
        subject.stopped,
        subject.org_path,
        subject.zone,
        subject.plan_no,
        subject.off_at,
        subject.on_at,
        subject.reconnect_by,
        subject.began_at,
        subject.ended_at,
        subject.line,
        subject.device_id,
        subject.affected_set_id,
        i32::try_from(subject.affected_count).unwrap_or(i32::MAX),
        subject.place.map(|place| place.lon),
        subject.place.map(|place| place.lat),
        subject.area.word(),
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(db("store a subject"))
}

/// What is known of a subject.
pub async fn get(conn: &mut PgConnection, id: SubjectId) -> Result<Option<Subject>, Error> {
    let row = sqlx::query!("select * from dispatch.subject where id = $1", id.uuid())
        .fetch_optional(conn)
        .await
        .map_err(db("load a subject"))?;
    row.map(|row| {
        Ok(Subject {
            id,
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
    })
    .transpose()
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

/// Locks the subject and every order it has, in the order of their ids; gives the orders.
pub async fn lock_orders(conn: &mut PgConnection, id: SubjectId) -> Result<Vec<OrderId>, Error> {
    sqlx::query!(
        "select id from dispatch.subject where id = $1 for update",
        id.uuid()
    )
    .fetch_optional(&mut *conn)
    .await
    .map_err(db("lock a subject"))?;
    let ids: Vec<Uuid> = sqlx::query_scalar!(
        "select id from dispatch.work_order where subject_id = $1 order by id for update",
        id.uuid()
    )
    .fetch_all(conn)
    .await
    .map_err(db("lock the orders of a subject"))?;
    Ok(ids.into_iter().map(OrderId::from_uuid).collect())
}
