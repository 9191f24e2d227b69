//! At which voltage customers are supplied, and the sums of a year by it.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::CHUNK;
use crate::{
    domain::record::{CustomerId, Instant, SUSTAINED_ABOVE_S},
    error::Error,
};

/// Keeps what is known of these customers, volts. What is known already is not locked: readers would wait for each other.
pub(crate) async fn keep(conn: &mut PgConnection, known: &BTreeMap<CustomerId, i32>) -> Result<(), Error> {
    let known: Vec<_> = known.iter().collect();
    for chunk in known.chunks(CHUNK) {
        let customers: Vec<Uuid> = chunk.iter().map(|(customer, _)| customer.uuid()).collect();
        let volts: Vec<i32> = chunk.iter().map(|(_, volts)| **volts).collect();
        sqlx::query!(
            "insert into insight.customer_voltage as known (customer_id, voltage_v)
             select n.* from unnest($1::uuid[], $2::integer[]) as n (customer_id, voltage_v)
             where not exists (select from insight.customer_voltage c
                 where c.customer_id = n.customer_id and c.voltage_v = n.voltage_v)
             on conflict (customer_id) do update
                 set voltage_v = excluded.voltage_v where known.voltage_v <> excluded.voltage_v",
            &customers,
            &volts
        )
        .execute(&mut *conn)
        .await
        .map_err(Error::db("keep the voltage of customers"))?;
    }
    Ok(())
}

/// Interruptions of one voltage and class.
#[derive(Debug)]
pub(crate) struct Total {
    pub(crate) voltage_v: i32,
    pub(crate) class: String,
    pub(crate) customers: i64,
    pub(crate) interruptions: i64,
    pub(crate) momentary: i64,
    pub(crate) seconds: i64,
}

/// Interruptions under `org` that began in `[since, until)`; open ones count up to `now`.
pub(crate) async fn totals(
    pool: &PgPool,
    org: &[String],
    (since, until): (Instant, Instant),
    now: Instant,
) -> Result<Vec<Total>, Error> {
    sqlx::query_as!(
        Total,
        r#"select coalesce(c.voltage_v, 0) as "voltage_v!", t.class as "class!",
             count(distinct t.customer_id) filter (where t.seconds > $5) as "customers!",
             count(*) filter (where t.seconds > $5) as "interruptions!",
             count(*) filter (where t.seconds <= $5) as "momentary!",
             coalesce(sum(t.seconds) filter (where t.seconds > $5), 0)::bigint as "seconds!"
         from (
             select r.customer_id, r.class, r.incident_id, sum(extract(epoch from r.on_at - r.off_at))::float8 as seconds
             from (
                 select customer_id, class, incident_id, off_at, on_at from insight.interruption
                 where off_at >= $2 and off_at < $3 and not (continued and on_at = off_at)
                 union all
                 select customer_id, class, incident_id, off_at, greatest(off_at, $4) from insight.interruption_open
                 where off_at >= $2 and off_at < $3
             ) r join insight.incident_view v on v.incident_id = r.incident_id and v.org_path like any($1)
             group by r.customer_id, r.class, r.incident_id
         ) t left join insight.customer_voltage c on c.customer_id = t.customer_id
         group by 1, 2 order by 1, 2"#,
        org,
        since,
        until,
        now,
        SUSTAINED_ABOVE_S
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("sum up a year by voltage"))
}
