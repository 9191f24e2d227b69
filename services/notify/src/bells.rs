//! Whoever looks for work in a table is told when this process wrote some. Other processes write too, and nobody rings for
//! what becomes due by the clock: so there is a look now and then in any case.

use std::time::Duration;

use relight_common::lease::pause;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{domain::notice::Channel, store::message::Row};

/// Between looks nobody rang for.
const SELDOM: Duration = Duration::from_secs(1);
/// Between looks after the bell.
const SOON: Duration = Duration::from_millis(25);
/// Looks after the bell: it is rung inside the transaction that writes, so the first may come before the commit.
const LOOKS: u32 = 20;

/// The bells of this process.
#[derive(Debug, Default)]
pub struct Bells {
    texts: Notify,
    mails: Notify,
    /// A notice is to be spread.
    pub notices: Notify,
}

impl Bells {
    /// Messages are to be sent on this channel.
    pub fn of(&self, channel: Channel) -> &Notify {
        match channel {
            Channel::Sms => &self.texts,
            Channel::Email => &self.mails,
        }
    }

    /// Rings for messages that were written.
    pub fn ring(&self, rows: &[Row]) {
        for channel in [Channel::Sms, Channel::Email] {
            if rows.iter().any(|row| row.channel == channel && !row.held) {
                self.of(channel).notify_one();
            }
        }
    }
}

/// The waits of somebody who looks for work.
#[derive(Debug)]
pub struct Lookout<'a> {
    bell: &'a Notify,
    soon: u32,
}

impl<'a> Lookout<'a> {
    /// Rung by `bell`.
    pub fn new(bell: &'a Notify) -> Self {
        Self { bell, soon: 0 }
    }

    /// Waits after a look that found nothing.
    pub async fn wait(&mut self, ended: &CancellationToken) {
        if self.soon > 0 {
            self.soon -= 1;
            return pause(ended, SOON).await;
        }
        tokio::select! {
            () = self.bell.notified() => self.soon = LOOKS,
            () = pause(ended, SELDOM) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn after_the_bell_it_looks_often_for_a_while() {
        let (bell, never, ended) = (Notify::new(), CancellationToken::new(), CancellationToken::new());
        ended.cancel();
        let mut lookout = Lookout::new(&bell);
        assert_eq!(lookout.wait(&never).now_or_never(), None);
        bell.notify_one();
        assert_eq!(lookout.wait(&never).now_or_never(), Some(()));
        assert_eq!(lookout.soon, LOOKS);
        // The bell that rings meanwhile is not forgotten.
        bell.notify_one();
        for _ in 0..LOOKS {
            lookout.wait(&ended).await;
        }
        assert_eq!(lookout.wait(&never).now_or_never(), Some(()));
        assert_eq!(lookout.soon, LOOKS);
    }
}
