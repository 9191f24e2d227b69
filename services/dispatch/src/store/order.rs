//! Work orders as rows.

use chrono::{DateTime, Utc};
use relight_policy::AreaClass;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{db, natural};
use crate::{
    domain::{
        etr::{Estimate, Source},
        ids::{CrewId, IncidentId, OrderId, SubjectId, UnitId},
        order::{Kind, State},
        place::Place,
        subject::{Errand, Subject},
    },
    error::Error,
};

/// A work order with the facts of what it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Id.
    pub id: OrderId,
    /// Spoken number.
    pub number: String,
    /// What it is about.
    pub kind: Kind,
    /// Its incident; a fault has one, the others do not.
    pub incident: Option<IncidentId>,
    /// The incident's spoken number.
    pub incident_number: String,
    /// The incident's version this order has seen.
    pub incident_version: i64,
    /// The outage or case of an order that is no fault.
    pub about: Option<About>,
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
    /// Of a child incident: where those who are still off are supplied.
    pub supply: Vec<Place>,
    /// IANA zone.
    pub zone: String,
}

/// What an order that is no fault carries out.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// The outage or case.
    pub subject: SubjectId,
    /// Its spoken number.
    pub number: String,
    /// Line of an outage, as people are told.
    pub line: String,
    /// Which plan or notice, and when.
    pub errand: Errand,
}

impl Order {
    /// `urgent` when somebody is in danger, depends on supply or is an important customer, or has a right to be back.
    pub fn priority(&self) -> &'static str {
        if self.danger || self.life_support || self.important || self.kind == Kind::Reconnect {
            "urgent"
        } else {
            "general"
        }
    }

    /// Danger nobody has reached yet comes before every clock (operations.md O6).
    fn is_first(&self) -> bool {
        self.danger && self.state.is_before_arrival()
    }

    /// What the crew has to see before anything else.
    pub fn warning(&self) -> &'static str {
        match (self.kind, &self.state) {
            (Kind::Disconnect, State::Withdrawn { .. }) => "do_not_cut",
            _ if self.danger => "danger",
            _ => "",
        }
    }

    /// Why it was withdrawn.
    pub fn withdrawn_because(&self) -> &str {
        match &self.state {
            State::Withdrawn { because } => because,
            _ => "",
        }
    }
}

/// A row of the query below.
pub(super) struct Row {
    pub id: Uuid,
    pub number: String,
    pub kind: String,
    pub incident_id: Option<Uuid>,
    pub subject_id: Option<Uuid>,
    pub subject_number: Option<String>,
    pub line: Option<String>,
    pub slot: String,
    pub due_at: Option<DateTime<Utc>>,
    pub on_at: Option<DateTime<Utc>>,
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
    pub supply_points: serde_json::Value,
    pub zone: String,
}

