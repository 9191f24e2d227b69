//! The latest state of each incident as intake told it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use relight_policy::AreaClass;
use sqlx::PgConnection;

use super::db;
use crate::{
    domain::{
        ids::{IncidentId, OrderId},
        place::Place,
    },
    error::Error,
};

/// Whether the outage goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Supply is off.
    Open,
    /// It is part of another incident.
    Merged {
        /// The other one.
        into: IncidentId,
    },
    /// It is over.
    Closed,
}

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Standing::Open => "open",
            Standing::Merged { .. } => "merged",
            Standing::Closed => "closed",
        }
    }
}

/// An incident as intake told it.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Id.
    pub id: IncidentId,
    /// Spoken number.
    pub number: String,
    /// Version at intake; only a later one replaces it.
    pub version: i64,
    /// Open, merged or closed.
    pub standing: Standing,
    /// Place in the organisation.
    pub org_path: String,
    /// Earliest acceptance of its reports.
    pub accepted_at: DateTime<Utc>,
    /// Rules the arrival limit.
    pub area: AreaClass,
    /// Probable or confirmed device; empty while undetermined.
    pub device_id: String,
    /// Its kind.
    pub device_kind: String,
    /// Whether somebody saw it.
    pub confirmed: bool,
    /// Who is off.
    pub affected_set_id: String,
    /// How many.
    pub affected_count: u32,
    /// Danger was reported.
    pub danger: bool,
    /// Somebody depends on supply to live.
    pub life_support: bool,
    /// An important customer is off.
    pub important: bool,
    /// How often customers urged.
    pub urge_count: u32,
    /// Where the work probably is.
    pub place: Option<Place>,
    /// Of a child: where those who are still off are supplied.
    pub supply: Vec<Place>,
    /// IANA zone.
    pub zone: String,
}

/// Stores `incident` unless a later version is there. False: nothing new.
pub async fn put(conn: &mut PgConnection, incident: &Incident) -> Result<bool, Error> {
    let into = match incident.standing {
        Standing::Merged { into } => Some(into.uuid()),
        _ => None,
    };
    let number_of = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    sqlx::query!(
        "insert into dispatch.incident as i (id, number, version, state, merged_into, org_path, accepted_at, area_class,
             device_id, device_kind, confirmed, affected_set_id, affected_count, danger, life_support, important,
             urge_count, lon, lat, zone, supply_points)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
         on conflict (id) do update set number = excluded.number, version = excluded.version, state = excluded.state,
             merged_into = excluded.merged_into, org_path = excluded.org_path,
             accepted_at = least(i.accepted_at, excluded.accepted_at), area_class = excluded.area_class,
             device_id = excluded.device_id, device_kind = excluded.device_kind, confirmed = excluded.confirmed,
             affected_set_id = excluded.affected_set_id, affected_count = excluded.affected_count,
             danger = excluded.danger, life_support = excluded.life_support, important = excluded.important,
             urge_count = excluded.urge_count, lon = excluded.lon, lat = excluded.lat, zone = excluded.zone,
             supply_points = case when excluded.state = 'merged' and excluded.supply_points = '[]' then i.supply_points
                 else excluded.supply_points end
         where i.version < excluded.version",
        incident.id.uuid(),
        incident.number,
        incident.version,
        incident.standing.word(),
        into,
        incident.org_path,
        incident.accepted_at,
        incident.area.word(),
        incident.device_id,
        incident.device_kind,
        incident.confirmed,
        incident.affected_set_id,
        number_of(incident.affected_count),
        incident.danger,
        incident.life_support,
        incident.important,
        number_of(incident.urge_count),
        incident.place.map(|place| place.lon),
        incident.place.map(|place| place.lat),
        incident.zone,
        serde_json::to_value(&incident.supply).map_err(|_| Error::Stored("supply points"))?,
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(db("store an incident"))
}

