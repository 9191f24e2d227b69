//! The queue of reports that wait for an incident, and whatever else waits for the worker.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{area, position, report::Report};
use crate::{
    domain::{IncidentId, ReportId, group::Call, place::Place},
    error::Error,
};

/// What there is for the worker to do.
#[derive(Debug, Clone, Copy)]
pub struct News {
    /// [`stirred`](super::evidence::stirred).
    pub stirred: i64,
    /// A report or a signal waits, an urge is not counted yet, a device was confirmed, or the network was switched.
    pub waiting: bool,
    /// An account is still to be looked up.
    pub pending: bool,
    /// The ledger was not asked about a meter that is off.
    pub unasked: bool,
    /// People on life-support in a confirmed set were not called.
    pub uncalled: bool,
    /// Confirmed incidents do not follow the latest switching yet.
    pub switched: bool,
}

/// Looks for work. The first entry of an index each: `exists` would read whole tables where the planner takes what it looks
/// for to be everywhere.
///
/// # Errors
/// [`Error::Common`].
pub async fn news(conn: &mut PgConnection) -> Result<News, Error> {
    sqlx::query_as!(
        News,
        "select (select times from intake.stirred) as \"stirred!\",
             (select queued_at from intake.report_waiting order by queued_at, report_id limit 1) is not null
             or (select report_id from intake.urge where not folded order by report_id limit 1) is not null
             or (select id from intake.incident where not taken_in and state = 'open' order by id limit 1) is not null
             or (select at from intake.evidence where not weighed order by at, id limit 1) is not null
             or (select state_no from intake.switching where not weighed
                 order by grid_version, state_no limit 1) is not null as \"waiting!\",
             (select accepted_at from intake.report where place_pending
                 order by accepted_at, id limit 1) is not null as \"pending!\",
             (select at from intake.evidence where not weighed and not asked and kind in ('last_gasp', 'ping_off')
                 order by at, id limit 1) is not null as \"unasked!\",
             (select id from intake.incident where state = 'open' and confirmed_by is not null
                 and affected_set_id is not null and affected_set_id is distinct from called_set_id
                 order by id limit 1) is not null as \"uncalled!\",
             (select state_no from intake.switching where not followed
                 order by at, state_no limit 1) is not null as \"switched!\""
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("look for what is new"))
}

/// The reports that have waited longest. One whose account could not be looked up is left for another try until
/// `pending_since`, unless there is danger.
///
/// Each is looked up by itself (`offset 0`): of a queue that is filled and emptied all the time the planner knows nothing, and
/// would rather walk through all reports there are.
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
         from intake.report_waiting w
         cross join lateral (select * from intake.report r where r.id = w.report_id offset 0) r
         where not r.place_pending or r.danger or r.received_at < $1
         order by w.queued_at, w.report_id limit $2",
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

/// Waiting reports whose account could not be looked up when they were accepted.
///
/// # Errors
/// [`Error::Common`].
pub async fn pending_places(conn: &mut PgConnection, limit: i64) -> Result<Vec<(ReportId, String)>, Error> {
    let rows = sqlx::query!(
        "select r.id, r.account as \"account!\" from intake.report r
         where r.place_pending and r.account is not null
             and exists (select 1 from intake.report_waiting w where w.report_id = r.id)
         order by r.accepted_at, r.id limit $1",
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

/// Gives the look-up of these up: they were grouped without.
///
/// # Errors
/// [`Error::Common`].
pub async fn grouped_without_place(conn: &mut PgConnection, reports: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        "update intake.report set place_pending = false where id = any($1) and place_pending",
        reports
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("give the look-up of an account up"))
}

/// Stores the place of a report whose account was looked up late, what it is now that this is known, and that a person has to
/// call. One that is answered by it waits no more. False when it was given up meanwhile.
///
/// # Errors
/// [`Error::Common`].
pub async fn set_place(conn: &mut PgConnection, report: &Report) -> Result<bool, Error> {
    let (place, known) = (&report.place, report.triage.known());
    let placed = sqlx::query_scalar!(
        "with placed as (
             update intake.report set place_pending = false, customer_id = coalesce($2, customer_id),
                 service_point_id = coalesce($3, service_point_id), load_id = coalesce($4, load_id),
                 transformer_id = coalesce($5, transformer_id), area_class = coalesce($6, area_class),
                 important = $7, life_support = $8, lon = coalesce($9, lon), lat = coalesce($10, lat), org_path = $11,
                 zone = $12, triage = $13, hint_incident_id = $14, known_off_at = $15, known_etr_at = $16,
                 known_cause = $17, known_class = $18, known_outage_id = $19, state = $20, close_reason = $21,
                 closed_at = case when $21::text is null then null else received_at end, call_wanted = $22
             where id = $1 and place_pending returning id, received_at, call_wanted, state),
         called as (
             insert into intake.call_wanted (report_id, since) select id, received_at from placed where call_wanted
             on conflict do nothing),
         answered as (
             delete from intake.report_waiting w using placed p where w.report_id = p.id and p.state = 'closed')
         select count(*) as \"placed!\" from placed",
        report.id.uuid(),
        place.customer_id,
        place.service_point_id,
        place.load_id.as_deref(),
        place.transformer_id.as_deref(),
        place.area.map(|area| area.word()),
        place.important,
        place.life_support,
        place.position.map(|position| position.lon),
        place.position.map(|position| position.lat),
        place.org_path.as_str(),
        place.zone.as_str(),
        report.triage.word(),
        report.hint.map(|hint| hint.uuid()),
        known.and_then(|known| known.off_at),
        known.and_then(|known| known.etr_at),
        known.map(|known| known.cause.as_str()),
        known.map(|known| known.class.as_str()),
        known.map(|known| known.outage.as_str()),
        report.standing.word(),
        report.standing.reason(),
        report.call_wanted,
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("store the place of a report"))?;
    Ok(placed > 0)
}
