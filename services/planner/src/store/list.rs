//! Lists for people: who is affected and where they stand, what is announced, plans that ended.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    domain::{ids::OutageId, window::Instant},
    error::Error,
};

/// One affected customer and where they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub customer_id: Uuid,
    /// Important customer.
    pub important: bool,
    /// Somebody's life hangs on supply.
    pub life_support: bool,
    /// On a line of their own.
    pub dedicated_line: bool,
    /// Generation, storage or a second supply.
    pub own_generation: bool,
    /// Channel of the first effective notice.
    pub served_channel: Option<String>,
    /// Its moment.
    pub served_at: Option<Instant>,
    /// When they answered.
    pub acknowledged_at: Option<Instant>,
    /// Who took a silent one on.
    pub escalated_to: Option<String>,
    /// Whether the duty manager closed that.
    pub closed: bool,
    /// Ticked as isolated.
    pub isolated_at: Option<Instant>,
    /// Called before supply returns.
    pub told_at: Option<Instant>,
    /// Last step of the talks.
    pub negotiation: Option<String>,
    /// Moved in after the announcement.
    pub late_joiner: bool,
    /// Added by a change of the network after the announcement.
    pub own_lead: bool,
    /// Called before supply returns.
    pub call_before: bool,
}

/// Recipients after `after`. `which`: all, required, unreached, unacknowledged, backfeed, dedicated, uncalled
/// (about a later end, since `call_since`).
///
/// # Errors
/// [`Error::Common`].
pub async fn recipients(
    pool: &PgPool,
    id: OutageId,
    (plan_no, call_since): (u32, Option<Instant>),
    which: &str,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Recipient>, Error> {
    sqlx::query_as!(
        Recipient,
        r#"select r.customer_id, r.important, r.life_support, r.dedicated_line, r.own_generation, r.served_channel, r.served_at,
             a.acknowledged_at as "acknowledged_at?", a.escalated_to as "escalated_to?", a.closed_by is not null as "closed!",
             r.isolated_at, r.told_at,
             (select n.step from planner.negotiation n where n.outage_id = r.outage_id and n.customer_id = r.customer_id
              order by n.at desc, n.id desc limit 1) as negotiation,
             r.joined_at is not null as "late_joiner!", r.own_lead,
             r.own_generation or r.call_before as "call_before!"
         from planner.recipient r
         left join planner.acknowledgement a
             on a.outage_id = r.outage_id and a.plan_no = $2 and a.customer_id = r.customer_id
         where r.outage_id = $1 and r.released_at is null and ($4::uuid is null or r.customer_id > $4)
           and case $3
             when 'required' then r.individually or r.own_lead
             when 'unreached' then r.served_at is null
             when 'unacknowledged' then (r.important or r.life_support) and r.settled_at is null
             when 'backfeed' then r.own_generation or r.call_before
             when 'dedicated' then r.dedicated_line
             when 'uncalled' then $6::timestamptz is not null and (r.important or r.life_support) and not exists (
                 select from planner.evidence e
                 where e.outage_id = r.outage_id and e.plan_no = $2 and e.kind = 'extended' and e.customer_id = r.customer_id
                   and e.channel = 'call' and e.at >= $6
                   and not exists (select from planner.evidence_void v where v.evidence_id = e.id))
             else true end
         order by r.customer_id limit $5"#,
        id.uuid(),
        i32::try_from(plan_no).unwrap_or(i32::MAX),
        which,
        after,
        limit,
        call_since
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list recipients"))
}

/// What is announced and not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Spoken number.
    pub number: String,
    /// Which plan.
    pub plan_no: i32,
    /// PLANNED, TEMPORARY.
    pub class: String,
    /// How far it got.
    pub state: String,
    /// Area, Chinese.
    pub area_zh: String,
    /// Area, English.
    pub area_en: String,
    /// Line or device.
    pub line: String,
    /// Reason, Chinese.
    pub reason_zh: String,
    /// Reason, English.
    pub reason_en: String,
    /// Supply ends.
    pub off_at: Instant,
    /// Supply is back.
    pub on_at: Instant,
    /// IANA zone.
    pub zone: String,
    /// When it was announced.
    pub announced_at: Option<Instant>,
}

/// What is announced and not over, the first first, with a later start where one was told; called off ones until their window is past.
///
/// # Errors
/// [`Error::Common`].
pub async fn announced(pool: &PgPool, now: Instant) -> Result<Vec<Announced>, Error> {
    sqlx::query_as!(
        Announced,
        r#"select number, plan_no, case class when 'CUSTOMER_REQUEST' then 'PLANNED' else class end as "class!", state, area_zh, area_en, line, reason_zh, reason_en, on_at, zone, announced_at,
             coalesce((life -> 'late_start' ->> 'off_at')::timestamptz, off_at) as "off_at!"
         from planner.outage
         where announced_at is not null and state <> 'archived' and (state not in ('cancelled', 'aborted') or on_at > $1)
         order by off_at, id limit 500"#,
        now
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list announcements"))
}

/// A plan that ended by a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub plan_no: i32,
    /// Supply was to end.
    pub off_at: Instant,
    /// Supply was to be back.
    pub on_at: Instant,
    /// Why it was moved.
    pub reason: String,
    /// When.
    pub ended_at: Instant,
    /// Whether people had been told.
    pub noticed: bool,
}

/// Plans of an outage that ended by a move.
///
/// # Errors
/// [`Error::Common`].
pub async fn ended_plans(conn: &mut PgConnection, id: OutageId) -> Result<Vec<Ended>, Error> {
    sqlx::query_as!(
        Ended,
        "select plan_no, off_at, on_at, reason, ended_at, noticed from planner.ended_plan where outage_id = $1 order by plan_no",
        id.uuid()
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read ended plans"))
}
