//! Writing incidents: as many as a pass changed in one statement, so that a storm's pass does not wait for the way to the
//! database once for each.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::stored;
use crate::{
    domain::{
        IncidentId,
        incident::{Followed, Incident, State},
    },
    error::Error,
};

/// Writes the next version of each. The ids of those that were written: the others are stored in another version.
///
/// # Errors
/// [`Error::Common`].
pub(super) async fn write(conn: &mut PgConnection, incidents: &[Incident]) -> Result<Vec<Uuid>, Error> {
    let columns = Columns::of(incidents);
    sqlx::query_scalar!(
        "insert into intake.incident as i (id, version, number, org_path, zone, parent_id, by_hand, state, merged_into,
             close_reason, device_id, device_kind, confirmed_by, confirmed_at, affected_set_id, affected_count, report_count,
             urge_count, accepted_at, last_report_at, off_at, area_class, danger, life_support, important, lon, lat, signal_at,
             switched_at, confirmed_set_id, taken_in)
         select n.*, n.confirmed_at is null
         from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::boolean[], $8::text[],
             $9::uuid[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::text[], $16::integer[],
             $17::integer[], $18::integer[], $19::timestamptz[], $20::timestamptz[], $21::timestamptz[], $22::text[],
             $23::boolean[], $24::boolean[], $25::boolean[], $26::float8[], $27::float8[], $28::timestamptz[],
             $29::timestamptz[], $30::text[])
             as n (id, version, number, org_path, zone, parent_id, by_hand, state, merged_into, close_reason, device_id,
                 device_kind, confirmed_by, confirmed_at)
         where n.version = 1 or exists (select from intake.incident o where o.id = n.id)
         on conflict (id) do update set version = excluded.version, state = excluded.state,
             merged_into = excluded.merged_into, close_reason = excluded.close_reason, device_id = excluded.device_id,
             device_kind = excluded.device_kind, confirmed_by = excluded.confirmed_by, confirmed_at = excluded.confirmed_at,
             affected_set_id = excluded.affected_set_id, affected_count = excluded.affected_count,
             report_count = excluded.report_count, urge_count = excluded.urge_count, accepted_at = excluded.accepted_at,
             last_report_at = excluded.last_report_at, off_at = excluded.off_at, area_class = excluded.area_class,
             danger = excluded.danger, life_support = excluded.life_support, important = excluded.important,
             lon = excluded.lon, lat = excluded.lat, signal_at = excluded.signal_at, switched_at = excluded.switched_at,
             confirmed_set_id = excluded.confirmed_set_id,
             taken_in = i.taken_in and i.confirmed_at is not distinct from excluded.confirmed_at
         where i.version = excluded.version - 1
         returning i.id",
        &columns.ids,
        &columns.of_each(|incident| incident.version),
        &columns.of_each(|incident| incident.number.clone()),
        &columns.of_each(|incident| incident.org_path.clone()),
        &columns.of_each(|incident| incident.zone.clone()),
        &columns.of_each(|incident| incident.parent.map(IncidentId::uuid)) as &[Option<Uuid>],
        &columns.of_each(|incident| incident.by_hand),
        &columns.of_each(|incident| incident.state.word().to_owned()),
        &columns.of_each(merged_into) as &[Option<Uuid>],
        &columns.of_each(close_reason) as &[Option<String>],
        &columns.of_each(|incident| incident.device.as_ref().map(|device| device.id.clone())) as &[Option<String>],
        &columns.of_each(|incident| incident.device.as_ref().map(|device| device.kind.clone())) as &[Option<String>],
        &columns.of_each(|incident| incident.confirmed.as_ref().map(|seen| seen.by.word().to_owned()))
            as &[Option<String>],
        &columns.of_each(|incident| incident.confirmed.as_ref().map(|seen| seen.at)) as &[Option<DateTime<Utc>>],
        &columns.of_each(|incident| incident.affected.as_ref().map(|affected| affected.set_id.clone()))
            as &[Option<String>],
        &columns.of_each(|incident| incident.affected.as_ref().map_or(0, |affected| stored(affected.count))),
        &columns.of_each(|incident| stored(incident.report_count)),
        &columns.of_each(|incident| stored(incident.urge_count)),
        &columns.of_each(|incident| incident.accepted_at),
        &columns.of_each(|incident| incident.last_report_at),
        &columns.of_each(|incident| incident.off_at),
        &columns.of_each(|incident| incident.area.word().to_owned()),
        &columns.of_each(|incident| incident.danger),
        &columns.of_each(|incident| incident.life_support),
        &columns.of_each(|incident| incident.important),
        &columns.of_each(|incident| incident.position.map(|position| position.lon)) as &[Option<f64>],
        &columns.of_each(|incident| incident.position.map(|position| position.lat)) as &[Option<f64>],
        &columns.of_each(|incident| incident.signal_at) as &[Option<DateTime<Utc>>],
        &columns.of_each(|incident| followed(incident).map(|followed| followed.at)) as &[Option<DateTime<Utc>>],
        &columns.of_each(|incident| followed(incident).map(|followed| followed.confirmed_set.clone())) as &[Option<String>],
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("store incidents"))
}

/// Incidents as columns.
struct Columns<'i> {
    incidents: &'i [Incident],
    ids: Vec<Uuid>,
}

impl<'i> Columns<'i> {
    fn of(incidents: &'i [Incident]) -> Self {
        let ids = incidents.iter().map(|incident| incident.id.uuid()).collect();
        Self { incidents, ids }
    }

    fn of_each<T>(&self, column: impl Fn(&Incident) -> T) -> Vec<T> {
        self.incidents.iter().map(column).collect()
    }
}

fn merged_into(incident: &Incident) -> Option<Uuid> {
    match &incident.state {
        State::Merged(into) => Some(into.uuid()),
        State::Open | State::Closed(_) => None,
    }
}

fn close_reason(incident: &Incident) -> Option<String> {
    match &incident.state {
        State::Closed(reason) => Some(reason.clone()),
        State::Open | State::Merged(_) => None,
    }
}

fn followed(incident: &Incident) -> Option<&Followed> {
    incident.affected.as_ref()?.followed.as_ref()
}
