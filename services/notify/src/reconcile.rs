//! Checks over own tables: what was not sent in its time, second rounds that are due, receipts that wait for their attempt, codes to be forgotten.

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Coded, Db, reconcile::Reconciler};

use crate::{
    config::SMS_PROVIDER,
    desk,
    error::Error,
    rounds,
    store::{message, receipt},
};

/// How long a receipt waits for the answer to its submit (delivery.md 2.5).
const RECEIPT_KEPT: TimeDelta = TimeDelta::hours(24);

/// Keeps the tables of notify.
#[derive(Debug, Clone, Copy)]
pub struct Keeper;

impl Reconciler for Keeper {
    async fn pass(&self, db: &Db, now: DateTime<Utc>) -> Result<u64, relight_common::Error> {
        match self.keep(db, now).await {
            Ok(ended) => Ok(ended),
            Err(Error::Common(error)) => Err(error),
            Err(other) => {
                tracing::error!(error = %other, code = ?other.code(), "notify's tables are not in order");
                Ok(0)
            }
        }
    }
}

impl Keeper {
    async fn keep(&self, db: &Db, now: DateTime<Utc>) -> Result<u64, Error> {
        let ended = message::expire(db.pool(), now).await? + rounds::second(db, now).await?;
        desk::match_parked(db, SMS_PROVIDER, now).await?;
        let lost = receipt::forget(db.pool(), now - RECEIPT_KEPT).await?;
        metrics::counter!("relight_receipts_unmatched_total").increment(lost);
        Ok(ended)
    }
}
