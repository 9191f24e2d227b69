//! The ledger: every reporter is off, once, because of an open incident, and nobody else is.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Acknowledged, Check};

pub(super) async fn check(
    conn: &mut PgConnection,
    acknowledged: &Acknowledged,
) -> anyhow::Result<Vec<Check>> {
    let reports: Vec<Uuid> = acknowledged.reports.iter().map(|r| r.report_id).collect();
    let customers: Vec<Uuid> = sqlx::query_scalar(
        "select distinct customer_id from intake.report where id = any ($1) and customer_id is not null",
    )
    .bind(reports)
    .fetch_all(&mut *conn)
    .await?;
    Ok(vec![
        reporters_are_off(conn, &customers).await?,
        nobody_else_is(conn, &customers).await?,
    ])
}

async fn reporters_are_off(conn: &mut PgConnection, customers: &[Uuid]) -> anyhow::Result<Check> {
    let broken = sqlx::query_scalar(
        "select c.id::text from unnest($1::uuid[]) as c (id) left join insight.interruption_open o on o.customer_id = c.id
         left join intake.incident i on i.id = o.incident_id and i.state = 'open'
         group by c.id having count(i.id) <> 1",
    )
    .bind(customers)
    .fetch_all(conn)
    .await?;
    Ok(Check::new(
        "a reporter has one open record, of an open incident",
        customers.len(),
        broken,
    ))
}

async fn nobody_else_is(conn: &mut PgConnection, customers: &[Uuid]) -> anyhow::Result<Check> {
    let open: i64 = sqlx::query_scalar("select count(*) from insight.interruption_open")
        .fetch_one(&mut *conn)
        .await?;
    let broken = sqlx::query_scalar(
        "select customer_id::text from insight.interruption_open where customer_id <> all ($1)",
    )
    .bind(customers)
    .fetch_all(conn)
    .await?;
    Ok(Check::new(
        "an open record is a reporter's",
        usize::try_from(open)?,
        broken,
    ))
}
