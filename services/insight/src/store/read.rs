//! Answers of the ledger: rows for the wire, filtered by the org paths the caller may see.

use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    domain::record::{IncidentId, Instant, StepId},
    error::Error,
};

/// One interruption with what is known of its incident.
#[derive(Debug)]
pub(crate) struct Interruption {
    pub(crate) id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) incident_id: Uuid,
    pub(crate) class: String,
    pub(crate) off_at: Instant,
    pub(crate) on_at: Option<Instant>,
    pub(crate) reporter: bool,
    pub(crate) confirmed: bool,
    pub(crate) cause_code: String,
    pub(crate) etr_at: Option<Instant>,
    pub(crate) order_state: String,
    /// Classes of the other reasons that keep the customer off; of open records only.
    pub(crate) also: Vec<String>,
}

/// Open records of these customers, at incidents under `org` (`LIKE` patterns).
pub(crate) async fn why_off(
    pool: &PgPool,
    customers: &[Uuid],
    org: &[String],
) -> Result<Vec<Interruption>, Error> {
    sqlx::query_as!(
        Interruption,
        r#"select o.id, o.customer_id, o.incident_id, o.class, o.off_at, null::timestamptz as on_at,
             o.reported_at is not null as "reporter!", v.confirmed, v.cause_code, v.etr_at, v.order_state,
             array(select distinct w.class from insight.interruption_waiting w
                   where w.customer_id = o.customer_id and w.on_at is null order by 1) as "also!"
         from insight.interruption_open o join insight.incident_view v using (incident_id)
         where o.customer_id = any($1) and v.org_path like any($2) order by o.customer_id"#,
        customers,
        org
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("look up who is off"))
}

/// Open and closed records of one customer, newest first, after (`off_at`, `id`) when given. Marks of zero length that
/// only say "restored while another incident still kept the customer off" are not interruptions and are left out.
pub(crate) async fn history(
    pool: &PgPool,
    customer: Uuid,
    org: &[String],
    after: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<Interruption>, Error> {
    let (off_at, id) = after.unzip();
    sqlx::query_as!(
        Interruption,
        r#"with of_customer as (
             select id, customer_id, incident_id, class, off_at, null::timestamptz as on_at, reported_at is not null as reporter
             from insight.interruption_open where customer_id = $1
             union all
             select id, customer_id, incident_id, class, off_at, on_at, reported
             from insight.interruption where customer_id = $1 and not (continued and on_at = off_at)
         )
         select r.id as "id!", r.customer_id as "customer_id!", r.incident_id as "incident_id!", r.class as "class!",
             r.off_at as "off_at!", r.on_at, r.reporter as "reporter!", v.confirmed, v.cause_code, v.etr_at, v.order_state,
             '{}'::text[] as "also!"
         from of_customer r join insight.incident_view v using (incident_id)
         where v.org_path like any($2) and ($3::timestamptz is null or (r.off_at, r.id) < ($3, $4))
         order by r.off_at desc, r.id desc limit $5"#,
        customer,
        org,
        off_at,
        id,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("read a customer's interruptions"))
}

/// Who is off because of `outage`, and of those, who has no fault that would go on without it.
pub(crate) async fn rest(pool: &PgPool, outage: IncidentId) -> Result<(i64, i64), Error> {
    let row = sqlx::query!(
        r#"select count(*) as "off!", count(*) filter (where not exists (
             select from insight.interruption_waiting w
             where w.customer_id = o.customer_id and w.class = 'FAULT' and w.on_at is null)) as "without_fault!"
         from insight.interruption_open o where o.incident_id = $1"#,
        outage.uuid()
    )
    .fetch_one(pool)
    .await
    .map_err(Error::db("count who is still off"))?;
    Ok((row.off, row.without_fault))
}

/// How many of these customers are above (count, seconds) of planned interruption that began in `[since, until)`, with one
/// more of `plus_s` seconds, `except` left out and those in `same` no more in number: (above the count, above the time).
pub(crate) async fn planned_above(
    pool: &PgPool,
    customers: &[Uuid],
    (since, until): (Instant, Instant),
    (plus_s, except, same): (i64, Option<Uuid>, &[Uuid]),
    (more_than, more_than_s): (i64, i64),
) -> Result<(i64, i64), Error> {
    let row = sqlx::query!(
        r#"select count(*) filter (where t.n + 1 > $4) as "count!", count(*) filter (where t.s + $5 > $6) as "hours!"
         from (
             select c.id, count(distinct i.incident_id) filter (where i.incident_id <> all($8)) as n,
                 coalesce(sum(extract(epoch from i.on_at - i.off_at)), 0)::bigint as s
             from unnest($1::uuid[]) as c (id)
             left join insight.interruption i on i.customer_id = c.id and i.class in ('PLANNED', 'TEMPORARY')
                 and i.off_at >= $2 and i.off_at < $3 and not (i.continued and i.on_at = i.off_at)
                 and i.incident_id is distinct from $7
             group by c.id
         ) t"#,
        customers,
        since,
        until,
        more_than,
        plus_s,
        more_than_s,
        except,
        same
    )
    .fetch_one(pool)
    .await
    .map_err(Error::db("count planned interruptions"))?;
    Ok((row.count, row.hours))
}

