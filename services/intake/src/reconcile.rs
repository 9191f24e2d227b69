//! Checks over whole own tables what the worker should have done, and mends what it did not.

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Db, Work, reconcile::Reconciler};
use uuid::Uuid;

use crate::{
    check::LATE,
    domain::{IncidentId, incident::Event},
    error::Error,
    prune::{Retention, prune},
    store, worker,
};

/// A report is on the queue or linked this soon after it was stored.
const SETTLED: TimeDelta = TimeDelta::seconds(10);

/// A check of a restoration goes on this soon after it is due.
const LATE_BY: TimeDelta = TimeDelta::minutes(5);

/// Mends intake's own tables.
#[derive(Debug, Clone, Copy)]
pub struct Mender {
    /// Self-help without a result for this long is dispatched.
    pub self_help: TimeDelta,
    /// What is older is deleted when nothing needs it.
    pub retention: Retention,
}

impl Reconciler for Mender {
    async fn pass(&self, db: &Db, now: DateTime<Utc>) -> Result<u64, relight_common::Error> {
        oldest_waiting(db, now).await?;
        let lost = requeue_lost(db, now).await?;
        let strays = follow_merges(db).await?;
        let counted = mend_incidents(db, now).await.map_err(common)?;
        let unsolved = dispatch_unsolved(db, now - self.self_help).await?;
        let woken = store::check::wake_late(db, LATE, now - LATE_BY).await?;
        let pruned = prune(db, &self.retention, now).await?;
        let forgotten = store::changed::forget(db.pool(), now - TimeDelta::days(1)).await?;
        metrics::counter!("relight_intake_pruned_total").increment(pruned + forgotten);
        Ok(lost + strays + counted + unsolved + woken)
    }
}

fn common(error: Error) -> relight_common::Error {
    match error {
        Error::Common(error) => error,
        other => relight_common::Error::Db(
            "mend incidents",
            sqlx::Error::Decode(Box::new(std::io::Error::other(other.to_string()))),
        ),
    }
}

/// How long the oldest report has been waiting for its incident: the alarm of this service.
async fn oldest_waiting(db: &Db, now: DateTime<Utc>) -> Result<(), relight_common::Error> {
    let oldest = sqlx::query_scalar!(
        "select min(r.received_at) from intake.report_waiting w join intake.report r on r.id = w.report_id"
    )
    .fetch_one(db.pool())
    .await
    .map_err(relight_common::Error::db("look for waiting reports"))?;
    let wait_s = oldest.map_or(0.0, |at| (now - at).as_seconds_f64());
    metrics::gauge!("relight_intake_oldest_waiting_seconds").set(wait_s);
    Ok(())
}

/// Open reports that are neither linked nor waiting go back on the queue.
async fn requeue_lost(db: &Db, now: DateTime<Utc>) -> Result<u64, relight_common::Error> {
    sqlx::query!(
        "insert into intake.report_waiting (report_id)
         select r.id from intake.report r
         where r.received_at < $1 and r.state = 'open'
           and not exists (select 1 from intake.report_link l where l.report_id = r.id)
           and not exists (select 1 from intake.report_waiting w where w.report_id = r.id)
         on conflict do nothing",
        now - SETTLED
    )
    .execute(db.pool())
    .await
    .map(|done| done.rows_affected())
    .map_err(relight_common::Error::db("put lost reports back"))
}

/// Self-help that nobody told the result of goes to the queue like a fault.
async fn dispatch_unsolved(db: &Db, before: DateTime<Utc>) -> Result<u64, relight_common::Error> {
    sqlx::query!(
        "with unsolved as (
             update intake.report set state = 'open' where state = 'helping' and received_at < $1 returning id)
         insert into intake.report_waiting (report_id) select id from unsolved on conflict do nothing",
        before
    )
    .execute(db.pool())
    .await
    .map(|done| done.rows_affected())
    .map_err(relight_common::Error::db("dispatch what self-help did not solve"))
}

/// Reports still linked to a merged incident follow it.
async fn follow_merges(db: &Db) -> Result<u64, relight_common::Error> {
    sqlx::query!(
        "update intake.report_link l set incident_id = i.merged_into from intake.incident i
         where i.id = l.incident_id and i.state = 'merged' and i.merged_into is not null"
    )
    .execute(db.pool())
    .await
    .map(|done| done.rows_affected())
    .map_err(relight_common::Error::db("follow merged incidents"))
}

/// Open incidents whose facts are not those of their reports; one without any report is closed.
async fn mend_incidents(db: &Db, now: DateTime<Utc>) -> Result<u64, Error> {
    let wrong = sqlx::query!(
        "select i.id, count(r.id) as \"reports!\", min(r.accepted_at) as accepted_at
         from intake.incident i
         left join intake.report_link l on l.incident_id = i.id
         left join intake.report r on r.id = l.report_id
         where i.state = 'open'
         group by i.id
         having count(r.id) <> i.report_count
             or least(min(r.accepted_at), i.signal_at) is distinct from i.accepted_at"
    )
    .fetch_all(db.pool())
    .await
    .map_err(Error::db("compare incidents with their reports"))?;
    let mut mended = 0;
    for row in wrong {
        mended += u64::from(mend(db, row.id, now).await?);
    }
    Ok(mended)
}

/// Looks again under a lock, since the worker may be in between.
async fn mend(db: &Db, id: Uuid, now: DateTime<Utc>) -> Result<bool, Error> {
    let mut work = Work::internal(db, "reconcile", now).await?;
    let Some(mut incident) = store::incident::lock(work.conn(), IncidentId::from_uuid(id)).await? else {
        return Ok(false);
    };
    let facts = sqlx::query!(
        "select count(*) as \"reports!\", least(min(r.accepted_at), $2::timestamptz) as accepted_at
         from intake.report_link l join intake.report r on r.id = l.report_id where l.incident_id = $1",
        id,
        incident.signal_at
    )
    .fetch_one(work.conn())
    .await
    .map_err(Error::db("count the reports of an incident"))?;
    let Some(accepted_at) = facts.accepted_at else {
        worker::apply(&mut work, incident.id, Event::Close("no_report")).await?;
        work.done().await?;
        return Ok(true);
    };
    let reports = u32::try_from(facts.reports).unwrap_or(u32::MAX);
    if (incident.report_count, incident.accepted_at) == (reports, accepted_at) {
        return Ok(false);
    }
    incident.report_count = reports;
    incident.accepted_at = accepted_at;
    incident.off_at = incident.off_at.min(accepted_at);
    let incident = store::incident::save(work.conn(), incident).await?;
    worker::tell(&mut work, &[incident]).await?;
    work.done().await?;
    Ok(true)
}
