//! Whose prepaid credit is used up, in memory: every report asks, few meters are prepaid.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use relight_common::Db;

use crate::{error::Error, store::credit};

/// What another process was told is known here this much later.
const KEPT: Duration = Duration::from_secs(5);

type UsedUp = Arc<HashMap<String, DateTime<Utc>>>;

/// The meters without credit.
#[derive(Debug, Default)]
pub struct Credit(Mutex<Option<(Instant, UsedUp)>>);

impl Credit {
    /// Since when the credit of this meter is used up.
    ///
    /// # Errors
    /// The database.
    pub async fn used_up(&self, db: &Db, load: &str) -> Result<Option<DateTime<Utc>>, Error> {
        if let Some(known) = self.known() {
            return Ok(known.get(load).copied());
        }
        let mut conn = db
            .pool()
            .acquire()
            .await
            .map_err(Error::db("take a connection"))?;
        let known: UsedUp = Arc::new(credit::used_up(&mut conn).await?.into_iter().collect());
        let since = known.get(load).copied();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), known));
        Ok(since)
    }

    /// This process was told something new.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn known(&self) -> Option<UsedUp> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, used_up) = known.as_ref()?;
        (at.elapsed() < KEPT).then(|| used_up.clone())
    }
}
