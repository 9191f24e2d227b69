//! Incidents.

mod write;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use relight_common::cursor::Page;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{area, count, position};
use crate::{
    domain::{
        IncidentId,
        facts::{Reporter, Reporters},
        incident::{Affected, Confirmation, Confirmer, Device, Followed, Incident, State},
        place::Position,
    },
    error::Error,
};

pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) number: String,
    pub(super) state: String,
    pub(super) merged_into: Option<Uuid>,
    pub(super) close_reason: Option<String>,
    pub(super) device_id: Option<String>,
    pub(super) device_kind: Option<String>,
    pub(super) confirmed_by: Option<String>,
    pub(super) confirmed_at: Option<DateTime<Utc>>,
    pub(super) affected_set_id: Option<String>,
    pub(super) affected_count: i32,
    pub(super) report_count: i32,
    pub(super) urge_count: i32,
    pub(super) accepted_at: DateTime<Utc>,
    pub(super) last_report_at: DateTime<Utc>,
    pub(super) off_at: DateTime<Utc>,
    pub(super) area_class: String,
    pub(super) danger: bool,
    pub(super) life_support: bool,
    pub(super) important: bool,
    pub(super) lon: Option<f64>,
    pub(super) lat: Option<f64>,
    pub(super) org_path: String,
    pub(super) zone: String,
    pub(super) version: i64,
    pub(super) parent_id: Option<Uuid>,
    pub(super) signal_at: Option<DateTime<Utc>>,
    pub(super) by_hand: bool,
    pub(super) switched_at: Option<DateTime<Utc>>,
    pub(super) confirmed_set_id: Option<String>,
}

impl TryFrom<Row> for Incident {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let state = match (row.state.as_str(), row.merged_into) {
            ("open", _) => State::Open,
            ("merged", Some(into)) => State::Merged(IncidentId::from_uuid(into)),
            ("closed", _) => State::Closed(row.close_reason.unwrap_or_default()),
            _ => return Err(Error::Stored("incident state")),
        };
        let confirmed = match row.confirmed_by.zip(row.confirmed_at) {
            Some((by, at)) => Some(Confirmation {
                by: Confirmer::parse(&by).ok_or(Error::Stored("confirmer"))?,
                at,
            }),
            None => None,
        };
        let affected_count = row.affected_count;
        let followed = row
            .switched_at
            .zip(row.confirmed_set_id)
            .map(|(at, confirmed_set)| Followed { at, confirmed_set });
        Ok(Incident {
            id: IncidentId::from_uuid(row.id),
            number: row.number,
            state,
            device: row.device_id.map(|id| Device {
                id,
                kind: row.device_kind.unwrap_or_default(),
            }),
            confirmed,
            affected: row.affected_set_id.map(|set_id| Affected {
                set_id,
                count: count(affected_count),
                followed,
            }),
            report_count: count(row.report_count),
            urge_count: count(row.urge_count),
            accepted_at: row.accepted_at,
            last_report_at: row.last_report_at,
            off_at: row.off_at,
            area: area(&row.area_class)?,
            danger: row.danger,
            life_support: row.life_support,
            important: row.important,
            position: position(row.lon, row.lat),
            org_path: row.org_path,
            zone: row.zone,
            version: row.version,
            parent: row.parent_id.map(IncidentId::from_uuid),
            signal_at: row.signal_at,
            by_hand: row.by_hand,
        })
    }
}

/// `select` of whole incidents; the tail says which.
macro_rules! incidents {
    ($tail:tt $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::store::incident::Row,
            "select id, number, state, merged_into, close_reason, device_id, device_kind, confirmed_by, confirmed_at,
                 affected_set_id, affected_count, report_count, urge_count, accepted_at, last_report_at, off_at,
                 area_class, danger, life_support, important, lon, lat, org_path, zone, version, parent_id, signal_at,
                 by_hand, switched_at, confirmed_set_id
             from intake.incident " + $tail
            $(, $arg)*
        )
    };
}
pub(super) use incidents;

/// The incident by its id.
///
/// # Errors
/// [`Error::Common`].
pub async fn by_id(conn: &mut PgConnection, id: IncidentId) -> Result<Option<Incident>, Error> {
    let row = incidents!("where id = $1", id.uuid()).fetch_optional(conn).await;
    row.map_err(Error::db("read an incident"))?
        .map(Incident::try_from)
        .transpose()
}

/// The incident by its spoken number.
///
/// # Errors
/// [`Error::Common`].
pub async fn by_number(conn: &mut PgConnection, number: &str) -> Result<Option<Incident>, Error> {
    let row = incidents!("where number = $1", number).fetch_optional(conn).await;
    row.map_err(Error::db("read an incident"))?
        .map(Incident::try_from)
        .transpose()
}

/// The incident, kept as it is until commit.
///
/// # Errors
/// [`Error::Common`].
pub async fn lock(conn: &mut PgConnection, id: IncidentId) -> Result<Option<Incident>, Error> {
    let row = incidents!("where id = $1 for update", id.uuid())
        .fetch_optional(conn)
        .await;
    row.map_err(Error::db("lock an incident"))?
        .map(Incident::try_from)
        .transpose()
}

