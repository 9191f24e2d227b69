//! What the ledger checks over its own tables: partitions of the coming months, closed incidents that still have somebody
//! off, and exceptions nobody raised.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Db, Error as Common, Work, ids::derived, reconcile::Reconciler};

use crate::{error::Error, exceptions, ledger, store::view};

/// How long the order's last step may be on its way after its incident was closed, minutes.
const GRACE_MIN: i64 = 30;

/// Mends the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Upkeep;

impl Reconciler for Upkeep {
    async fn pass(&self, db: &Db, now: DateTime<Utc>) -> Result<u64, Common> {
        sqlx::query_scalar!("select insight.interruption_keep(3)")
            .fetch_one(db.pool())
            .await
            .map_err(Common::db("make the partitions of the coming months"))?;
        let finished = finish_forgotten(db, now).await.map_err(common)?;
        Ok(finished + raise_forgotten(db, now).await.map_err(common)?)
    }
}

fn common(error: Error) -> Common {
    match error {
        Error::Common(common) => common,
        // Nothing else can come of mending: it asks nobody and opens nothing new.
        other => Common::Invalid(relight_common::Invalid::new("ledger", other.to_string())),
    }
}

/// Exceptions whose timer was lost.
async fn raise_forgotten(db: &Db, now: DateTime<Utc>) -> Result<u64, Error> {
    let mut mended = 0;
    for id in exceptions::overdue(db.pool(), now).await? {
        let mut work = Work::internal(db, derived(id, "forgotten").to_string(), now).await?;
        exceptions::decide(&mut work, id).await?;
        work.done().await?;
        mended += 1;
    }
    Ok(mended)
}

async fn finish_forgotten(db: &Db, now: DateTime<Utc>) -> Result<u64, Error> {
    let mut mended = 0;
    for incident in view::unfinished(db.pool(), now - TimeDelta::minutes(GRACE_MIN)).await? {
        let cause = derived(incident.uuid(), "forgotten");
        let mut work = Work::internal(db, cause.to_string(), now).await?;
        let touched: BTreeSet<_> = ledger::finish(&mut work, cause, incident).await?;
        ledger::recount(&mut work, touched).await?;
        work.done().await?;
        mended += 1;
    }
    Ok(mended)
}
