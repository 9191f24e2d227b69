//! Reports that a person found to be no fault, and took back.

use chrono::{DateTime, Utc};
use relight_common::telemetry;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    domain::{
        ReportId,
        report::{
            Standing,
            closing::{Closing, Reason},
        },
    },
    error::Error,
};

/// The report's standing and whether it tells of danger, kept until commit.
///
/// # Errors
/// [`Error::Common`].
pub async fn lock(conn: &mut PgConnection, report: ReportId) -> Result<Option<(Standing, bool)>, Error> {
    let row = sqlx::query!(
        "select state, close_reason, danger from intake.report where id = $1 for update",
        report.uuid()
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("lock a report"))?;
    let Some(row) = row else { return Ok(None) };
    let standing = match (row.state.as_str(), row.close_reason) {
        ("open", _) => Standing::Open,
        ("helping", _) => Standing::Helping,
        ("closed", Some(reason)) => Standing::Closed(reason),
        _ => return Err(Error::Stored("state of a report")),
    };
    Ok(Some((standing, row.danger)))
}

/// Closes it: it leaves its incident and the queue, and what it said is weighed no more, from this number of changes by people on.
///
/// # Errors
/// [`Error::Common`].
pub async fn close(
    conn: &mut PgConnection,
    (id, report): (Uuid, ReportId),
    (closing, note): (Closing, &str),
    (by, now): (&str, DateTime<Utc>),
    stirred: i64,
) -> Result<(), Error> {
    let twin = match closing.reason {
        Reason::Duplicate(of) => Some(of.uuid()),
        Reason::False | Reason::CustomerInternal => None,
    };
    sqlx::query!(
        "with closed as (
             update intake.report set state = 'closed', close_reason = $3, closed_at = $8 where id = $2),
         gone as (delete from intake.report_link where report_id = $2),
         off as (delete from intake.report_waiting where report_id = $2),
         unsaid as (update intake.evidence set left_out = true, left_out_in = $9 where report_id = $2 and not left_out)
         insert into intake.report_closing (id, report_id, reason, note, duplicate_of, customer_told, closed_by, closed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        report.uuid(),
        closing.reason.word(),
        note,
        twin,
        closing.customer_told,
        by,
        now,
        stirred
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("close a report"))
}

/// Takes the closing back: the report waits for its incident again, and what it said counts from this number of changes by people on.
/// When it did not is kept.
///
/// # Errors
/// [`Error::Common`].
pub async fn reopen(
    conn: &mut PgConnection,
    report: ReportId,
    note: &str,
    (by, now): (&str, DateTime<Utc>),
    stirred: i64,
) -> Result<(), Error> {
    sqlx::query!(
        "with opened as (
             update intake.report set state = 'open', close_reason = null, closed_at = null where id = $1),
         queued as (
             insert into intake.report_waiting (report_id, traceparent) values ($1, $5) on conflict do nothing),
         kept as (
             insert into intake.evidence_out (evidence_id, from_stirred, until_stirred)
             select id, left_out_in, $6 from intake.evidence where report_id = $1 and left_out and left_out_in < $6),
         said as (update intake.evidence set left_out = false, left_out_in = null where report_id = $1)
         update intake.report_closing set reopened_by = $3, reopened_at = $4, reopen_note = $2
         where report_id = $1 and reopened_at is null",
        report.uuid(),
        note,
        by,
        now,
        telemetry::traceparent(),
        stirred
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("open a report again"))
}
