//! Reports that are entered when what they tell of is over: a line on paper of before the restoration.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    domain::{IncidentId, ReportId, group::Call},
    error::Error,
};

/// The closed incident each of these belongs to, where it was entered after it was made: the one the ledger named, or one
/// that had begun (`window` before at the earliest) and whose restoration reached this load afterwards. Danger is always new.
///
/// # Errors
/// [`Error::Common`].
pub async fn incidents_of(
    conn: &mut PgConnection,
    calls: &[Call],
    window: TimeDelta,
) -> Result<BTreeMap<ReportId, IncidentId>, Error> {
    let calm = calls.iter().filter(|call| !call.danger);
    let asked: Vec<Uuid> = calm.map(|call| call.report.uuid()).collect();
    if asked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        "select r.id, o.id as \"incident!\" from intake.report r
         cross join lateral (
             select i.id from intake.incident i where i.id = r.hint_incident_id and i.state = 'closed'
             union all
             (select i.id from intake.evidence e join intake.incident i on i.id = e.incident_id
              where e.kind in ('restored', 'fed_again') and e.load_id = r.load_id and e.at >= r.accepted_at and i.state = 'closed'
                  and i.off_at - $2::interval <= r.accepted_at
              order by e.at, e.id)
             limit 1) o
         where r.id = any($1) and r.accepted_at < r.received_at",
        &asked,
        window as _
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for what is over"))?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| (ReportId::from_uuid(row.id), IncidentId::from_uuid(row.incident)))
        .collect())
}

/// Counts these on their incidents, which stay closed and are not told again.
///
/// # Errors
/// [`Error::Common`].
pub async fn count(conn: &mut PgConnection, linked: &[(ReportId, IncidentId, bool)]) -> Result<(), Error> {
    if linked.is_empty() {
        return Ok(());
    }
    let incidents: Vec<Uuid> = linked.iter().map(|(_, incident, _)| incident.uuid()).collect();
    sqlx::query!(
        "update intake.incident i set report_count = i.report_count + n.reports
         from (select id, count(*)::int as reports from unnest($1::uuid[]) as u (id) group by id) n
         where i.id = n.id and i.state = 'closed'",
        &incidents
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("count reports of what is over"))
}
