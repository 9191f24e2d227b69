//! Work orders as rows.

use chrono::{DateTime, Utc};
use relight_policy::AreaClass;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{db, natural};
use crate::{
    domain::{
        etr::{Estimate, Source},
        ids::{CrewId, IncidentId, OrderId, UnitId},
        order::State,
        place::Place,
    },
    error::Error,
};

/// A work order with the facts of its incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Id.
    pub id: OrderId,
    /// Spoken number.
    pub number: String,
    /// Its incident.
    pub incident: IncidentId,
    /// The incident's spoken number.
    pub incident_number: String,
    /// The incident's version this order has seen.
    pub incident_version: i64,
    /// Place in the organisation.
    pub org_path: String,
    /// The earliest acceptance; rules the arrival clock.
    pub accepted_at: DateTime<Utc>,
    /// Where it stands.
    pub state: State,
    /// Grows with everything told about it.
    pub version: i64,
    /// When it was opened here.
    pub opened_at: DateTime<Utc>,
    /// Corrected time of the last step.
    pub last_step_at: DateTime<Utc>,
    /// How often units gave it back.
    pub returns: i32,
    /// How often the customer said "still off".
    pub reopens: i32,
    /// Cause code as far as known.
    pub cause_code: String,
    /// Customers with supply again.
    pub restored_count: i32,
    /// Estimate that holds.
    pub etr: Option<Estimate>,
    /// When it was filed, merged or withdrawn.
    pub archived_at: Option<DateTime<Utc>>,
    /// Rules the arrival limit.
    pub area: AreaClass,
    /// Probable or confirmed device.
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
    /// IANA zone.
    pub zone: String,
}

impl Order {
    /// `urgent` when somebody is in danger, depends on supply or is an important customer.
    pub fn priority(&self) -> &'static str {
        if self.danger || self.life_support || self.important {
            "urgent"
        } else {
            "general"
        }
    }
}

/// A row of the query below.
pub(super) struct Row {
    pub id: Uuid,
    pub number: String,
    pub incident_id: Uuid,
    pub incident_number: String,
    pub incident_version: i64,
    pub org_path: String,
    pub accepted_at: DateTime<Utc>,
    pub facts: serde_json::Value,
    pub version: i64,
    pub opened_at: DateTime<Utc>,
    pub last_step_at: DateTime<Utc>,
    pub returns: i32,
    pub reopens: i32,
    pub cause_code: String,
    pub restored_count: i32,
    pub etr_at: Option<DateTime<Utc>>,
    pub etr_source: Option<String>,
    pub archived_at: Option<DateTime<Utc>>,
    pub area_class: String,
    pub device_id: String,
    pub device_kind: String,
    pub confirmed: bool,
    pub affected_set_id: String,
    pub affected_count: i32,
    pub danger: bool,
    pub life_support: bool,
    pub important: bool,
    pub urge_count: i32,
    pub lon: Option<f64>,
    pub lat: Option<f64>,
    pub zone: String,
}

impl TryFrom<Row> for Order {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let source = row.etr_source.as_deref().and_then(Source::parse);
        Ok(Order {
            id: OrderId::from_uuid(row.id),
            number: row.number,
            incident: IncidentId::from_uuid(row.incident_id),
            incident_number: row.incident_number,
            incident_version: row.incident_version,
            org_path: row.org_path,
            accepted_at: row.accepted_at,
            state: serde_json::from_value(row.facts).map_err(|_| Error::Stored("state of an order"))?,
            version: row.version,
            opened_at: row.opened_at,
            last_step_at: row.last_step_at,
            returns: row.returns,
            reopens: row.reopens,
            cause_code: row.cause_code,
            restored_count: row.restored_count,
            etr: row.etr_at.zip(source).map(|(at, source)| Estimate { at, source }),
            archived_at: row.archived_at,
            area: AreaClass::parse(&row.area_class).ok_or(Error::Stored("area class"))?,
            device_id: row.device_id,
            device_kind: row.device_kind,
            confirmed: row.confirmed,
            affected_set_id: row.affected_set_id,
            affected_count: natural(row.affected_count),
            danger: row.danger,
            life_support: row.life_support,
            important: row.important,
            urge_count: natural(row.urge_count),
            place: row.lon.zip(row.lat).map(|(lon, lat)| Place { lon, lat }),
            zone: row.zone,
        })
    }
}

