//! Whoever looks for work in a table is told when this process wrote some, right after the commit. Other processes write
//! too, and nobody rings for what becomes due by the clock: so there is a look now and then in any case.

use std::{sync::Arc, time::Duration};

use relight_common::{Work, lease::pause};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{domain::notice::Channel, store::message::Row};

/// Between looks nobody rang for.
const SELDOM: Duration = Duration::from_secs(1);

/// The bells of this process.
#[derive(Debug, Default)]
pub struct Bells {
    texts: Arc<Notify>,
    mails: Arc<Notify>,
    /// A notice is to be spread.
    pub notices: Arc<Notify>,
}

impl Bells {
    /// Messages are to be sent on this channel.
    pub fn of(&self, channel: Channel) -> &Arc<Notify> {
        match channel {
            Channel::Sms => &self.texts,
            Channel::Email => &self.mails,
        }
    }

    /// Has the bells of messages that `work` writes rung when they are there.
    pub fn ring_after(&self, work: &mut Work, rows: &[Row]) {
        for &channel in Channel::ALL {
            if rows.iter().any(|row| row.channel == channel && !row.held) {
                work.ring_after_commit(self.of(channel));
            }
        }
    }

    /// Rings for messages of every channel that were committed.
    pub fn ring_all(&self) {
        for &channel in Channel::ALL {
            self.of(channel).notify_one();
        }
    }
}

/// Waits after a look that found nothing. A bell that rang since that look is heard.
pub async fn wait(bell: &Notify, ended: &CancellationToken) {
    tokio::select! {
        () = bell.notified() => {}
        () = pause(ended, SELDOM) => {}
    }
}
