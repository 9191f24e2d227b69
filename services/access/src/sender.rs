//! Hands codes to notify after their transaction, outside any other. A row stays in the queue until notify has taken it,
//! so a crash in between sends it again, with the same command id: the customer gets one message.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Clock, Db, error::chain};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::account::Language,
    error::Error,
    outside::{Message, Outside},
    secret::Keyed,
    store::codes::{self, Unsent},
};

/// Looks for codes this often when nobody rings.
const POLL: Duration = Duration::from_secs(2);

/// How long a code that was not taken waits for the next attempt: 5 s.
fn again() -> TimeDelta {
    TimeDelta::seconds(5)
}

/// Sends codes.
#[derive(Debug)]
pub struct Sender<O> {
    db: Db,
    outside: Arc<O>,
    keyed: Keyed,
}

impl<O: Outside> Sender<O> {
    /// A sender of the codes in `db`.
    pub fn new(db: Db, outside: Arc<O>, keyed: Keyed) -> Self {
        Self { db, outside, keyed }
    }

    /// Sends until `stop`; rung by `bell` when a code was made.
    pub async fn run(self, clock: Clock, bell: Arc<Notify>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.send_due(clock.now()).await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::warn!(error = %chain(&error), "codes have to wait"),
            }
            tokio::select! {
                () = bell.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Sends what is due. Returns how many were taken by notify.
    ///
    /// # Errors
    /// [`Error::Common`] when Postgres is away; a code that notify does not take is tried again later.
    pub async fn send_due(&self, now: DateTime<Utc>) -> Result<usize, Error> {
        let mut taken = 0;
        for row in codes::take_unsent(self.db.pool(), now, again()).await? {
            let id = row.id;
            match self.outside.send_code(&self.message(row)).await {
                Ok(()) => {
                    codes::sent(self.db.pool(), id, now).await?;
                    taken += 1;
                }
                Err(error) => {
                    tracing::warn!(code.row = %id, error = %chain(&error), "a code was not taken; it is sent again");
                }
            }
        }
        Ok(taken)
    }

    fn message(&self, row: Unsent) -> Message {
        Message {
            row: row.id,
            customer_id: row.customer_id,
            contact_id: row.contact_id,
            code: self.keyed.code(row.id),
            language: Language::of_tag(&row.language),
            expires_at: row.expires_at,
        }
    }
}
