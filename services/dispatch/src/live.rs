//! The index of this replica: facts of crews from Postgres, positions from the stream.
//!
//! Promises: what this replica itself changed is seen by its next recommendation; what another changed within a quarter
//! of a second. A stale index recommends wrongly at worst: giving an order asks the rules again under the crew's lock.

use std::{
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::Db;
use tokio::sync::watch;

use crate::{
    domain::{crew::Fix, ids::CrewId, index::Index},
    error::Error,
    store::crew_fact,
};

/// Facts older than this are read again before a recommendation.
const FRESH: Duration = Duration::from_millis(250);
/// A change may commit this long after it was stamped: so far before the last look the next one begins. Counted from the look
/// and not from the last change it saw, or ten thousand crews put at once would be read four times a second for ever.
const OVERLAP: TimeDelta = TimeDelta::seconds(20);

/// The index and how fresh it is.
#[derive(Debug)]
pub struct Live {
    db: Db,
    index: RwLock<Index>,
    seen: tokio::sync::Mutex<Seen>,
    dirty: AtomicBool,
    batches: watch::Sender<u64>,
}

#[derive(Debug)]
struct Seen {
    /// By the server's clock.
    asked_at: DateTime<Utc>,
    /// By the service's clock: shifts that ended by then are known to have.
    now: DateTime<Utc>,
    looked: Option<Instant>,
}

impl Live {
    /// An empty index over `db`.
    pub fn new(db: Db) -> Self {
        let seen = Seen {
            asked_at: DateTime::UNIX_EPOCH,
            now: DateTime::UNIX_EPOCH,
            looked: None,
        };
        Self {
            db,
            index: RwLock::default(),
            seen: tokio::sync::Mutex::new(seen),
            dirty: AtomicBool::new(true),
            batches: watch::Sender::new(0),
        }
    }

    /// This replica changed a crew: the next look reads again.
    pub fn changed(&self) {
        self.dirty.store(true, Ordering::Release);
    }

    /// Reads the crews that changed since the last look.
    ///
    /// # Errors
    /// [`Error::Common`].
    pub async fn refresh(&self, now: DateTime<Utc>) -> Result<(), Error> {
        let mut seen = self.seen.lock().await;
        let is_fresh = seen.looked.is_some_and(|at| at.elapsed() < FRESH);
        if !self.dirty.swap(false, Ordering::AcqRel) && is_fresh {
            return Ok(());
        }
        let looked = Instant::now();
        let changed = crew_fact::changed(self.db.pool(), seen.asked_at - OVERLAP, (seen.now, now)).await;
        let (crews, asked_at) = match changed {
            Ok(found) => found,
            Err(error) => {
                self.changed();
                return Err(error);
            }
        };
        let mut index = self.write();
        crews.into_iter().for_each(|crew| index.put_crew(crew));
        (seen.asked_at, seen.now) = (asked_at, now);
        seen.looked = Some(looked);
        Ok(())
    }

    /// Takes positions, oldest first.
    pub fn put_fixes(&self, fixes: impl IntoIterator<Item = (CrewId, Fix)>) {
        let mut index = self.write();
        for (crew, fix) in fixes {
            index.put_fix(crew, fix);
        }
        drop(index);
        self.batches.send_modify(|count| *count += 1);
    }

    /// Counts the batches of positions taken; for whoever waits for crews to move.
    pub fn batches(&self) -> watch::Receiver<u64> {
        self.batches.subscribe()
    }

    /// The index as it is now. Never held over an await.
    pub fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}
