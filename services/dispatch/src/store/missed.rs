//! What events and timers should have done: found over whole own tables.

use chrono::{DateTime, Utc};
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

/// Subjects whose orders do not fit them: one that is due is missing, or one waits for nothing.
pub async fn subjects_out_of_line(pool: &PgPool, opens_before: DateTime<Utc>) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "select s.id from dispatch.subject s
         where (case
             when s.what = 'outage' and (s.state in ('ready', 'off', 'working') or (s.state = 'noticed' and s.off_at <= $2))
                 then not exists (select 1 from dispatch.work_order o
                     where o.subject_id = s.id and o.kind = 'planned' and o.slot = s.plan_no::text and o.state <> 'withdrawn')
             when s.what = 'case' and s.state = 'pre_noticed' and not s.stopped and s.off_at is not null
                 then not exists (select 1 from dispatch.work_order o
                     where o.subject_id = s.id and o.kind = 'disconnect' and o.due_at = s.off_at and o.state <> 'withdrawn')
             when s.what = 'case' and s.state in ('reconnect_ordered', 'wrongful') and s.reconnect_by is not null
                 then not exists (select 1 from dispatch.work_order o
                     where o.subject_id = s.id and o.kind = 'reconnect' and o.state <> 'withdrawn')
             else false end)
            or exists (select 1 from dispatch.work_order o
                where o.subject_id = s.id and o.state not in ('archived', 'withdrawn')
                  and ((o.kind = 'planned' and o.state <> 'restored'
                        and (s.state in ('restored', 'archived', 'cancelled', 'aborted') or o.slot <> s.plan_no::text))
                    or (o.kind = 'planned' and o.state = 'restored' and s.state = 'archived' and o.slot = s.plan_no::text)
                    or (o.kind = 'disconnect' and (s.state <> 'pre_noticed' or s.stopped))
                    or (o.kind = 'reconnect' and s.state in ('reconnected', 'closed'))))
         limit $1",
        BATCH,
        opens_before
    )
    .fetch_all(pool)
    .await
    .map_err(db("look for subjects without their order"))
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
