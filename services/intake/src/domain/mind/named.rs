//! What people say is the device: told to the engine as an outage that is sure, and kept with the incident they said it of.

use std::collections::BTreeSet;

use relight_grid::{DeviceIx, LoadIx, infer::IncidentKey};

use super::{Mind, book::Book};
use crate::domain::IncidentId;

/// A device that a dispatcher named for an incident.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) device: String,
    /// The report by which the engine was told.
    by: Option<IncidentKey>,
}

impl Named {
    pub(super) fn new(device: String) -> Self {
        Self { device, by: None }
    }
}

impl Mind {
    /// Tells the engine what people know: confirmed and named devices. Yes when that was news.
    pub(super) fn pin(&mut self) -> bool {
        let confirmed = self.pin_confirmed();
        self.pin_named() || confirmed
    }

    fn pin_confirmed(&mut self) -> bool {
        let claims = self.claims.iter_mut().filter(|(_, claim)| !claim.pinned);
        let wanted: Vec<(IncidentId, String)> = claims
            .map(|(id, claim)| {
                claim.pinned = true;
                (*id, claim.device.clone())
            })
            .collect();
        let mut news = false;
        for (id, device) in wanted {
            let known = self.key_of(id).zip(self.grid.device(&device));
            if let Some((key, device)) = known.filter(|(key, device)| {
                self.engine
                    .incident(*key)
                    .is_some_and(|now| !now.overruled || now.device != Some(*device))
            }) {
                // A device that puts nobody out who reported is no news for the engine.
                news |= self.engine.overrule(key, device).is_ok();
            }
        }
        news
    }

    /// A device none of the incident's own reports is below is a name only: it says nothing about the reports of others there. An
    /// earlier report that came late says anew when that outage began.
    fn pin_named(&mut self) -> bool {
        let named = self.overruled.iter();
        let named = named.filter(|(id, _)| !self.claims.contains_key(id));
        let named: Vec<_> = named
            .filter_map(|(id, named)| Some((*id, self.grid.device(&named.device)?, named.by)))
            .collect();
        let moved = named.into_iter().filter_map(|(id, device, before)| {
            let by = self.said_by(id, device, before).filter(|by| Some(*by) != before);
            Some((id, device, before, by?))
        });
        let moved: Vec<_> = moved.collect();
        let mut news = false;
        // All are taken back first: one may be told by the report by which another one was.
        for before in moved.iter().filter_map(|(_, _, before, _)| *before) {
            news |= self.engine.undo_overrule(before);
        }
        for (id, device, _, by) in moved {
            let is_told = self.engine.overrule(by, device).is_ok();
            news |= is_told;
            if let Some(named) = self.overruled.get_mut(&id) {
                named.by = is_told.then_some(by);
            }
        }
        news
    }

    /// The first report of an incident below the device; of one that began with signals its finding.
    fn said_by(&self, id: IncidentId, device: DeviceIx, before: Option<IncidentKey>) -> Option<IncidentKey> {
        let below = self.engine.puts_out(device).into_iter();
        let told = below.filter_map(|load| Some((load, self.reports.get(&load)?)));
        let theirs = told.flat_map(|(load, told)| told.iter().map(move |one| (load, one)));
        let first = theirs
            .filter(|(_, told)| told.incident == Some(id))
            .map(|(load, told)| IncidentKey {
                at_ms: told.at_ms(),
                load,
            })
            .min();
        first.or_else(|| {
            let mut all = self.reports.values().flatten();
            let is_of_signals = before.is_none() && !all.any(|told| told.incident == Some(id));
            is_of_signals.then(|| self.key_of(id)).flatten()
        })
    }

    /// The first finding an incident is bound to.
    fn key_of(&self, id: IncidentId) -> Option<IncidentKey> {
        let mut bound = self.bound.iter().filter(|(_, bound)| **bound == id);
        bound.next().map(|(key, _)| *key)
    }

    /// Gives the outage at a device that was named to the incident it was named for, whatever its first report is; what else was
    /// bound to that incident is another one. Of two that were named for one outage the earlier has it.
    pub(super) fn keep_named(&mut self, dirty: &mut BTreeSet<LoadIx>) {
        let named = self.overruled.iter();
        let mut named: Vec<_> = named.filter_map(|(id, named)| Some((named.by?, *id))).collect();
        named.sort_unstable();
        let mut taken = BTreeSet::new();
        for (by, id) in named {
            let now = self.engine.overruled_as(by).filter(|now| taken.insert(*now));
            if let Some(now) = now {
                self.give(now, id, dirty);
            }
        }
    }

    fn give(&mut self, key: IncidentKey, id: IncidentId, dirty: &mut BTreeSet<LoadIx>) {
        let bound = self.bound.iter().filter(|(_, bound)| **bound == id);
        let others: Vec<IncidentKey> = bound
            .map(|(other, _)| *other)
            .filter(|other| *other != key && self.views.contains_key(other))
            .collect();
        if others.is_empty() && self.bound.get(&key) == Some(&id) {
            return;
        }
        for other in others.iter().chain([&key]) {
            self.bound.remove(other);
            dirty.extend(
                self.views
                    .get(other)
                    .into_iter()
                    .flat_map(|view| view.loads.clone()),
            );
        }
        self.bound.insert(key, id);
        self.rebound.insert(key);
    }

    /// The network is fed another way: whom a named device puts out is asked anew.
    pub(super) fn name_again(&mut self) {
        for named in self.overruled.values_mut() {
            if let Some(by) = named.by.take() {
                self.engine.undo_overrule(by);
            }
        }
    }

    /// What was named for an incident that is over says nothing any more.
    pub(super) fn forget_named(&mut self, book: &Book<'_>) {
        let over = self.overruled.keys().filter(|id| !book.is_open(**id));
        for id in over.copied().collect::<Vec<_>>() {
            if let Some(by) = self.overruled.remove(&id).and_then(|named| named.by) {
                self.engine.undo_overrule(by);
            }
        }
    }

    /// Notes what was given, to be stored.
    pub(super) fn store_rebound(&mut self, book: &mut Book<'_>) {
        for key in std::mem::take(&mut self.rebound) {
            if let Some(id) = self.bound.get(&key).copied() {
                self.bind(key, id, book);
            }
        }
    }
}
