//! What is believed of the incidents, what makes it a fact or ends it, and what it was made from.

use std::collections::BTreeSet;

use relight_grid::{
    DeviceIx, LoadIx,
    infer::{self, IncidentKey},
};

use super::{Basis, Belief, Mind, book::Book, instant, words};
use crate::domain::{
    IncidentId,
    incident::{Device, State},
};

/// A move of the confidence that is kept as a decision.
const TOLD_P: f64 = 0.05;

impl Mind {
    /// What is believed now of the incidents around `dirty` loads.
    pub(super) fn believe(&mut self, dirty: &BTreeSet<LoadIx>, book: &mut Book<'_>) {
        let around = dirty.iter().filter_map(|load| self.covers.get(load)).flatten();
        for key in around.copied().collect::<BTreeSet<_>>() {
            let Some(id) = self.bound.get(&key).copied().filter(|id| book.is_open(*id)) else {
                continue;
            };
            // Of several findings of one incident the first speaks for it.
            let first = self
                .bound
                .iter()
                .find(|(other, bound)| **bound == id && self.views.contains_key(other));
            if first.is_none_or(|(first, _)| *first == key) {
                self.believe_one(key, id, book);
            }
        }
    }

    fn believe_one(&mut self, key: IncidentKey, id: IncidentId, book: &mut Book<'_>) {
        let Some(view) = self.engine.incident(key) else {
            return;
        };
        let device = match self.overruled.get(&id) {
            Some(named) => self.grid.device(&named.device).map(|device| self.name(device)),
            None => self.device_of(&view),
        };
        let before = book.get(id).and_then(|row| row.device.clone());
        if book.is_guess(id) {
            let position = device.as_ref().and_then(|device| self.position(&device.id));
            let named = device.clone();
            book.change(id, |row| {
                row.position = if row.device == named {
                    row.position
                } else {
                    position.or(row.position)
                };
                row.device = named;
            });
            self.confirm_or_close(key, id, &view, device.as_ref(), book);
        }
        let belief = self.belief(id, &view);
        let said = self.believed.insert(id, belief.clone());
        if said.as_ref() != Some(&belief) {
            let moved = said.is_none_or(|said| (said.confidence - belief.confidence).abs() >= TOLD_P);
            if before != device || moved {
                book.decide(
                    id,
                    "now",
                    device.map(|device| device.id),
                    Some(self.basis(key, id)),
                );
            }
            book.beliefs.push(belief);
        }
        // With the loads it has now, or what covers them would outlive it.
        self.see(key, &mut BTreeSet::new());
    }

    /// (device, its equals, probability), the likeliest first.
    pub(super) fn candidates(&self, view: &infer::Incident) -> Vec<(String, Vec<String>, f64)> {
        let name = |device: &DeviceIx| self.grid.device_id(*device).to_owned();
        let candidates = view.candidates.iter().map(|one| {
            let equal = one.equal.iter().filter(|other| **other != one.device).map(name);
            (name(&one.device), equal.collect(), one.p)
        });
        candidates.collect()
    }

    /// The device to name: of those that are equal the one telemetry saw opening.
    pub(super) fn device_of(&self, view: &infer::Incident) -> Option<Device> {
        let named = view.device?;
        let equal = view.candidates.iter().find(|one| one.equal.contains(&named));
        let tripped = equal.and_then(|one| one.equal.iter().find(|one| self.tripped.contains(one)));
        Some(self.name(tripped.copied().unwrap_or(named)))
    }

    /// What a decision about a finding is made from, beside the evidence.
    pub(super) fn basis(&self, key: IncidentKey, id: IncidentId) -> Basis {
        let load = |key: &IncidentKey| self.grid.load_id(key.load).to_owned();
        let named = self.engine.overruled_around(key).into_iter();
        let named = named.map(|(by, device)| (instant(by.at_ms), load(&by), self.name(device).id));
        Basis {
            at: instant(key.at_ms),
            load: load(&key),
            named: named.collect(),
            overruled: self.overruled.get(&id).map(|named| named.device.clone()),
        }
    }

    fn confirm_or_close(
        &self,
        key: IncidentKey,
        id: IncidentId,
        view: &infer::Incident,
        device: Option<&Device>,
        book: &mut Book<'_>,
    ) {
        let out = view
            .loads
            .iter()
            .filter(|load| self.last_out.get(load).is_some_and(|at| *at >= key.at_ms));
        let mut out = out.peekable();
        let row = book.get(id);
        // What the parent's crew restored is no word about those who were still off after it.
        let on = match row {
            Some(row) if row.parent.is_some() => &self.said_on,
            _ => &self.last_on,
        };
        let is_back = |load: &&LoadIx| on.get(load) > self.last_out.get(load);
        let all_back =
            view.restored_at_ms.is_some() && out.peek().is_some() && out.all(|load| is_back(&load));
        if all_back && !self.has_others(id, &view.loads) {
            // A wire on the ground is no less dangerous because there is supply: people end that.
            if row.is_none_or(|row| !row.danger) {
                let because = if nobody_was_off(view) {
                    "supply_found"
                } else {
                    "restored"
                };
                book.change(id, |row| row.state = State::Closed(because.to_owned()));
            }
            return;
        }
        let (Some(device), false, None) = (device, view.premise, view.restored_at_ms) else {
            return;
        };
        let heard = view.heard;
        let seen = self
            .grid
            .device(&device.id)
            .is_some_and(|device| self.tripped.contains(&device));
        let agreed = heard.meters >= self.limits.meters_confirm && view.confidence >= self.limits.confirm_p;
        if (heard.trips > 0 && seen) || agreed {
            book.sure.push((id, device.id.clone()));
        }
    }

    fn belief(&self, id: IncidentId, view: &infer::Incident) -> Belief {
        let back = view.loads.iter().filter(|load| {
            self.last_on
                .get(load)
                .is_some_and(|on| Some(on) > self.last_out.get(load) && *on >= view.key.at_ms)
        });
        let back: u32 = back.map(|load| self.grid.load_customers(*load).max(1)).sum();
        Belief {
            incident: id,
            candidates: self.candidates(view),
            confidence: view.confidence.clamp(0.0, 1.0),
            customers: view.customers.saturating_sub(back),
            why: (words::chinese(&self.grid, view), self.engine.explain(view)),
            ask: view.ask.map(|load| self.grid.load_id(load).to_owned()),
            premise: view.premise,
            restored_at: view.restored_at_ms.map(instant),
        }
    }
}

/// One customer called, and nothing but that call ever said that there is no supply: most likely it is in their own house.
fn nobody_was_off(view: &infer::Incident) -> bool {
    view.premise && view.heard.meters == 0 && view.heard.trips == 0
}
