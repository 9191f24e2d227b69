//! Durable timers of arrears, and what is mended when one was missed.

use chrono::{DateTime, Utc};
use relight_common::{
    Db, Work,
    error::chain,
    reconcile::Reconciler,
    timer::{Handler, Timer},
};

use crate::{
    desk::{self, House, LOOK},
    error::Error,
    store::missed,
};

/// Carries out what timers say.
#[derive(Debug, Clone)]
pub struct Timers {
    /// The rules.
    pub house: House,
}

impl Handler for Timers {
    type Error = Error;

    async fn fire(&self, work: &mut Work, timer: &Timer) -> Result<(), Error> {
        desk::fire(work, &self.house, timer).await
    }
}

/// Opens the cases of debts that became overdue without a word from billing, and sets timers that are missing.
#[derive(Debug, Clone)]
pub struct Mender {
    /// The rules.
    pub house: House,
}

impl Mender {
    async fn all(&self, db: &Db, now: DateTime<Utc>) -> Result<u64, Error> {
        // A debt whose day has come is no fault: nothing was missed.
        desk::open_missed(db, &self.house, now).await?;
        let mut mended = 0;
        for id in missed::cases_without_timer(db.pool()).await? {
            let mut work = Work::internal(db, "reconciler", now).await?;
            work.set_timer(LOOK, id, now, 0).await?;
            work.done().await?;
            mended += 1;
        }
        Ok(mended)
    }
}

impl Reconciler for Mender {
    async fn pass(&self, db: &Db, now: DateTime<Utc>) -> Result<u64, relight_common::Error> {
        self.all(db, now).await.map_err(|error| match error {
            Error::Common(error) => error,
            other => relight_common::Error::Db("mend cases", sqlx::Error::Protocol(chain(&other))),
        })
    }
}
