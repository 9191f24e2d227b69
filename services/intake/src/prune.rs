//! Old evidence goes when nothing asks for it any more: no open incident was begun near it, and no decision that is kept would be
//! replayed from it.

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Db, Error};

/// Rows deleted by one pass: the next one goes on.
const BATCH: i64 = 5_000;

/// How long things are kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Decisions, and the evidence they were made from.
    pub decisions: TimeDelta,
    /// A replay begins this long before its incident.
    pub before: TimeDelta,
}

/// Deletes decisions about closed incidents that are old enough, then the evidence nothing needs. Gives the number of rows.
///
/// # Errors
/// The database.
pub async fn prune(db: &Db, retention: &Retention, now: DateTime<Utc>) -> Result<u64, Error> {
    let old = now - retention.decisions;
    let decisions = decisions(db, old).await?;
    let needed_from = needed_from(db, old, retention.before).await?;
    Ok(decisions + evidence(db, needed_from).await?)
}

/// All decisions about an incident go together, when the last of them is old and it is not open.
async fn decisions(db: &Db, old: DateTime<Utc>) -> Result<u64, Error> {
    sqlx::query!(
        "delete from intake.decision where id in (
             select d.id from intake.decision d
             join intake.incident i on i.id = d.incident_id and i.state <> 'open'
             where d.at < $1 and not exists (
                 select 1 from intake.decision later where later.incident_id = d.incident_id and later.at >= $1)
             limit $2)",
        old,
        BATCH
    )
    .execute(db.pool())
    .await
    .map(|done| done.rows_affected())
    .map_err(Error::db("delete old decisions"))
}

/// Since when evidence is needed: the beginning of the earliest incident that is open or has decisions left, less what a replay
/// looks back; and what a decision that is left was made from.
async fn needed_from(db: &Db, old: DateTime<Utc>, before: TimeDelta) -> Result<DateTime<Utc>, Error> {
    let earliest = sqlx::query_scalar!(
        "select min(i.off_at) from intake.incident i
         where i.state = 'open' or exists (select 1 from intake.decision d where d.incident_id = i.id)"
    )
    .fetch_one(db.pool())
    .await
    .map_err(Error::db("look for the earliest incident that may be replayed"))?;
    let made_from = sqlx::query_scalar!("select min(evidence_since) from intake.decision")
        .fetch_one(db.pool())
        .await
        .map_err(Error::db("look for the oldest evidence of a decision"))?;
    let needed = earliest.map_or(old, |earliest| (earliest - before).min(old));
    Ok(made_from.map_or(needed, |made_from| made_from.min(needed)))
}

async fn evidence(db: &Db, needed_from: DateTime<Utc>) -> Result<u64, Error> {
    sqlx::query!(
        "delete from intake.evidence where id in (
             select id from intake.evidence where at < $1 and weighed order by at limit $2)",
        needed_from,
        BATCH
    )
    .execute(db.pool())
    .await
    .map(|done| done.rows_affected())
    .map_err(Error::db("delete old evidence"))
}
