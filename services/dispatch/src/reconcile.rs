//! What events and timers should have done, found over whole own tables and mended.

use chrono::{DateTime, Utc};
use relight_common::{Db, Work, error::chain, reconcile::Reconciler};
use relight_policy::Pack;
use uuid::Uuid;

use crate::{
    desk::{self, clocks::LOOK},
    domain::{
        ids::{ClockId, IncidentId, OrderId, SubjectId},
        subject::OPENS_BEFORE,
    },
    error::Error,
    store::{assignment, clock, missed, order, position},
};

/// Mends dispatch's own tables.
#[derive(Debug, Clone)]
pub struct Mender {
    pack: Pack,
}

impl Mender {
    /// Orders opened late get their limits from `pack`.
    pub fn new(pack: Pack) -> Self {
        Self { pack }
    }
}

impl Reconciler for Mender {
    async fn pass(&self, db: &Db, now: DateTime<Utc>) -> Result<u64, relight_common::Error> {
        self.all(db, now).await.map_err(|error| match error {
            Error::Common(error) => error,
            other => relight_common::Error::Db("mend orders", sqlx::Error::Protocol(chain(&other))),
        })
    }
}

/// What is wrong with a row, by what mends it.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// An incident and its order do not fit.
    Order,
    /// An outage or case and its orders do not fit.
    Errand,
    /// An order holds a crew it no longer needs.
    HeldCrew,
    /// A running clock has no timer.
    SilentClock,
}

impl Mender {
    async fn all(&self, db: &Db, now: DateTime<Utc>) -> Result<u64, Error> {
        position::keep_partitions(db.pool()).await?;
        let mut mended = 0;
        for fault in [Fault::Order, Fault::Errand, Fault::HeldCrew, Fault::SilentClock] {
            for id in find(db, fault, now).await? {
                mended += u64::from(self.mend(db, now, fault, id).await?);
            }
        }
        Ok(mended)
    }

    /// One transaction each, so that one that cannot be mended does not hold up the others.
    async fn mend(&self, db: &Db, now: DateTime<Utc>, fault: Fault, id: Uuid) -> Result<bool, Error> {
        let mut work = Work::internal(db, "reconciler", now).await?;
        let mended = match fault {
            Fault::Order => desk::settle(&mut work, &self.pack, IncidentId::from_uuid(id)).await,
            Fault::Errand => desk::settle_subject(&mut work, &self.pack, SubjectId::from_uuid(id)).await,
            Fault::HeldCrew => free(&mut work, OrderId::from_uuid(id)).await,
            Fault::SilentClock => wake(&mut work, ClockId::from_uuid(id)).await,
        };
        match mended {
            Ok(()) => work.done().await.map(|()| true).map_err(Error::from),
            Err(error) => {
                tracing::error!(%id, ?fault, error = %chain(&error), "the reconciler could not mend this");
                Ok(false)
            }
        }
    }
}

async fn find(db: &Db, fault: Fault, now: DateTime<Utc>) -> Result<Vec<Uuid>, Error> {
    match fault {
        Fault::Order => {
            let mut found = missed::incidents_without_order(db.pool()).await?;
            found.extend(missed::ended_incidents_with_waiting_order(db.pool()).await?);
            Ok(found)
        }
        Fault::Errand => missed::subjects_out_of_line(db.pool(), now + OPENS_BEFORE).await,
        Fault::HeldCrew => missed::orders_holding_a_crew(db.pool()).await,
        Fault::SilentClock => missed::clocks_without_timer(db.pool()).await,
    }
}

/// Frees a crew held by an order that no longer needs it.
async fn free(work: &mut Work, id: OrderId) -> Result<(), Error> {
    order::lock(work.conn(), id).await?;
    let at = work.at();
    assignment::free(work.conn(), id, "reconciler", at).await
}

/// Sets the timer a running clock should have.
async fn wake(work: &mut Work, id: ClockId) -> Result<(), Error> {
    let Some(clock) = clock::get(work.conn(), id).await? else {
        return Ok(());
    };
    match clock.times.look_at(clock.level, work.at()) {
        Some(at) => Ok(work.set_timer(LOOK, id.uuid(), at, 0).await?),
        None => Ok(()),
    }
}
