//! Who tells the reporter.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{domain::ReportId, error::Error};

/// One hand-over.
#[derive(Debug, Clone)]
pub struct HandOver<'a> {
    /// Derived from the command: a repeat is the same.
    pub id: Uuid,
    /// Of which report.
    pub report: ReportId,
    /// Who had it, and who has it now.
    pub owners: (&'a str, &'a str),
    /// Who did it, and why.
    pub by: (&'a str, &'a str),
    /// When.
    pub at: DateTime<Utc>,
}

/// Hands a report over, and keeps that.
///
/// # Errors
/// [`Error::Common`].
pub async fn hand_over(conn: &mut PgConnection, one: &HandOver<'_>) -> Result<(), Error> {
    sqlx::query!(
        "with handed as (update intake.report set owner = $5 where id = $2)
         insert into intake.report_handover (id, report_id, at, from_owner, to_owner, handed_by, reason)
         values ($1, $2, $3, $4, $5, $6, $7)",
        one.id,
        one.report.uuid(),
        one.at,
        one.owners.0,
        one.owners.1,
        one.by.0,
        one.by.1
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("hand a report over"))
}
