//! What the grouping worker reads and writes.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{area, incident::incidents, position};
use crate::{
    domain::{
        IncidentId, ReportId,
        facts::{Facts, Placed},
        group::Call,
        incident::Incident,
        place::Place,
    },
    error::Error,
};

/// Urges counted in one pass.
const URGES: i64 = 10_000;

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
             (select id from intake.incident where state = 'open' and confirmed_by is not null and life_support
                 and affected_set_id is not null and affected_set_id is distinct from called_set_id
                 order by id limit 1) is not null as \"uncalled!\""
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

/// The open incidents a report can join, kept as they are until commit: those with a device, and the `named` ones.
/// Without a device only the ledger's word leads to one.
///
/// # Errors
/// [`Error::Common`].
pub async fn open(conn: &mut PgConnection, named: &[Uuid]) -> Result<Vec<Incident>, Error> {
    let rows = incidents!(
        "where state = 'open' and (device_id is not null or id = any($1)) order by id for update",
        named
    );
    let rows = rows
        .fetch_all(conn)
        .await
        .map_err(Error::db("lock the open incidents"))?;
    rows.into_iter().map(Incident::try_from).collect()
}

/// What the reports of incidents add up to once `moved` have their new homes and those of `gone` follow them.
///
/// # Errors
/// [`Error::Common`].
pub async fn facts(
    conn: &mut PgConnection,
    incidents: &[IncidentId],
    moved: &[(ReportId, IncidentId)],
    gone: &[(IncidentId, IncidentId)],
) -> Result<BTreeMap<IncidentId, Facts>, Error> {
    let (reports, homes): (Vec<Uuid>, Vec<Uuid>) = moved
        .iter()
        .map(|(report, id)| (report.uuid(), id.uuid()))
        .unzip();
    let kept = incidents.iter().map(|id| (id.uuid(), id.uuid()));
    let follow = gone.iter().map(|(from, into)| (from.uuid(), into.uuid()));
    let (from, into): (Vec<Uuid>, Vec<Uuid>) = kept.chain(follow).unzip();
    let rows = sqlx::query!(
        "with moved as (select * from unnest($1::uuid[], $2::uuid[]) as m (report_id, incident_id)),
         members as (
             select report_id, incident_id from moved
             union all
             select l.report_id, h.into_id from unnest($3::uuid[], $4::uuid[]) as h (from_id, into_id)
             join intake.report_link l on l.incident_id = h.from_id
             where not exists (select 1 from moved m where m.report_id = l.report_id))
         select m.incident_id as \"incident_id!\", count(*) as \"reports!\", min(r.accepted_at) as \"first_at!\",
             max(r.accepted_at) as \"last_at!\", bool_or(r.danger) as \"danger!\",
             bool_or(r.life_support) as \"life_support!\", bool_or(r.important) as \"important!\",
             array_agg(distinct coalesce(r.area_class, '') order by coalesce(r.area_class, '')) as \"areas!\",
             (array_agg(r.id order by r.accepted_at, r.id) filter (where r.lon is not null))[1] as placed_id,
             (array_agg(r.accepted_at order by r.accepted_at, r.id) filter (where r.lon is not null))[1] as placed_at,
             (array_agg(r.lon order by r.accepted_at, r.id) filter (where r.lon is not null))[1] as lon,
             (array_agg(r.lat order by r.accepted_at, r.id) filter (where r.lat is not null))[1] as lat
         from members m join intake.report r on r.id = m.report_id group by m.incident_id",
        &reports,
        &homes,
        &from,
        &into,
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("add the reports of incidents up"))?;
    rows.into_iter()
        .map(|row| {
            let known = |word: &String| (!word.is_empty()).then(|| area(word)).transpose();
            let facts = Facts {
                report_count: u32::try_from(row.reports).unwrap_or(u32::MAX),
                accepted_at: row.first_at,
                last_report_at: row.last_at,
                areas: row.areas.iter().map(known).collect::<Result<_, _>>()?,
                danger: row.danger,
                life_support: row.life_support,
                important: row.important,
                placed: row
                    .placed_at
                    .zip(row.placed_id)
                    .zip(position(row.lon, row.lat))
                    .map(|((at, report), position)| Placed {
                        at,
                        report: ReportId::from_uuid(report),
                        position,
                    }),
            };
            Ok((IncidentId::from_uuid(row.incident_id), facts))
        })
        .collect()
}

/// Gives reports their incidents, new or other ones, and takes them off the queue. `fixed`: the engine does not move them.
/// Answers the traces those from the queue came in with.
///
/// # Errors
/// [`Error::Common`].
pub async fn link(
    conn: &mut PgConnection,
    homes: &[(ReportId, IncidentId, bool)],
    now: DateTime<Utc>,
) -> Result<Vec<(ReportId, String)>, Error> {
    let reports: Vec<Uuid> = homes.iter().map(|(report, ..)| report.uuid()).collect();
    let incidents: Vec<Uuid> = homes.iter().map(|(_, incident, _)| incident.uuid()).collect();
    let fixed: Vec<bool> = homes.iter().map(|(.., fixed)| *fixed).collect();
    let rows = sqlx::query!(
        "with joined as (
             insert into intake.report_link (report_id, incident_id, linked_at, fixed)
             select report_id, incident_id, $3, fixed
             from unnest($1::uuid[], $2::uuid[], $4::bool[]) as t (report_id, incident_id, fixed)
             on conflict (report_id) do update set incident_id = excluded.incident_id, linked_at = excluded.linked_at,
                 fixed = excluded.fixed
             returning report_id)
         delete from intake.report_waiting where report_id = any($1)
         returning report_id, traceparent",
        &reports,
        &incidents,
        now,
        &fixed
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("link reports"))?;
    let traced = rows
        .into_iter()
        .map(|row| (ReportId::from_uuid(row.report_id), row.traceparent));
    Ok(traced.collect())
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

/// Takes urges as counted whose report is in an incident, or waits for none any more; gives how many each open incident had.
///
/// # Errors
/// [`Error::Common`].
pub async fn fold_urges(conn: &mut PgConnection) -> Result<HashMap<IncidentId, u32>, Error> {
    let rows = sqlx::query!(
        "with folded as (
             update intake.urge set folded = true where id = any(array(
                 select u.id from (
                     select id, report_id from intake.urge where not folded order by report_id limit $1) u
                 cross join lateral (
                     select r.state, l.incident_id from intake.report r
                     left join intake.report_link l on l.report_id = r.id
                     where r.id = u.report_id offset 0) r
                 where r.incident_id is not null or r.state = 'closed'))
             returning report_id)
         select l.incident_id, count(*) as \"urges!\" from folded f
         cross join lateral (
             select l.incident_id from intake.report_link l
             join intake.incident i on i.id = l.incident_id and i.state = 'open'
             where l.report_id = f.report_id offset 0) l
         group by l.incident_id",
        URGES
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("count urges"))?;
    let count = |urges: i64| u32::try_from(urges).unwrap_or(u32::MAX);
    Ok(rows
        .into_iter()
        .map(|row| (IncidentId::from_uuid(row.incident_id), count(row.urges)))
        .collect())
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
