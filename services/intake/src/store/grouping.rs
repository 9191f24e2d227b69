//! What the grouping worker reads and writes of incidents.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{area, incident::incidents, position};
use crate::{
    domain::{
        IncidentId, ReportId,
        facts::{Facts, Placed},
        incident::Incident,
    },
    error::Error,
};

/// Urges counted in one pass.
const URGES: i64 = 10_000;

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
             select t.report_id, t.incident_id, $3, t.fixed
             from unnest($1::uuid[], $2::uuid[], $4::bool[]) as t (report_id, incident_id, fixed)
             -- Somebody may have closed one since it was read.
             join intake.report r on r.id = t.report_id and r.state <> 'closed'
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
