//! Calls to people who depend on life-support.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{domain::ReportId, error::Error};

/// One call that is wanted, or was made.
#[derive(Debug, Clone)]
pub struct Call {
    /// The report it is about; none of somebody who did not report.
    pub report: Option<Uuid>,
    /// Spoken number of the report, or else of the incident.
    pub number: String,
    /// Whom to call.
    pub customer: Option<Uuid>,
    /// The incident, once there is one.
    pub incident: Option<Uuid>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Their own supply ends then.
    pub backup_until: Option<DateTime<Utc>>,
    /// Who called last.
    pub called_by: Option<String>,
    /// When.
    pub called_at: Option<DateTime<Utc>>,
}

/// The calls of reports whose fault is not over, and of people who did not report and lie in an open incident, at org paths
/// like these: not called yet first, then by when the own supply ends.
///
/// # Errors
/// [`Error::Common`].
pub async fn open(conn: &mut PgConnection, org_patterns: &[String], limit: i64) -> Result<Vec<Call>, Error> {
    sqlx::query_as!(
        Call,
        "with own as (
             select c.report_id, r.number, r.customer_id, l.incident_id, c.since, c.backup_until, c.called_by,
                 c.called_at
             from intake.call_wanted c join intake.report r on r.id = c.report_id
             left join intake.report_link l on l.report_id = r.id
             left join intake.incident i on i.id = l.incident_id
             where r.org_path like any($1) and (i.id is null or i.state = 'open')
                 and (r.state <> 'closed' or r.close_reason = 'known_outage'))
         select report_id as report, number as \"number!\", customer_id as customer, incident_id as incident,
             since as \"since!\", backup_until, called_by, called_at
         from (
             select * from own
             union all
             select null::uuid, i.number, s.customer_id, i.id, s.since, s.backup_until, s.called_by, s.called_at
             from intake.set_call s join intake.incident i on i.id = s.incident_id and i.state = 'open'
             where s.org_path like any($1) and not exists (
                 select 1 from own where own.incident_id = i.id and own.customer_id = s.customer_id)
         ) as calls
         order by called_at is not null, backup_until, since limit $2",
        org_patterns,
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("list wanted calls"))
}

/// Notes a call: by whom, and until when the own supply lasts; none: nobody answered. None when no call is wanted.
///
/// # Errors
/// [`Error::Common`].
pub async fn done(
    conn: &mut PgConnection,
    report: ReportId,
    by: Option<(&str, DateTime<Utc>)>,
    now: DateTime<Utc>,
) -> Result<Option<Call>, Error> {
    sqlx::query_as!(
        Call,
        "update intake.call_wanted c set backup_until = coalesce($3, c.backup_until),
             called_by = coalesce($2, c.called_by),
             called_at = case when $2::text is null then c.called_at else $4::timestamptz end
         from intake.report r left join intake.report_link l on l.report_id = r.id
         where c.report_id = $1 and r.id = c.report_id
         returning c.report_id as \"report?\", r.number, r.customer_id as customer, l.incident_id as \"incident?\", c.since,
             c.backup_until, c.called_by, c.called_at",
        report.uuid(),
        by.map(|(who, _)| who),
        by.map(|(_, until)| until),
        now
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("note a call"))
}
