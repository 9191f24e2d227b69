//! What events and timers should have done: found over whole own tables.

use sqlx::PgPool;
use uuid::Uuid;

use super::db;
use crate::error::Error;

const BATCH: i64 = 500;

/// Open incidents without an order.
pub async fn incidents_without_order(pool: &PgPool) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "select i.id from dispatch.incident i left join dispatch.work_order o on o.incident_id = i.id
         where i.state = 'open' and o.id is null limit $1",
        BATCH
    )
    .fetch_all(pool)
    .await
    .map_err(db("look for incidents without order"))
}

/// Incidents that ended while nobody is on their order, which still waits. An order the customer opened again
/// ("still off") is not the incident's to end.
pub async fn ended_incidents_with_waiting_order(pool: &PgPool) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "select i.id from dispatch.incident i join dispatch.work_order o on o.incident_id = i.id
         where i.state <> 'open' and o.reopens = 0 and o.state in ('triaged', 'dispatched', 'unit_taken', 'suspended') limit $1",
        BATCH
    )
    .fetch_all(pool)
    .await
    .map_err(db("look for ended incidents"))
}

/// Orders whose active assignment does not fit their state: a crew held by an order that no longer needs it.
pub async fn orders_holding_a_crew(pool: &PgPool) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "select a.order_id from dispatch.assignment a join dispatch.work_order o on o.id = a.order_id
         where a.released_at is null
           and (o.crew_id is distinct from a.crew_id
                or o.state not in ('assigned', 'taken', 'en_route', 'arrived', 'surveyed', 'repairing')) limit $1",
        BATCH
    )
    .fetch_all(pool)
    .await
    .map_err(db("look for held crews"))
}

/// Running clocks that have a moment still to come, or passed unnoticed, and no timer.
pub async fn clocks_without_timer(pool: &PgPool) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "select c.id from dispatch.clock c
         where c.stopped_at is null and c.level <> 'breach'
           and not exists (select 1 from dispatch.timer t where t.kind = 'clock' and t.subject = c.id) limit $1",
        BATCH
    )
    .fetch_all(pool)
    .await
    .map_err(db("look for clocks without timer"))
}
