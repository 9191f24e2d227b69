//! `relight demo drive`: the phones of the town's crews, moving while `up` runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;

use super::relight::Relight;
use crate::servers::guard::Guard;
use crate::servers::user::ServerUser;

const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// The running program; none once it ended by itself.
pub(super) struct Crews {
    guard: Option<Guard>,
    log: PathBuf,
}

impl Crews {
    /// Starts them where there is a town. `state` is this clone's `.relight`.
    pub(super) fn start_unless(no_town: bool, relight: &Relight, state: &Path) -> Result<Option<Self>> {
        if no_town {
            return Ok(None);
        }
        let log = state.join("drive.log");
        let file = File::create(&log).with_context(|| format!("make {}", log.display()))?;
        let mut command = ServerUser::Myself.server(relight.binary(), "INT");
        command.args(["demo", "drive"]).stdin(Stdio::null());
        command
            .stdout(file.try_clone().context("share the log")?)
            .stderr(file);
        relight.environment().lend_to(&mut command);
        let guard = Guard::start("the crews", &mut command, Signal::SIGINT, STOP_PATIENCE)?;
        Ok(Some(Self {
            guard: Some(guard),
            log,
        }))
    }

    /// Says so, once, when they stopped by themselves: everything else goes on without them.
    pub(super) fn check(&mut self) -> Result<()> {
        let Some(guard) = &mut self.guard else {
            return Ok(());
        };
        if let Some(status) = guard.ended()? {
            println!("the crews stopped moving ({status}); see {}", self.log.display());
            self.guard = None;
        }
        Ok(())
    }

    /// Stops them.
    pub(super) fn stop(self) -> Result<()> {
        match self.guard {
            Some(mut guard) => guard.stop().map(drop),
            None => Ok(()),
        }
    }
}