/// What is known of an incident.
pub async fn get(conn: &mut PgConnection, id: IncidentId) -> Result<Option<Incident>, Error> {
    let row = sqlx::query!("select * from dispatch.incident where id = $1", id.uuid())
        .fetch_optional(conn)
        .await
        .map_err(db("load an incident"))?;
    row.map(|row| {
        let standing = match (row.state.as_str(), row.merged_into) {
            ("merged", Some(into)) => Standing::Merged {
                into: IncidentId::from_uuid(into),
            },
            ("open", None) => Standing::Open,
            _ => Standing::Closed,
        };
        Ok(Incident {
            id,
            number: row.number,
            version: row.version,
            standing,
            org_path: row.org_path,
            accepted_at: row.accepted_at,
            area: AreaClass::parse(&row.area_class).ok_or(Error::Stored("area class"))?,
            device_id: row.device_id,
            device_kind: row.device_kind,
            confirmed: row.confirmed,
            affected_set_id: row.affected_set_id,
            affected_count: super::natural(row.affected_count),
            danger: row.danger,
            life_support: row.life_support,
            important: row.important,
            urge_count: super::natural(row.urge_count),
            place: row.lon.zip(row.lat).map(|(lon, lat)| Place { lon, lat }),
            supply: serde_json::from_value(row.supply_points).map_err(|_| Error::Stored("supply points"))?,
            zone: row.zone,
        })
    })
    .transpose()
}

/// The earliest acceptance among the incidents that became part of `parent`, directly or through others.
pub async fn earliest_merged(
    conn: &mut PgConnection,
    parent: IncidentId,
) -> Result<Option<DateTime<Utc>>, Error> {
    sqlx::query_scalar!(
        "with recursive child as (
             select id, accepted_at from dispatch.incident where merged_into = $1
             union
             select i.id, i.accepted_at from dispatch.incident i join child c on i.merged_into = c.id
         ) select min(accepted_at) from child",
        parent.uuid()
    )
    .fetch_one(conn)
    .await
    .map_err(db("look for merged incidents"))
}

/// Where the people of the children are that became part of `parent`, directly or through others: who stands there stands at its work
/// (O28). A child says last what it was before its reports went over.
pub async fn merged_places(conn: &mut PgConnection, parent: IncidentId) -> Result<Vec<Place>, Error> {
    let rows = sqlx::query!(
        "with recursive child as (
             select id, lon, lat, supply_points from dispatch.incident where merged_into = $1
             union
             select i.id, i.lon, i.lat, i.supply_points from dispatch.incident i join child c on i.merged_into = c.id
         ) select lon, lat, supply_points as \"supply_points!\" from child where supply_points <> '[]' order by id",
        parent.uuid()
    )
    .fetch_all(conn)
    .await
    .map_err(db("look where merged incidents are"))?;
    let mut places = Vec::new();
    for row in rows {
        places.extend(row.lon.zip(row.lat).map(|(lon, lat)| Place { lon, lat }));
        let supply: Vec<Place> =
            serde_json::from_value(row.supply_points).map_err(|_| Error::Stored("supply points"))?;
        places.extend(supply);
    }
    Ok(places)
}

/// The next spoken order number of the incident's local day (UTC's where the zone is unknown): `W-20260301-0042`.
pub async fn next_order_number(
    conn: &mut PgConnection,
    zone: &str,
    at: DateTime<Utc>,
) -> Result<String, Error> {
    let day = at
        .with_timezone(&zone.parse::<Tz>().unwrap_or(Tz::UTC))
        .date_naive();
    let last = sqlx::query_scalar!(
        "insert into dispatch.order_number as n (day, last) values ($1, 1)
         on conflict (day) do update set last = n.last + 1 returning last",
        day
    )
    .fetch_one(conn)
    .await
    .map_err(db("number an order"))?;
    Ok(format!("W-{}-{last:04}", day.format("%Y%m%d")))
}

/// The order an incident has, whatever it stands at.
pub fn order_of(incident: IncidentId) -> OrderId {
    OrderId::of_incident(incident)
}
