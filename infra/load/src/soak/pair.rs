//! Two processes side by side on one database, each with all roles.

use std::{
    path::PathBuf,
    sync::{Mutex as StdMutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use tokio::{sync::Mutex, time::sleep};

use crate::{
    house::House,
    process::{Process, Program},
};

/// How many.
pub(super) const BOTH: usize = 2;
/// A start can meet a Postgres that is just away.
const START_TRIES: usize = 30;

/// Both processes, and where those that live are called.
pub(super) struct Pair {
    program: Program,
    logs: [PathBuf; BOTH],
    processes: [Mutex<Option<Process>>; BOTH],
    addresses: StdMutex<[Option<String>; BOTH]>,
}

impl Pair {
    pub(super) async fn start(house: &House) -> anyhow::Result<Self> {
        let pair = Self {
            program: house.program.clone(),
            logs: [house.log("one"), house.log("other")],
            processes: [Mutex::new(None), Mutex::new(None)],
            addresses: StdMutex::default(),
        };
        for n in 0..BOTH {
            pair.start_one(n).await?;
        }
        Ok(pair)
    }

    fn addresses(&self) -> MutexGuard<'_, [Option<String>; BOTH]> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where process `n` is called while it lives.
    pub(super) fn address(&self, n: usize) -> Option<String> {
        self.addresses()[n].clone()
    }

    /// Where both are called while both live.
    pub(super) fn both(&self) -> Option<[String; BOTH]> {
        let addresses = self.addresses();
        Some([addresses[0].clone()?, addresses[1].clone()?])
    }

    /// Where any is called.
    pub(super) fn any(&self) -> anyhow::Result<String> {
        self.addresses()
            .iter()
            .flatten()
            .next()
            .cloned()
            .context("a process lives")
    }

    /// Starts process `n`; a start that fails is tried again.
    pub(super) async fn start_one(&self, n: usize) -> anyhow::Result<()> {
        let mut last = None;
        for _ in 0..START_TRIES {
            match self.program.up(&self.logs[n]).await {
                Ok(process) => {
                    self.addresses()[n] = Some(process.address.clone());
                    *self.processes[n].lock().await = Some(process);
                    return Ok(());
                }
                Err(error) => last = Some(error),
            }
            sleep(Duration::from_secs(1)).await;
        }
        Err(last.context("tried at least once")?)
    }

    /// SIGKILL. Clients learn it the hard way: the address stays until the process is gone.
    pub(super) async fn kill_one(&self, n: usize) -> anyhow::Result<()> {
        let process = self.processes[n].lock().await.take().context("it was started")?;
        process.kill().await?;
        self.addresses()[n] = None;
        Ok(())
    }

    /// SIGTERM. Whether it ended with exit code 0.
    pub(super) async fn stop_one(&self, n: usize) -> anyhow::Result<bool> {
        let process = self.processes[n].lock().await.take().context("it was started")?;
        let status = process.stop().await?;
        self.addresses()[n] = None;
        Ok(status.success())
    }

    /// Whether process `n` ended by itself, which it never should.
    pub(super) async fn ended(&self, n: usize) -> anyhow::Result<bool> {
        let mut process = self.processes[n].lock().await;
        let process = process.as_mut().context("it was started")?;
        Ok(process.ended()?.is_some())
    }
}