/// What is asked of an incident before its members are given out.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) version: i64,
    pub(crate) org_path: String,
    pub(crate) etr_at: Option<Instant>,
}

/// Version, place and estimate of an incident.
pub(crate) async fn head(pool: &PgPool, incident: IncidentId) -> Result<Option<Head>, Error> {
    sqlx::query_as!(
        Head,
        "select version, org_path, etr_at from insight.incident_view where incident_id = $1",
        incident.uuid()
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("read an incident"))
}

/// A customer in a page of members.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) customer_id: Uuid,
    pub(crate) reporter: bool,
}

/// Who is off because of an incident or of what was merged into it.
pub(crate) async fn members(
    pool: &PgPool,
    holder: IncidentId,
    family: &[Uuid],
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Member>, Error> {
    sqlx::query_as!(
        Member,
        r#"select customer_id, reported_at is not null as "reporter!" from insight.interruption_open
         where incident_id = $1 and origin_incident_id = any($2) and ($3::uuid is null or customer_id > $3)
         order by customer_id limit $4"#,
        holder.uuid(),
        family,
        after,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("read who is off"))
}

/// The incident of a step, its place and estimate.
pub(crate) async fn step_head(pool: &PgPool, step: StepId) -> Result<Option<Head>, Error> {
    sqlx::query_as!(
        Head,
        "select v.version, v.org_path, v.etr_at from insight.ledger_step s
         join insight.incident_view v using (incident_id) where s.id = $1",
        step.uuid()
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("read a step"))
}

/// Whom a step opened, or brought back: not those whom another incident kept off.
pub(crate) async fn step_members(
    pool: &PgPool,
    step: StepId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Member>, Error> {
    sqlx::query_as!(
        Member,
        r#"select customer_id as "customer_id!", bool_or(reporter) as "reporter!" from (
             select o.customer_id, o.reported_at is not null as reporter
             from insight.interruption_open o join insight.ledger_step s on s.id = $1 and s.kind = 'opened'
             where o.opened_step_id = $1
             union all
             select i.customer_id, i.reported
             from insight.interruption i join insight.ledger_step s on s.id = $1 and s.kind = 'opened'
             where i.opened_step_id = $1
             union all
             select i.customer_id, i.reported
             from insight.interruption i join insight.ledger_step s on s.id = $1 and s.kind = 'closed'
             where i.closed_step_id = $1 and not i.continued
         ) m where $2::uuid is null or customer_id > $2
         group by customer_id order by customer_id limit $3"#,
        step.uuid(),
        after,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("read whom a step concerned"))
}

/// An incident as the public may know it, before rounding.
#[derive(Debug)]
pub(crate) struct Outage {
    pub(crate) number: String,
    pub(crate) class: String,
    pub(crate) org_path: String,
    pub(crate) zone: String,
    pub(crate) confirmed: bool,
    pub(crate) off_at: Option<Instant>,
    pub(crate) lon: Option<f64>,
    pub(crate) lat: Option<f64>,
    pub(crate) order_state: String,
    pub(crate) cause_code: String,
    pub(crate) etr_at: Option<Instant>,
    pub(crate) customers_off: i32,
    pub(crate) customers_restored: i32,
    pub(crate) restored_at: Option<Instant>,
}

/// Incidents with somebody off, and those restored since `since`; the latest first, at most `limit`. What concerns one
/// household and its supplier is nobody else's business.
pub(crate) async fn outages(pool: &PgPool, since: Instant, limit: i64) -> Result<Vec<Outage>, Error> {
    sqlx::query_as!(
        Outage,
        "select number, class, org_path, zone, confirmed, off_at, lon, lat, order_state, cause_code, etr_at,
             customers_off, customers_restored, restored_at
         from insight.incident_view
         where version > 0 and state <> 'merged' and class not in ('ARREARS', 'CUSTOMER_REQUEST')
           and (customers_off > 0 or (restored_at >= $1 and customers_restored > 0))
         order by off_at desc, incident_id limit $2",
        since,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list outages"))
}

/// How many customers are off, of all incidents.
pub(crate) async fn customers_off(pool: &PgPool) -> Result<i64, Error> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(customers_off), 0)::bigint as "count!" from insight.incident_view
         where customers_off > 0 and class not in ('ARREARS', 'CUSTOMER_REQUEST')"#
    )
    .fetch_one(pool)
    .await
    .map_err(Error::db("count who is off"))
}
