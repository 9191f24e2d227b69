//! Reports: each acknowledged one is there once, as it was acknowledged, and in one incident.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Acknowledged, Check};

pub(super) async fn check(
    conn: &mut PgConnection,
    acknowledged: &Acknowledged,
) -> anyhow::Result<Vec<Check>> {
    Ok(vec![
        as_acknowledged(conn, acknowledged).await?,
        no_others(conn, acknowledged).await?,
        urges(conn, acknowledged).await?,
        one_incident(conn, acknowledged).await?,
        one_order(conn).await?,
    ])
}

/// What holds of reports whatever became of their incidents.
pub(super) async fn taken(
    conn: &mut PgConnection,
    acknowledged: &Acknowledged,
) -> anyhow::Result<Vec<Check>> {
    Ok(vec![
        as_acknowledged(conn, acknowledged).await?,
        no_others(conn, acknowledged).await?,
        urges(conn, acknowledged).await?,
        placed(conn, acknowledged).await?,
    ])
}

/// The primary key allows one link; a report that stands alone is an incident of its own.
async fn placed(conn: &mut PgConnection, acknowledged: &Acknowledged) -> anyhow::Result<Check> {
    let broken = sqlx::query_scalar(
        "select a.id::text from unnest($1::uuid[]) as a (id)
         left join intake.report_link l on l.report_id = a.id left join intake.incident i on i.id = l.incident_id
         where i.id is null",
    )
    .bind(ids(acknowledged))
    .fetch_all(conn)
    .await?;
    Ok(Check::new(
        "an acknowledged report is in one incident, open or ended",
        acknowledged.reports.len(),
        broken,
    ))
}

fn ids(acknowledged: &Acknowledged) -> Vec<Uuid> {
    acknowledged
        .reports
        .iter()
        .map(|report| report.report_id)
        .collect()
}

async fn as_acknowledged(conn: &mut PgConnection, acknowledged: &Acknowledged) -> anyhow::Result<Check> {
    let numbers: Vec<_> = acknowledged.reports.iter().map(|r| r.number.clone()).collect();
    let times: Vec<DateTime<Utc>> = acknowledged.reports.iter().map(|r| r.accepted_at).collect();
    let broken = sqlx::query_scalar(
        "select a.number from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as a (id, number, at)
         left join intake.report r on r.id = a.id
         where r.id is null or r.number <> a.number or r.accepted_at <> a.at",
    )
    .bind(ids(acknowledged))
    .bind(numbers)
    .bind(times)
    .fetch_all(conn)
    .await?;
    Ok(Check::new(
        "an acknowledged report exists with its first number and acceptance time",
        acknowledged.reports.len(),
        broken,
    ))
}

/// Two commands answered with the same report, or a report without an answer: something was done twice.
async fn no_others(conn: &mut PgConnection, acknowledged: &Acknowledged) -> anyhow::Result<Check> {
    let mut broken: Vec<String> = sqlx::query_scalar("select number from intake.report where id <> all ($1)")
        .bind(ids(acknowledged))
        .fetch_all(&mut *conn)
        .await?;
    let mut seen = std::collections::HashSet::new();
    let twice = acknowledged.reports.iter().filter(|r| !seen.insert(r.report_id));
    broken.extend(twice.map(|r| r.number.clone()));
    let stored: i64 = sqlx::query_scalar("select count(*) from intake.report")
        .fetch_one(conn)
        .await?;
    Ok(Check::new(
        "a stored report was acknowledged, to one command",
        usize::try_from(stored)?,
        broken,
    ))
}

async fn urges(conn: &mut PgConnection, acknowledged: &Acknowledged) -> anyhow::Result<Check> {
    let reports: Vec<Uuid> = acknowledged.urges.iter().map(|urge| urge.report_id).collect();
    let broken = sqlx::query_scalar(
        "with said as (select id, count(*) as n from unnest($1::uuid[]) as a (id) group by id),
              kept as (select report_id as id, count(*) as n from intake.urge group by report_id)
         select coalesce(said.id, kept.id)::text || ': ' || coalesce(said.n, 0) || ' told, ' || coalesce(kept.n, 0) || ' kept'
         from said full join kept on kept.id = said.id where said.n is distinct from kept.n",
    )
    .bind(reports)
    .fetch_all(conn)
    .await?;
    Ok(Check::new(
        "an acknowledged urge is counted once",
        acknowledged.urges.len(),
        broken,
    ))
}

/// The primary key allows one link; what is merged is followed to where it went.
async fn one_incident(conn: &mut PgConnection, acknowledged: &Acknowledged) -> anyhow::Result<Check> {
    let broken = sqlx::query_scalar(
        "with recursive way (report, incident, state, next, steps) as (
             select a.id, i.id, i.state, i.merged_into, 0 from unnest($1::uuid[]) as a (id)
             left join intake.report_link l on l.report_id = a.id left join intake.incident i on i.id = l.incident_id
             union all
             select way.report, i.id, i.state, i.merged_into, steps + 1
             from way join intake.incident i on i.id = way.next where steps < 100
         )
         select report::text from way group by report having count(*) filter (where state = 'open') <> 1",
    )
    .bind(ids(acknowledged))
    .fetch_all(conn)
    .await?;
    Ok(Check::new(
        "an acknowledged report leads to one open incident",
        acknowledged.reports.len(),
        broken,
    ))
}

async fn one_order(conn: &mut PgConnection) -> anyhow::Result<Check> {
    let open: i64 = sqlx::query_scalar("select count(*) from intake.incident where state = 'open'")
        .fetch_one(&mut *conn)
        .await?;
    let broken = sqlx::query_scalar(
        "select i.number from intake.incident i left join dispatch.work_order o on o.incident_id = i.id
         where i.state = 'open' group by i.number having count(o.id) <> 1",
    )
    .fetch_all(conn)
    .await?;
    Ok(Check::new(
        "an open incident has one work order",
        usize::try_from(open)?,
        broken,
    ))
}
