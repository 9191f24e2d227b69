//! What a receiver has seen so far, and waiting for it without polling.

use anyhow::Context;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Longest a test waits for something to arrive before it fails.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A list that grows as things arrive.
#[derive(Debug)]
pub struct Seen<T>(watch::Sender<Vec<T>>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl<T: Clone> Seen<T> {
    /// Everything so far, oldest first.
    pub fn all(&self) -> Vec<T> {
        self.0.borrow().clone()
    }

    /// Waits until `is_enough` holds for everything so far, and returns that.
    ///
    /// # Errors
    /// After a minute, saying how much there was.
    pub async fn wait_for(&self, is_enough: impl Fn(&[T]) -> bool) -> anyhow::Result<Vec<T>> {
        let mut entries = self.0.subscribe();
        let found = timeout(WAIT_MAX, entries.wait_for(|entries| is_enough(entries))).await;
        let found = found.with_context(|| {
            format!(
                "{} s passed and what was waited for did not come; there are {}",
                WAIT_MAX.as_secs(),
                self.0.borrow().len()
            )
        })??;
        Ok(found.clone())
    }

    /// Waits for at least `count` entries.
    ///
    /// # Errors
    /// As [`Seen::wait_for`].
    pub async fn wait_for_count(&self, count: usize) -> anyhow::Result<Vec<T>> {
        self.wait_for(|entries| entries.len() >= count).await
    }

    /// Waits for something and takes everything away; for a receiver that runs for long.
    pub async fn take(&self) -> Vec<T> {
        let mut entries = self.0.subscribe();
        // The sender is `self`, so the channel cannot be closed while this waits.
        let _ = entries.wait_for(|entries| !entries.is_empty()).await;
        self.0.send_replace(Vec::new())
    }

    pub(crate) fn push(&self, entry: T) {
        self.0.send_modify(|entries| entries.push(entry));
    }
}