/// Locks an order for the rest of the transaction.
pub async fn lock(conn: &mut PgConnection, id: OrderId) -> Result<Option<Order>, Error> {
    sqlx::query_scalar!(
        "select id from dispatch.work_order where id = $1 for update",
        id.uuid()
    )
    .fetch_optional(&mut *conn)
    .await
    .map_err(db("lock an order"))?;
    // A second statement sees what the transaction we may have waited for has committed, the incident included.
    get(conn, id).await
}

/// Loads an order.
pub async fn get(conn: &mut PgConnection, id: OrderId) -> Result<Option<Order>, Error> {
    load(conn, &[id.uuid()]).await.map(|mut orders| orders.pop())
}

/// Loads orders, in no order.
pub async fn load(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Order>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select o.id, o.number, o.incident_id, i.number as incident_number, i.version as incident_version, o.org_path,
             o.accepted_at, o.facts, o.version, o.opened_at, o.last_step_at, o.returns, o.reopens, o.cause_code,
             o.restored_count, o.etr_at, o.etr_source, o.archived_at, i.area_class, i.device_id, i.device_kind,
             i.confirmed, i.affected_set_id, i.affected_count, i.danger, i.life_support, i.important, i.urge_count,
             i.lon, i.lat, i.zone
         from dispatch.work_order o join dispatch.incident i on i.id = o.incident_id where o.id = any($1)",
        ids
    )
    .fetch_all(conn)
    .await
    .map_err(db("load orders"))?;
    rows.into_iter().map(Order::try_from).collect()
}

/// Id of the order with this spoken number.
pub async fn by_number(conn: &mut PgConnection, number: &str) -> Result<Option<OrderId>, Error> {
    sqlx::query_scalar!("select id from dispatch.work_order where number = $1", number)
        .fetch_optional(conn)
        .await
        .map(|id| id.map(OrderId::from_uuid))
        .map_err(db("look an order up"))
}

/// A new order.
pub async fn insert(
    conn: &mut PgConnection,
    (id, number): (OrderId, &str),
    (incident, org_path): (IncidentId, &str),
    state: &State,
    accepted_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into dispatch.work_order (id, number, incident_id, org_path, accepted_at, state, facts, version, opened_at, last_step_at)
         values ($1, $2, $3, $4, $5, $6, $7, 0, $8, $5)",
        id.uuid(),
        number,
        incident.uuid(),
        org_path,
        accepted_at,
        state.word(),
        facts(state),
        now,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("open an order"))
}

/// Writes everything about a locked order that may have changed.
pub async fn save(conn: &mut PgConnection, order: &Order) -> Result<(), Error> {
    let team = order.state.team();
    let merged_into = match order.state {
        State::Merged { into } => Some(into.uuid()),
        _ => None,
    };
    sqlx::query!(
        "update dispatch.work_order set accepted_at = $2, state = $3, facts = $4, unit_id = $5, crew_id = $6,
             merged_into = $7, version = $8, last_step_at = $9, returns = $10, reopens = $11, cause_code = $12,
             restored_count = $13, etr_at = $14, etr_source = $15, archived_at = $16, org_path = $17,
             next_due_at = (select min(due_at) from dispatch.clock where order_id = $1 and stopped_at is null and name <> 'etr')
         where id = $1",
        order.id.uuid(),
        order.accepted_at,
        order.state.word(),
        facts(&order.state),
        order.state.unit().map(UnitId::uuid),
        team.map(|team| team.crew.uuid()),
        merged_into,
        order.version,
        order.last_step_at,
        order.returns,
        order.reopens,
        order.cause_code,
        order.restored_count,
        order.etr.map(|etr| etr.at),
        order.etr.map(|etr| etr.source.word()),
        order.archived_at,
        order.org_path,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("save an order"))
}

/// Whether a person belongs to a crew.
pub async fn is_member(conn: &mut PgConnection, crew: CrewId, person: &str) -> Result<bool, Error> {
    sqlx::query_scalar!(
        "select exists (select 1 from dispatch.crew_member where crew_id = $1 and person_id = $2) as \"is!\"",
        crew.uuid(),
        person
    )
    .fetch_one(conn)
    .await
    .map_err(db("look for a member of a crew"))
}

fn facts(state: &State) -> serde_json::Value {
    serde_json::to_value(state).expect("a state is plain data with text keys")
}