impl TryFrom<Row> for Order {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let source = row.etr_source.as_deref().and_then(Source::parse);
        let kind = Kind::parse(&row.kind).ok_or(Error::Stored("kind of an order"))?;
        let about = row.subject_id.zip(row.due_at).map(|(subject, due_at)| About {
            subject: SubjectId::from_uuid(subject),
            number: row.subject_number.unwrap_or_default(),
            line: row.line.unwrap_or_default(),
            errand: Errand {
                kind,
                slot: row.slot,
                due_at,
                on_at: row.on_at,
            },
        });
        Ok(Order {
            kind,
            about,
            id: OrderId::from_uuid(row.id),
            number: row.number,
            incident: row.incident_id.map(IncidentId::from_uuid),
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
            supply: serde_json::from_value(row.supply_points).map_err(|_| Error::Stored("supply points"))?,
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

/// Locks every order of these subjects, in the order of their ids.
pub async fn lock_of(conn: &mut PgConnection, subjects: &[SubjectId]) -> Result<Vec<Order>, Error> {
    let subjects: Vec<Uuid> = subjects.iter().map(|id| id.uuid()).collect();
    let ids = sqlx::query_scalar!(
        "select id from dispatch.work_order where subject_id = any($1) order by id for update",
        &subjects
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(db("lock the orders of subjects"))?;
    // As in `lock`.
    match ids.is_empty() {
        true => Ok(Vec::new()),
        false => load(conn, &ids).await,
    }
}

/// Loads an order.
pub async fn get(conn: &mut PgConnection, id: OrderId) -> Result<Option<Order>, Error> {
    load(conn, &[id.uuid()]).await.map(|mut orders| orders.pop())
}

/// Loads orders, in no order.
pub async fn load(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Order>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select o.id as \"id!\", o.number as \"number!\", o.kind as \"kind!\", o.incident_id, o.subject_id,
             s.number as \"subject_number?\", s.line as \"line?\", o.slot as \"slot!\", o.due_at, o.on_at,
             coalesce(i.number, '') as \"incident_number!\", coalesce(i.version, 0) as \"incident_version!\",
             o.org_path as \"org_path!\", o.accepted_at as \"accepted_at!\", o.facts as \"facts!\", o.version as \"version!\",
             o.opened_at as \"opened_at!\", o.last_step_at as \"last_step_at!\", o.returns as \"returns!\",
             o.reopens as \"reopens!\", o.cause_code as \"cause_code!\", o.restored_count as \"restored_count!\", o.etr_at,
             o.etr_source, o.archived_at, coalesce(i.area_class, s.area_class) as \"area_class!\",
             coalesce(i.device_id, s.device_id) as \"device_id!\", coalesce(i.device_kind, '') as \"device_kind!\",
             coalesce(i.confirmed, true) as \"confirmed!\",
             coalesce(i.affected_set_id, s.affected_set_id) as \"affected_set_id!\",
             coalesce(i.affected_count, s.affected_count) as \"affected_count!\", coalesce(i.danger, false) as \"danger!\",
             coalesce(i.life_support, false) as \"life_support!\", coalesce(i.important, false) as \"important!\",
             coalesce(i.urge_count, 0) as \"urge_count!\", coalesce(i.lon, s.lon) as lon, coalesce(i.lat, s.lat) as lat,
             coalesce(i.supply_points, '[]') as \"supply_points!\", coalesce(i.zone, s.zone) as \"zone!\"
         from dispatch.work_order o left join dispatch.incident i on i.id = o.incident_id
             left join dispatch.subject s on s.id = o.subject_id where o.id = any($1)",
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

/// A new order of a subject.
pub async fn insert_errand(
    conn: &mut PgConnection,
    number: &str,
    subject: &Subject,
    errand: &Errand,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let state = State::Triaged { back: None };
    sqlx::query!(
        "insert into dispatch.work_order (id, number, kind, subject_id, slot, due_at, on_at, org_path, accepted_at, state, facts,
             version, opened_at, last_step_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $9, $9)",
        errand.order(subject.id).uuid(),
        number,
        errand.kind.word(),
        subject.id.uuid(),
        errand.slot,
        errand.due_at,
        errand.on_at,
        subject.org_path,
        now,
        state.word(),
        facts(&state),
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("open an order of a subject"))
}

/// Writes everything about a locked order that may have changed. What is first of all lies before every clock there is: the list
/// is sorted by `next_due_at`.
pub async fn save(conn: &mut PgConnection, order: &Order) -> Result<(), Error> {
    let team = order.state.team();
    let merged_into = match order.state {
        State::Merged { into } => Some(into.uuid()),
        _ => None,
    };
    sqlx::query!(
        "update dispatch.work_order set accepted_at = $2, state = $3, facts = $4, unit_id = $5, crew_id = $6,
             merged_into = $7, version = $8, last_step_at = $9, returns = $10, reopens = $11, cause_code = $12,
             restored_count = $13, etr_at = $14, etr_source = $15, archived_at = $16, org_path = $17, due_at = $18, on_at = $19,
             next_due_at = (select case when $20 then coalesce(min(due_at), '3000-01-01Z') - interval '2000 years' else min(due_at) end
                 from dispatch.clock where order_id = $1 and stopped_at is null and name <> 'etr')
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
        order.about.as_ref().map(|about| about.errand.due_at),
        order.about.as_ref().and_then(|about| about.errand.on_at),
        order.is_first(),
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("save an order"))
}

/// How many of a planned outage have supply again, as the planner tells it; never fewer than were told before.
pub async fn note_restored(conn: &mut PgConnection, subject: SubjectId, count: u32) -> Result<(), Error> {
    sqlx::query!(
        "update dispatch.work_order set restored_count = greatest(restored_count, $2)
         where subject_id = $1 and kind = 'planned'",
        subject.uuid(),
        i32::try_from(count).unwrap_or(i32::MAX)
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("note who has supply again"))
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
