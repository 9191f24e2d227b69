//! What the grouping worker reads and writes.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{area, incident::incidents, position};
use crate::{
    domain::{
        IncidentId, ReportId,
        group::{Call, DeviceId, Known},
        incident::Incident,
        place::Place,
    },
    error::Error,
};

/// Whether the worker has anything to do: a report waits, an urge is not counted yet, or a device was confirmed.
///
/// # Errors
/// [`Error::Common`].
pub async fn anything(conn: &mut PgConnection) -> Result<bool, Error> {
    sqlx::query_scalar!(
        "select exists (select 1 from intake.report_waiting) or exists (
             select 1 from intake.urge u
             join intake.report_link l on l.report_id = u.report_id
             join intake.incident i on i.id = l.incident_id and i.state = 'open'
             where not u.folded)
         or exists (select 1 from intake.incident where not taken_in and state = 'open') as \"anything!\""
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("look for waiting reports"))
}

/// The oldest waiting reports. One whose account could not be looked up is left for another try until `pending_since`,
/// unless there is danger.
///
/// # Errors
/// [`Error::Common`].
pub async fn waiting(
    conn: &mut PgConnection,
    pending_since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Call>, Error> {
    let rows = sqlx::query!(
        "select r.id, r.accepted_at, r.customer_id, r.service_point_id, r.load_id, r.transformer_id, r.area_class,
             r.important, r.life_support, r.lon, r.lat, r.org_path, r.zone, r.danger, r.hint_incident_id
         from intake.report_waiting w join intake.report r on r.id = w.report_id
         where not r.place_pending or r.danger or r.received_at < $1
         order by r.accepted_at, r.id limit $2",
        pending_since,
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read waiting reports"))?;
    rows.into_iter()
        .map(|row| {
            Ok(Call {
                report: ReportId::from_uuid(row.id),
                accepted_at: row.accepted_at,
                place: Place {
                    service_point_id: row.service_point_id,
                    customer_id: row.customer_id,
                    load_id: row.load_id,
                    transformer_id: row.transformer_id,
                    area: row.area_class.as_deref().map(area).transpose()?,
                    important: row.important,
                    life_support: row.life_support,
                    org_path: row.org_path,
                    zone: row.zone,
                    position: position(row.lon, row.lat),
                },
                danger: row.danger,
                hint: row.hint_incident_id.map(IncidentId::from_uuid),
            })
        })
        .collect()
}

/// The open incidents a report can join, kept as they are until commit, with the transformers that called since
/// `since`: those with a device, and the `named` ones. Without a device only the ledger's word leads to one.
///
/// # Errors
/// [`Error::Common`].
pub async fn open(
    conn: &mut PgConnection,
    named: &[Uuid],
    since: DateTime<Utc>,
) -> Result<Vec<Known>, Error> {
    let rows = incidents!(
        "where state = 'open' and (device_id is not null or id = any($1)) order by id for update",
        named
    )
    .fetch_all(&mut *conn)
    .await;
    let open = rows.map_err(Error::db("lock the open incidents"))?;
    let mut called = called(conn, since).await?;
    open.into_iter()
        .map(|row| {
            let incident = Incident::try_from(row)?;
            let called = called.remove(&incident.id).unwrap_or_default();
            Ok(Known { incident, called })
        })
        .collect()
}

async fn called(
    conn: &mut PgConnection,
    since: DateTime<Utc>,
) -> Result<HashMap<IncidentId, BTreeSet<DeviceId>>, Error> {
    let rows = sqlx::query!(
        "select distinct l.incident_id, r.transformer_id as \"transformer_id!\"
         from intake.report r
         join intake.report_link l on l.report_id = r.id
         join intake.incident i on i.id = l.incident_id and i.state = 'open'
         where r.accepted_at > $1 and r.transformer_id is not null",
        since
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read who called"))?;
    let mut called: HashMap<IncidentId, BTreeSet<DeviceId>> = HashMap::new();
    for row in rows {
        let transformers = called.entry(IncidentId::from_uuid(row.incident_id)).or_default();
        transformers.insert(row.transformer_id.into());
    }
    Ok(called)
}

/// Links reports to their incidents and takes them off the queue.
///
/// # Errors
/// [`Error::Common`].
pub async fn link(
    conn: &mut PgConnection,
    joins: &[(ReportId, IncidentId)],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let (reports, incidents): (Vec<Uuid>, Vec<Uuid>) = joins
        .iter()
        .map(|(report, incident)| (report.uuid(), incident.uuid()))
        .unzip();
    sqlx::query!(
        "with joined as (
             insert into intake.report_link (report_id, incident_id, linked_at)
             select report_id, incident_id, $3 from unnest($1::uuid[], $2::uuid[]) as t (report_id, incident_id)
             returning report_id)
         delete from intake.report_waiting where report_id in (select report_id from joined)",
        &reports,
        &incidents,
        now
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("link reports"))
}

/// Moves the reports of a merged incident.
///
/// # Errors
/// [`Error::Common`].
pub async fn relink(conn: &mut PgConnection, from: IncidentId, into: IncidentId) -> Result<(), Error> {
    sqlx::query!(
        "update intake.report_link set incident_id = $2 where incident_id = $1",
        from.uuid(),
        into.uuid()
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("move the reports of a merged incident"))
}

/// Takes the urges of reports in open incidents as counted; gives how many each incident had.
///
/// # Errors
/// [`Error::Common`].
pub async fn fold_urges(conn: &mut PgConnection) -> Result<HashMap<IncidentId, u32>, Error> {
    let rows = sqlx::query_scalar!(
        "update intake.urge u set folded = true
         from intake.report_link l join intake.incident i on i.id = l.incident_id and i.state = 'open'
         where l.report_id = u.report_id and not u.folded
         returning l.incident_id"
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("count urges"))?;
    let mut counts = HashMap::new();
    for incident in rows {
        *counts.entry(IncidentId::from_uuid(incident)).or_insert(0) += 1;
    }
    Ok(counts)
}

/// Notes that guesses below the confirmed devices were looked for.
///
/// # Errors
/// [`Error::Common`].
pub async fn taken_in(conn: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("update intake.incident set taken_in = true where not taken_in and state = 'open'")
        .execute(conn)
        .await
        .map(drop)
        .map_err(Error::db("note what was taken in"))
}

/// Waiting reports whose account could not be looked up when they were accepted.
///
/// # Errors
/// [`Error::Common`].
pub async fn pending_places(conn: &mut PgConnection, limit: i64) -> Result<Vec<(ReportId, String)>, Error> {
    let rows = sqlx::query!(
        "select r.id, r.account as \"account!\" from intake.report_waiting w
         join intake.report r on r.id = w.report_id
         where r.place_pending and r.account is not null order by r.accepted_at, r.id limit $1",
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read reports without a place"))?;
    Ok(rows
        .into_iter()
        .map(|row| (ReportId::from_uuid(row.id), row.account))
        .collect())
}

/// Stores the place of a report whose account was looked up late; none = the account does not exist.
///
/// # Errors
/// [`Error::Common`].
pub async fn set_place(
    conn: &mut PgConnection,
    report: ReportId,
    place: Option<&Place>,
) -> Result<(), Error> {
    sqlx::query!(
        "update intake.report set place_pending = false, customer_id = coalesce($2, customer_id),
             service_point_id = coalesce($3, service_point_id), load_id = coalesce($4, load_id),
             transformer_id = coalesce($5, transformer_id), area_class = coalesce($6, area_class),
             important = coalesce($7, important), life_support = coalesce($8, life_support),
             lon = coalesce($9, lon), lat = coalesce($10, lat), org_path = coalesce($11, org_path),
             zone = coalesce($12, zone)
         where id = $1",
        report.uuid(),
        place.and_then(|place| place.customer_id),
        place.and_then(|place| place.service_point_id),
        place.and_then(|place| place.load_id.as_deref()),
        place.and_then(|place| place.transformer_id.as_deref()),
        place.and_then(|place| place.area).map(|area| area.word()),
        place.map(|place| place.important),
        place.map(|place| place.life_support),
        place
            .and_then(|place| place.position)
            .map(|position| position.lon),
        place
            .and_then(|place| place.position)
            .map(|position| position.lat),
        place.map(|place| place.org_path.as_str()),
        place.map(|place| place.zone.as_str()),
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store the place of a report"))
}