/// The open incidents whose device is confirmed.
///
/// # Errors
/// [`Error::Common`].
pub async fn confirmed(conn: &mut PgConnection) -> Result<Vec<Incident>, Error> {
    let rows = incidents!(
        "where state = 'open' and confirmed_by is not null and affected_set_id is not null order by id"
    );
    let rows = rows.fetch_all(conn).await;
    let rows = rows.map_err(Error::db("list confirmed incidents"))?;
    rows.into_iter().map(Incident::try_from).collect()
}

/// A page of incidents in `state`, newest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn page(
    conn: &mut PgConnection,
    state: &str,
    org_patterns: &[String],
    page: &Page<(DateTime<Utc>, Uuid)>,
) -> Result<Vec<Incident>, Error> {
    let (before_at, before_id) = page.before();
    let rows = incidents!(
        "where state = $1 and org_path like any($2) and (accepted_at, id) < ($3, $4)
         order by accepted_at desc, id desc limit $5",
        state,
        org_patterns,
        before_at,
        before_id,
        page.size,
    );
    let rows = rows.fetch_all(conn).await.map_err(Error::db("list incidents"))?;
    rows.into_iter().map(Incident::try_from).collect()
}

/// Stores an incident as its next version and gives that back; a version of 0 is a new one.
///
/// # Errors
/// [`Error::Changed`] when it is not the version that is stored; [`Error::Common`].
pub async fn save(conn: &mut PgConnection, incident: Incident) -> Result<Incident, Error> {
    let id = incident.id;
    let saved = save_all(conn, vec![incident]).await?;
    saved.into_iter().next().ok_or(Error::Changed(id))
}

/// The same for several, which are given back in the same order. What was merged comes after what it was merged into.
///
/// # Errors
/// [`Error::Changed`] when one of them is not the version that is stored; [`Error::Common`].
pub async fn save_all(conn: &mut PgConnection, incidents: Vec<Incident>) -> Result<Vec<Incident>, Error> {
    let mut next = incidents;
    if next.is_empty() {
        return Ok(next);
    }
    next.iter_mut().for_each(|incident| incident.version += 1);
    let written: HashSet<Uuid> = write::write(conn, &next).await?.into_iter().collect();
    match next
        .iter()
        .find(|incident| !written.contains(&incident.id.uuid()))
    {
        Some(changed) => Err(Error::Changed(changed.id)),
        None => Ok(next),
    }
}

/// The customers who reported each of these incidents.
///
/// # Errors
/// [`Error::Common`].
pub async fn reporters(
    conn: &mut PgConnection,
    incidents: &[Uuid],
) -> Result<HashMap<IncidentId, Reporters>, Error> {
    let rows = sqlx::query!(
        "select distinct on (l.incident_id, r.customer_id) l.incident_id, r.id, r.customer_id as \"customer_id!\",
             r.accepted_at
         from intake.report_link l
         cross join lateral (
             select r.id, r.customer_id, r.accepted_at from intake.report r where r.id = l.report_id offset 0) r
         where l.incident_id = any($1) and r.customer_id is not null
         order by l.incident_id, r.customer_id, r.accepted_at, r.id",
        incidents
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read who reported"))?;
    let mut all: HashMap<IncidentId, Reporters> = HashMap::new();
    for row in rows {
        let reporter = Reporter {
            report_id: row.id,
            customer_id: row.customer_id,
            accepted_at: row.accepted_at,
        };
        let theirs = all.entry(IncidentId::from_uuid(row.incident_id)).or_default();
        theirs.insert(row.customer_id, reporter);
    }
    Ok(all)
}

/// The loads that reported an incident.
///
/// # Errors
/// [`Error::Common`].
pub async fn loads(conn: &mut PgConnection, incident: IncidentId) -> Result<Vec<String>, Error> {
    sqlx::query_scalar!(
        "select distinct coalesce(e.load_id, r.load_id) as \"load!\"
         from intake.report_link l join intake.report r on r.id = l.report_id
         left join intake.evidence e on e.report_id = r.id
         where l.incident_id = $1 and coalesce(e.load_id, r.load_id) is not null",
        incident.uuid()
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read the loads of an incident"))
}

/// Where the reporters of child incidents are supplied.
pub type SupplyPoints = HashMap<IncidentId, Vec<Position>>;

/// Supply points of one child.
const SUPPLY_POINTS_MAX: i64 = 50;

/// Where those who are still off are supplied, of the children among these: the place of their work (O28).
///
/// # Errors
/// [`Error::Common`].
pub async fn supply_points(conn: &mut PgConnection, incidents: &[Incident]) -> Result<SupplyPoints, Error> {
    let children = incidents.iter().filter(|incident| incident.parent.is_some());
    let children: Vec<Uuid> = children.map(|incident| incident.id.uuid()).collect();
    if children.is_empty() {
        return Ok(SupplyPoints::new());
    }
    let rows = sqlx::query!(
        "select c.id as \"id!\", p.lon as \"lon!\", p.lat as \"lat!\" from unnest($1::uuid[]) as c (id)
         cross join lateral (
             select distinct r.lon, r.lat from intake.report_link l join intake.report r on r.id = l.report_id
             where l.incident_id = c.id and r.lon is not null order by r.lon, r.lat limit $2) p",
        &children,
        SUPPLY_POINTS_MAX
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read where a child is supplied"))?;
    let mut all = SupplyPoints::new();
    for row in rows {
        let position = Position {
            lon: row.lon,
            lat: row.lat,
        };
        all.entry(IncidentId::from_uuid(row.id))
            .or_default()
            .push(position);
    }
    Ok(all)
}
