//! Steps of orders: append only, each with its corrected time.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::db;
use crate::{
    domain::{
        device_time::Stamp,
        ids::{OrderId, UnitId, uuid_of},
        order::{State, Verification},
    },
    error::Error,
};

/// A step to append.
#[derive(Debug, Clone)]
pub struct NewStep<'a> {
    /// What happened, in the past.
    pub step: &'static str,
    /// When.
    pub stamp: Stamp,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// Who recorded it.
    pub actor: &'a str,
    /// Words.
    pub note: String,
    /// Recorded by a dispatcher for the crew or the unit.
    pub on_behalf: bool,
    /// What else it recorded.
    pub detail: serde_json::Value,
}

/// A stored step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its order.
    pub order_id: Uuid,
    /// What happened.
    pub step: String,
    /// Corrected time.
    pub at: DateTime<Utc>,
    /// Who recorded it.
    pub actor: String,
    /// Words.
    pub note: String,
    /// The phone's clock was off.
    pub skewed: bool,
    /// Recorded by a dispatcher for somebody else.
    pub on_behalf: bool,
    /// The photo it names.
    pub photo_sha256: Option<String>,
}

/// Appends a step to a locked order; returns its number.
pub async fn append(
    conn: &mut PgConnection,
    order: OrderId,
    after: &State,
    step: &NewStep<'_>,
) -> Result<i32, Error> {
    sqlx::query_scalar!(
        "insert into dispatch.order_step (order_id, n, step, at, received_at, actor, note, skewed, on_behalf, unit_id, crew_id, detail)
         values ($1, (select coalesce(max(n), 0) + 1 from dispatch.order_step where order_id = $1), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         returning n",
        order.uuid(),
        step.step,
        step.stamp.at,
        step.received_at,
        step.actor,
        step.note,
        step.stamp.skewed,
        step.on_behalf,
        after.unit().map(UnitId::uuid),
        uuid_of(after.team().map(|team| team.crew)),
        step.detail,
    )
    .fetch_one(conn)
    .await
    .map_err(db("append a step"))
}

/// Notes which customers a restoration step brought back; no set means everybody still off.
pub async fn restored(
    conn: &mut PgConnection,
    (order, n): (OrderId, i32),
    at: DateTime<Utc>,
    set_id: Option<&str>,
    customers: i32,
    verified_by: Verification,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into dispatch.section_restored (order_id, n, at, set_id, customers, verified_by) values ($1, $2, $3, $4, $5, $6)",
        order.uuid(),
        n,
        at,
        set_id,
        customers,
        verified_by.word(),
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("note a restored section"))
}

/// Steps of these orders, oldest first.
pub async fn of(conn: &mut PgConnection, orders: &[Uuid]) -> Result<Vec<Step>, Error> {
    sqlx::query_as!(
        Step,
        "select order_id, step, at, actor, note, skewed, on_behalf, detail ->> 'photo_sha256' as photo_sha256
         from dispatch.order_step
         where order_id = any($1) order by order_id, n",
        orders
    )
    .fetch_all(conn)
    .await
    .map_err(db("load steps"))
}
