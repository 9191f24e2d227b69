//! The ledger as a book: who was affected by what, and the sums of a year.

use sqlx::PgPool;
use uuid::Uuid;

use crate::{domain::record::Instant, error::Error};

/// A reason to be off, as far as a reader of the book needs it.
#[derive(Debug)]
pub(crate) struct Reason {
    pub(crate) class: String,
    pub(crate) org_path: String,
    pub(crate) customers_off: i32,
    pub(crate) customers_restored: i32,
}

/// The reason with this id.
pub(crate) async fn reason(pool: &PgPool, id: Uuid) -> Result<Option<Reason>, Error> {
    sqlx::query_as!(
        Reason,
        "select class, org_path, customers_off, customers_restored from insight.incident_view
         where incident_id = $1 and version > 0",
        id
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("read a reason"))
}

/// What one reason did to one customer.
#[derive(Debug)]
pub(crate) struct Affected {
    pub(crate) customer_id: Uuid,
    pub(crate) off_at: Instant,
    pub(crate) on_at: Option<Instant>,
    pub(crate) reporter: bool,
    pub(crate) shared: bool,
}

/// Everybody a reason affected, by customer, above `after`.
pub(crate) async fn affected(
    pool: &PgPool,
    reason: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Affected>, Error> {
    sqlx::query_as!(
        Affected,
        r#"select a.customer_id as "customer_id!", min(a.off_at) as "off_at!",
             case when not bool_or(a.on_at is null) then max(a.on_at) end as on_at,
             bool_or(a.reporter) as "reporter!", bool_or(a.shared) as "shared!"
         from (
             (select o.customer_id, o.off_at, null::timestamptz as on_at, o.reported_at is not null as reporter,
                  exists (select 1 from insight.interruption_waiting w where w.customer_id = o.customer_id) as shared
              from insight.interruption_open o where o.incident_id = $1 and o.customer_id > $2
              order by o.customer_id limit $3)
             union all
             (select w.customer_id, w.off_at, w.on_at, w.reported_at is not null, true
              from insight.interruption_waiting w where w.incident_id = $1 and w.customer_id > $2
              order by w.customer_id limit $3)
             union all
             (select i.customer_id, min(i.off_at), max(i.on_at), bool_or(i.reported), bool_or(i.continued)
              from insight.interruption i where i.incident_id = $1 and i.customer_id > $2
              group by i.customer_id order by i.customer_id limit $3)
         ) a group by a.customer_id order by a.customer_id limit $3"#,
        reason,
        after.unwrap_or_default(),
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("read whom a reason affected"))
}

/// A customer's outages of one class.
#[derive(Debug)]
pub(crate) struct Total {
    pub(crate) customer_id: Uuid,
    pub(crate) class: String,
    pub(crate) count: i64,
    pub(crate) seconds: i64,
    pub(crate) voltage_v: i32,
}

/// Outages that began in `[since, until)`, by customer and class; open ones count up to `now`.
pub(crate) async fn totals(
    pool: &PgPool,
    customers: &[Uuid],
    org: &[String],
    (since, until): (Instant, Instant),
    now: Instant,
) -> Result<Vec<Total>, Error> {
    sqlx::query_as!(
        Total,
        r#"select t.customer_id as "customer_id!", t.class as "class!", count(distinct t.incident_id) as "count!",
             coalesce(sum(extract(epoch from t.on_at - t.off_at)), 0)::bigint as "seconds!",
             coalesce(max(c.voltage_v), 0) as "voltage_v!"
         from (
             select customer_id, class, incident_id, off_at, on_at from insight.interruption
             where customer_id = any($1) and off_at >= $3 and off_at < $4 and not (continued and on_at = off_at)
             union all
             select customer_id, class, incident_id, off_at, greatest(off_at, $5) from insight.interruption_open
             where customer_id = any($1) and off_at >= $3 and off_at < $4
         ) t join insight.incident_view v on v.incident_id = t.incident_id
         left join insight.customer_voltage c on c.customer_id = t.customer_id
         where v.org_path like any($2)
         group by t.customer_id, t.class order by t.customer_id, t.class"#,
        customers,
        org,
        since,
        until,
        now
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("sum up a year"))
}
