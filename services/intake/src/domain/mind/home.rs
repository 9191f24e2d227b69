//! Which incident a report belongs to.

use std::collections::BTreeSet;

use relight_grid::{LoadIx, infer::IncidentKey};

use super::{Mind, book::Book, ms};
use crate::domain::IncidentId;

/// The outage below a confirmed device.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) device: String,
    /// Ascending.
    loads: Vec<LoadIx>,
    from_ms: i64,
    /// The engine was told.
    pub(super) pinned: bool,
}

impl Claim {
    pub(super) fn has(&self, load: LoadIx) -> bool {
        self.loads.binary_search(&load).is_ok()
    }
}

/// Where a report belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// Below a confirmed device.
    Incident(IncidentId),
    /// Explained by the engine.
    Finding(IncidentKey),
    /// The engine has nothing that explains it.
    Nowhere,
}

/// Reports this close before a finding's first are still its own: time is counted in such steps.
const STEP_MS: i64 = 30_000;

impl Mind {
    /// Reads the confirmed devices anew; gives the loads for which that is news.
    pub(super) fn claim(&mut self, book: &Book<'_>) -> BTreeSet<LoadIx> {
        let mut dirty = BTreeSet::new();
        let confirmed: Vec<_> = book.confirmed().collect();
        self.claims.retain(|id, claim| {
            let stays = confirmed
                .iter()
                .any(|one| one.id == *id && one.device == claim.device);
            if !stays {
                dirty.extend(claim.loads.iter().copied());
            }
            stays
        });
        for one in confirmed {
            if self.claims.contains_key(&one.id) {
                continue;
            }
            let device = self.grid.device(&one.device);
            let loads = device.map(|device| self.grid.affected(device).dead_loads);
            let claim = Claim {
                device: one.device,
                loads: loads.unwrap_or_default(),
                from_ms: ms(one.off_at - self.limits.window),
                pinned: false,
            };
            dirty.extend(claim.loads.iter().copied());
            self.claims.insert(one.id, claim);
        }
        dirty
    }

    /// Whether this load was restored in that incident before.
    pub(super) fn is_back(&self, load: LoadIx, at_ms: i64, of: IncidentId) -> bool {
        let mut marks = self.restored.get(&load).into_iter().flatten();
        marks.any(|(at, id)| *id == of && *at <= at_ms) || self.is_fed_another_way(load, at_ms, of)
    }

    /// Whether this load was restored, in whatever incident, after one moment and until another: what it was told of is over by then.
    fn is_back_between(&self, load: LoadIx, (after_ms, until_ms): (i64, i64)) -> bool {
        let mut marks = self.restored.get(&load).into_iter().flatten();
        let ways = self.ways.get(&load).into_iter().flatten();
        let mut fed = ways.filter(|way| way.is_fed).map(|way| way.at_ms);
        let is_between = |at: i64| (after_ms + 1..=until_ms).contains(&at);
        marks.any(|(at, _)| is_between(*at)) || fed.any(is_between)
    }

    /// Where a report of `load` made at `at_ms` belongs.
    pub(super) fn home(&self, load: LoadIx, at_ms: i64) -> Home {
        let claimed = self.claims.iter().filter(|(id, claim)| {
            claim.from_ms <= at_ms && claim.has(load) && !self.is_back(load, at_ms, **id)
        });
        if let Some((id, _)) = claimed.min_by_key(|(id, claim)| (claim.loads.len(), **id)) {
            return Home::Incident(*id);
        }
        let Some(keys) = self.covers.get(&load) else {
            return Home::Nowhere;
        };
        let begun = keys.iter().filter(|key| key.at_ms <= at_ms + STEP_MS);
        // Of several outages of one load the one that had begun, and had not ended yet.
        let going_on = |key: &&IncidentKey| {
            let view = &self.views[*key];
            view.restored_at_ms.is_none_or(|at| at + STEP_MS >= at_ms)
        };
        let found = begun
            .clone()
            .filter(going_on)
            .max()
            .or_else(|| begun.clone().max())
            .or_else(|| {
                keys.first()
                    .filter(|key| !self.is_back_between(load, (at_ms, key.at_ms)))
            });
        found.map_or(Home::Nowhere, |key| Home::Finding(*key))
    }
}
