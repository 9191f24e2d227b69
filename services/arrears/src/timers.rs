//! Durable timers of arrears, and what is mended when one was missed.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use relight_common::{
    Db, Work,
    error::chain,
    reconcile::Reconciler,
    timer::{Asking, Timer},
};

use crate::{
    desk::{self, House, LOOK, WARN},
    domain::{NOT_ASKED, Site},
    error::Error,
    outside::Outside,
    store::{case, missed},
};

/// Carries out what timers say.
#[derive(Debug)]
pub struct Timers<O> {
    /// The rules.
    pub house: House,
    /// Whom the last warning asks before it goes out.
    pub outside: Arc<O>,
}

impl<O: Outside> Asking for Timers<O> {
    type Error = Error;
    type Known = Site;

    fn asks(&self, kind: &str) -> bool {
        kind == WARN
    }

    /// What is known of the premises at the notified stop.
    async fn ask(&self, db: &Db, timer: &Timer) -> Site {
        match case::get(db.pool(), timer.subject).await {
            Ok(Some(stored)) => match stored.doc.state.notice() {
                Some(notice) => self.outside.site(&stored, notice.stop_at).await,
                None => NOT_ASKED.clone(),
            },
            _ => NOT_ASKED.clone(),
        }
    }

    async fn fire_with(&self, work: &mut Work, timer: &Timer, known: Option<Site>) -> Result<(), Error> {
        let site = known.as_ref().unwrap_or(&NOT_ASKED);
        desk::fire(work, &self.house, timer, site).await
    }
}

/// Opens the cases of debts that became overdue without a word from billing, sets timers that are missing, and places
/// payments whose account registry knows by now.
#[derive(Debug)]
pub struct Mender<O> {
    /// The rules.
    pub house: House,
    /// Who is asked for accounts.
    pub outside: Arc<O>,
}

impl<O: Outside> Mender<O> {
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
        // Last: it asks registry, and the others do not wait for an answer.
        let placed = desk::place_known(db, &self.house, &*self.outside, now).await?;
        tracing::debug!(placed, "payments were placed");
        Ok(mended)
    }
}

impl<O: Outside> Reconciler for Mender<O> {
    async fn pass(&self, db: &Db, now: DateTime<Utc>) -> Result<u64, relight_common::Error> {
        self.all(db, now).await.map_err(|error| match error {
            Error::Common(error) => error,
            other => relight_common::Error::Db("mend cases", sqlx::Error::Protocol(chain(&other))),
        })
    }
}
