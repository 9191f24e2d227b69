//! The current network in memory: loaded at the start, swapped when a newer version was committed.
//!
//! Postgres knows which version is current. The watcher looks every second so that a new one is ready before it is
//! needed; a question that must not be answered from an old version asks [`Holder::current`], which looks itself.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use relight_common::{Db, error::chain, lease::pause};
use relight_grid::{DeviceIx, Grid, LoadIx, snapshot};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    domain::{fold, state::State},
    error::Error,
    store::grid_version,
};

#[cfg(test)]
mod oracle;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// One version of the network with its devices in the order of their folded ids.
#[derive(Debug)]
pub struct Held {
    /// The network.
    pub grid: Grid,
    order: Vec<(String, DeviceIx)>,
}

/// What switching changes, as folded ids of loads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Difference {
    /// They had supply and have none now.
    pub(crate) lost: Vec<String>,
    /// They had none and have some now.
    pub(crate) restored: Vec<String>,
    /// They lose some phases and keep or get others.
    pub(crate) partly_dead: Vec<String>,
}

/// The uppermost switching device on a way from a load to its source; where there is none, the uppermost device.
pub(crate) fn feeder(grid: &Grid, path: &[DeviceIx]) -> Option<DeviceIx> {
    let switching = |device: &&DeviceIx| grid.device_kind(**device).is_switching();
    path.iter().rev().find(switching).or_else(|| path.last()).copied()
}

impl Held {
    fn new(grid: Grid) -> Self {
        let mut order: Vec<_> = grid
            .devices()
            .map(|device| (fold(grid.device_id(device)), device))
            .collect();
        order.sort();
        Self { grid, order }
    }

    /// What is different `after`. A load that was partly dead before and is dead now lost supply; one that was dead before
    /// did not. The lists of a grid are sorted.
    pub(crate) fn difference(&self, before: &State, after: &State) -> Difference {
        let (before, after) = (before.lists(), after.lists());
        let (was, is) = (
            self.grid.dead(&before.0, &before.1),
            self.grid.dead(&after.0, &after.1),
        );
        let ids = |loads: &[LoadIx]| loads.iter().map(|&load| fold(self.grid.load_id(load))).collect();
        let only = |here: &[LoadIx], there: &[LoadIx]| -> Vec<String> {
            let new = here.iter().filter(|load| there.binary_search(load).is_err());
            ids(&new.copied().collect::<Vec<_>>())
        };
        let partly = self.grid.losing_a_phase(
            &is.partly_dead_loads,
            (&before.0, &before.1),
            (&after.0, &after.1),
        );
        Difference {
            lost: only(&is.dead_loads, &was.dead_loads),
            restored: only(&was.dead_loads, &is.dead_loads),
            partly_dead: ids(&partly),
        }
    }

    /// The feeders these devices hang on in this state, by id: each by the first of `loads` (folded ids) that is fed through it,
    /// so that a large set does not cost the way of everybody in it.
    pub(crate) fn feeders(&self, state: &State, devices: &[DeviceIx], loads: &[String]) -> Vec<String> {
        let mut left = devices.to_vec();
        let mut found = BTreeSet::new();
        if left.is_empty() {
            return Vec::new();
        }
        let (opened, closed) = state.lists();
        let supply = self.grid.supply(&opened, &closed);
        for load in loads.iter().filter_map(|id| self.grid.load(id)) {
            if left.is_empty() {
                break;
            }
            let path = supply.path(load);
            let before = left.len();
            left.retain(|device| !path.contains(device));
            if left.len() < before {
                found.extend(feeder(&self.grid, &path).map(|top| self.grid.device_id(top).to_owned()));
            }
        }
        found.into_iter().collect()
    }

    /// Devices with a folded id above `after`, in that order.
    pub(crate) fn devices_after(&self, after: &str) -> impl Iterator<Item = &(String, DeviceIx)> {
        let start = self
            .order
            .partition_point(|(id, _)| !after.is_empty() && id.as_str() <= after);
        self.order[start..].iter()
    }

    /// The existing device id that shares the longest beginning with `id`: a help for whoever mistyped.
    pub(crate) fn nearest(&self, id: &str) -> Option<&str> {
        let wanted = fold(id);
        let at = self.order.partition_point(|(known, _)| *known < wanted);
        let beside = self.order[at.saturating_sub(1)..].iter().take(2);
        let shared = |known: &str| {
            known
                .chars()
                .zip(wanted.chars())
                .take_while(|(a, b)| a == b)
                .count()
        };
        let best = beside.max_by_key(|(known, _)| shared(known))?;
        Some(self.grid.device_id(best.1))
    }
}

/// Holds the current version for everybody in this process.
#[derive(Debug)]
pub struct Holder {
    db: Db,
    held: watch::Sender<Option<Arc<Held>>>,
    /// One load at a time.
    loading: tokio::sync::Mutex<()>,
}

impl Holder {
    /// Holds nothing yet.
    pub fn new(db: Db) -> Self {
        Self {
            db,
            held: watch::Sender::new(None),
            loading: tokio::sync::Mutex::new(()),
        }
    }

    /// The network as last committed, loaded now when a newer one is there.
    ///
    /// # Errors
    /// [`Error::NoGrid`] when nothing was imported; [`Error::Common`]; [`Error::Damaged`].
    pub async fn current(&self) -> Result<Arc<Held>, Error> {
        let version = grid_version::current(self.db.pool())
            .await?
            .ok_or(Error::NoGrid)?
            .id;
        match self.holds(version) {
            Some(held) => Ok(held),
            None => self.load(version).await,
        }
    }

    /// What is held, and every swap; behind the current version for a moment after an import.
    pub fn swaps(&self) -> watch::Receiver<Option<Arc<Held>>> {
        self.held.subscribe()
    }

    fn holds(&self, version: Uuid) -> Option<Arc<Held>> {
        self.held
            .borrow()
            .clone()
            .filter(|held| held.grid.version() == version)
    }

    async fn load(&self, version: Uuid) -> Result<Arc<Held>, Error> {
        let _alone = self.loading.lock().await;
        if let Some(held) = self.holds(version) {
            return Ok(held);
        }
        let bytes = grid_version::bytes(self.db.pool(), version).await?;
        let read = tokio::task::spawn_blocking(move || {
            snapshot::read(&bytes)
                .and_then(|network| network.grid(version))
                .map(Held::new)
        });
        let held = read
            .await
            .map_err(|error| Error::Task("read a network", error))?
            .map_err(|faults| Error::Damaged(version, faults))?;
        let held = Arc::new(held);
        self.held.send_replace(Some(held.clone()));
        tracing::info!(grid.version = %version, devices = held.order.len(), "holding a new version of the network");
        Ok(held)
    }

    /// Keeps the current version ready until `stop`.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.current().await {
                Ok(_) | Err(Error::NoGrid) => {}
                Err(error) => tracing::error!(error = %chain(&error), "the network could not be loaded"),
            }
            pause(&stop, LOOK_EVERY).await;
        }
    }
}
