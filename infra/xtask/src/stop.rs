//! Ctrl-C and SIGTERM as a flag, and the one way this program waits.

use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::servers::guard::Guard;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// How often a condition is asked again.
const POLL: Duration = Duration::from_millis(50);

/// The error of whatever was given up because somebody asked to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stopped {
    /// What was waited for.
    waiting_for: Option<String>,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.waiting_for {
            Some(what) => write!(f, "stopped while waiting for {what}"),
            None => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for Stopped {}

/// Set once somebody asked this program to stop. Clones share the flag.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// A flag that SIGINT, SIGTERM and SIGHUP set. They no longer end the process by themselves.
    pub(crate) fn on_signals() -> Result<Self> {
        let stop = Self::default();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&stop.0)).context("listen for Ctrl-C")?;
        }
        Ok(stop)
    }

    /// Whether to stop.
    pub(crate) fn requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits until `ready` says yes.
    ///
    /// # Errors
    /// What `ready` fails with; the limit passed; somebody asked to stop.
    pub(crate) fn wait_for(
        &self,
        what: &str,
        limit: Duration,
        mut ready: impl FnMut() -> Result<bool>,
    ) -> Result<()> {
        let begun = Instant::now();
        while !ready()? {
            if self.requested() {
                let waiting_for = Some(what.to_owned());
                return Err(Stopped { waiting_for }.into());
            }
            if begun.elapsed() > limit {
                bail!("{what} took longer than {} s", limit.as_secs());
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Waits until `child` ends. Somebody asking to stop ends it.
    ///
    /// # Errors
    /// Stopped.
    pub(crate) fn wait_for_end(&self, child: &mut Guard) -> Result<ExitStatus> {
        let mut status = None;
        self.wait_until(|| {
            status = child.ended()?;
            Ok(status.is_some())
        })?;
        match status {
            Some(status) => Ok(status),
            None => {
                child.stop()?;
                Err(Stopped { waiting_for: None }.into())
            }
        }
    }

    /// Waits until `done` says yes or somebody asks to stop, without a limit.
    pub(crate) fn wait_until(&self, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
        while !self.requested() && !done()? {
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_never_holds_ends_with_its_name() {
        let waited = Stop::default().wait_for("the moon", Duration::ZERO, || Ok(false));
        assert_eq!(
            waited.expect_err("never ready").to_string(),
            "the moon took longer than 0 s"
        );
    }

    #[test]
    fn a_request_to_stop_ends_the_wait() {
        let stop = Stop::default();
        stop.0.store(true, Ordering::SeqCst);
        let waited = stop.wait_for("a server", Duration::from_secs(60), || Ok(false));
        assert_eq!(
            waited.expect_err("stopped").to_string(),
            "stopped while waiting for a server"
        );
    }
}
