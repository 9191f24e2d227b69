//! Clocks of orders and their alarms.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::db;
use crate::{
    domain::{
        clock::{Level, Name, Times},
        ids::{ClockId, OrderId},
    },
    error::Error,
};

/// A clock as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    /// Id.
    pub id: ClockId,
    /// Its order.
    pub order: OrderId,
    /// What it measures.
    pub name: Name,
    /// Its moments.
    pub times: Times,
    /// How near the limit is.
    pub level: Level,
    /// When it stopped.
    pub stopped_at: Option<DateTime<Utc>>,
    /// Who acknowledged the alarm of its level.
    pub acknowledged_by: Option<String>,
    /// How far that alarm climbed.
    pub escalation: i16,
}

struct Row {
    id: Uuid,
    order_id: Uuid,
    name: String,
    started_at: DateTime<Utc>,
    watch_at: Option<DateTime<Utc>>,
    at_risk_at: Option<DateTime<Utc>>,
    due_at: DateTime<Utc>,
    rule: String,
    level: String,
    stopped_at: Option<DateTime<Utc>>,
    acknowledged_by: Option<String>,
    escalation: Option<i16>,
}

impl TryFrom<Row> for Clock {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Clock {
            id: ClockId::from_uuid(row.id),
            order: OrderId::from_uuid(row.order_id),
            name: Name::parse(&row.name).ok_or(Error::Stored("name of a clock"))?,
            times: Times {
                started_at: row.started_at,
                watch_at: row.watch_at,
                at_risk_at: row.at_risk_at,
                due_at: row.due_at,
                rule: row.rule,
            },
            level: Level::parse(&row.level).ok_or(Error::Stored("level of a clock"))?,
            stopped_at: row.stopped_at,
            acknowledged_by: row.acknowledged_by,
            escalation: row.escalation.unwrap_or(0),
        })
    }
}

/// Starts a clock.
pub async fn start(
    conn: &mut PgConnection,
    id: ClockId,
    order: OrderId,
    name: Name,
    times: &Times,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into dispatch.clock (id, order_id, name, started_at, watch_at, at_risk_at, due_at, rule)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.uuid(),
        order.uuid(),
        name.word(),
        times.started_at,
        times.watch_at,
        times.at_risk_at,
        times.due_at,
        times.rule,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("start a clock"))
}

/// Gives a running clock other moments (an earlier acceptance, another area class).
pub async fn rebase(conn: &mut PgConnection, id: ClockId, times: &Times) -> Result<(), Error> {
    sqlx::query!(
        "update dispatch.clock set started_at = $2, watch_at = $3, at_risk_at = $4, due_at = $5, rule = $6 where id = $1",
        id.uuid(),
        times.started_at,
        times.watch_at,
        times.at_risk_at,
        times.due_at,
        times.rule,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("move a clock"))
}

/// Stops a clock at the level it ended with.
pub async fn stop(
    conn: &mut PgConnection,
    id: ClockId,
    at: DateTime<Utc>,
    level: Level,
) -> Result<(), Error> {
    sqlx::query!(
        "update dispatch.clock set stopped_at = $2, level = $3 where id = $1",
        id.uuid(),
        at,
        level.word()
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("stop a clock"))
}

/// Notes a new level and its alarm.
pub async fn raise(
    conn: &mut PgConnection,
    id: ClockId,
    level: Level,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "with raised as (update dispatch.clock set level = $2 where id = $1)
         insert into dispatch.alarm (clock_id, level, raised_at) values ($1, $2, $3) on conflict do nothing",
        id.uuid(),
        level.word(),
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("raise an alarm"))
}

/// An alarm of a clock climbs to `escalation`.
pub async fn climb(conn: &mut PgConnection, id: ClockId, level: Level, escalation: i16) -> Result<(), Error> {
    sqlx::query!(
        "update dispatch.alarm set escalation = $3 where clock_id = $1 and level = $2",
        id.uuid(),
        level.word(),
        escalation
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("let an alarm climb"))
}

/// Notes who acknowledged; the first one stays. False: no such alarm.
pub async fn acknowledge(
    conn: &mut PgConnection,
    id: ClockId,
    level: Level,
    actor: &str,
    at: DateTime<Utc>,
) -> Result<bool, Error> {
    sqlx::query!(
        "update dispatch.alarm set acknowledged_by = coalesce(acknowledged_by, $3),
             acknowledged_at = coalesce(acknowledged_at, $4) where clock_id = $1 and level = $2",
        id.uuid(),
        level.word(),
        actor,
        at
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(db("acknowledge an alarm"))
}

/// One clock.
pub async fn get(conn: &mut PgConnection, id: ClockId) -> Result<Option<Clock>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select c.id, c.order_id, c.name, c.started_at, c.watch_at, c.at_risk_at, c.due_at, c.rule, c.level, c.stopped_at,
             a.acknowledged_by, a.escalation as \"escalation?\"
         from dispatch.clock c left join dispatch.alarm a on a.clock_id = c.id and a.level = c.level where c.id = $1",
        id.uuid()
    )
    .fetch_optional(conn)
    .await
    .map_err(db("load a clock"))?;
    row.map(Clock::try_from).transpose()
}

/// The latest clock of each name of these orders.
pub async fn latest(conn: &mut PgConnection, orders: &[Uuid]) -> Result<Vec<Clock>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select distinct on (c.order_id, c.name) c.id, c.order_id, c.name, c.started_at, c.watch_at, c.at_risk_at, c.due_at,
             c.rule, c.level, c.stopped_at, a.acknowledged_by, a.escalation as \"escalation?\"
         from dispatch.clock c left join dispatch.alarm a on a.clock_id = c.id and a.level = c.level
         where c.order_id = any($1) order by c.order_id, c.name, c.stopped_at desc nulls first, c.started_at desc",
        orders
    )
    .fetch_all(conn)
    .await
    .map_err(db("load clocks"))?;
    rows.into_iter().map(Clock::try_from).collect()
}
