//! Off without a basis (operations.md O17): watched for a moment, then raised. Nobody is put off by it: that is for the reason
//! which is found.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Work, timer};
use relight_proto::events::v1::LedgerException;
use serde_json::json;
use uuid::Uuid;

use crate::{
    domain::record::{CustomerId, Instant},
    error::Error,
    store::exception::{self, Row},
};

/// A reason may be on its way this long: the limit is five minutes.
pub const WATCHED_FOR: TimeDelta = TimeDelta::minutes(3);
/// Kind of the timer that raises.
const TIMER: &str = "exception";

/// Something that went off for no known reason.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    pub(crate) id: Uuid,
    /// switching, signal, relay
    pub(crate) kind: &'static str,
    pub(crate) device_id: String,
    pub(crate) org_path: String,
    pub(crate) off_at: Instant,
    pub(crate) members: BTreeSet<CustomerId>,
    /// The meter, where nobody knows a customer of it; else empty.
    pub(crate) place: String,
}

/// Begins to watch; once per id.
pub(crate) async fn watch(work: &mut Work, watched: &Watched) -> Result<(), Error> {
    let now = work.at();
    if exception::insert(work.conn(), watched, now).await? {
        work.set_timer(TIMER, watched.id, now + WATCHED_FOR, 0).await?;
    }
    Ok(())
}

/// These have supply again: nothing about them is left to explain, unless it was raised already.
pub(crate) async fn supplied(work: &mut Work, customers: &BTreeSet<CustomerId>) -> Result<(), Error> {
    let customers: Vec<Uuid> = customers.iter().map(|customer| customer.uuid()).collect();
    exception::forget(work.conn(), &customers).await
}

/// Raises one that is still watched, or finds it explained.
pub(crate) async fn decide(work: &mut Work, id: Uuid) -> Result<(), Error> {
    let Some(row) = exception::lock(work.conn(), id)
        .await?
        .filter(|row| row.state == "watched")
    else {
        return Ok(());
    };
    let left = exception::drop_explained(work.conn(), id).await?;
    // Where no customer is known no record can explain it.
    if left == 0 && row.place.is_empty() {
        return exception::explain(work.conn(), id).await;
    }
    let at = work.at();
    let raised = exception::raise(work.conn(), id, left, at).await?;
    work.audit(
        "exception.raised",
        id,
        json!({ "kind": row.kind, "device_id": row.device_id, "place": row.place, "customers": left }),
    );
    tell(work, &raised);
    Ok(())
}

/// A person says what it was.
pub(crate) async fn settle(work: &mut Work, row: &Row, by: &str, note: &str) -> Result<Row, Error> {
    let at = work.at();
    let settled = exception::settle(work.conn(), row.id, by, note, at).await?;
    work.audit("exception.settled", row.id, json!({ "note": note }));
    tell(work, &settled);
    Ok(settled)
}

fn tell(work: &mut Work, row: &Row) {
    let payload = LedgerException {
        exception_id: row.id.to_string(),
        kind: row.kind.clone(),
        device_id: row.device_id.clone(),
        off_at: Some(relight_common::wire::timestamp(row.off_at)),
        customers: row.customers.unsigned_abs(),
        state: row.state.clone(),
        place: row.place.clone(),
    };
    work.tell("ledger.exception", row.id, row.version, &row.org_path, &payload);
}

/// Fires the timers of the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Timers;

impl timer::Handler for Timers {
    type Error = Error;

    async fn fire(&self, work: &mut Work, timer: &timer::Timer) -> Result<(), Error> {
        match timer.kind.as_str() {
            TIMER => decide(work, timer.subject).await,
            _ => Ok(()),
        }
    }
}

/// Those whose timer should have fired before `now`.
pub(crate) async fn overdue(pool: &sqlx::PgPool, now: DateTime<Utc>) -> Result<Vec<Uuid>, Error> {
    exception::watched_since(pool, now - WATCHED_FOR - TimeDelta::seconds(30)).await
}
