//! Who is fed another way while an incident goes on: their supply is back as far as anybody knows, and what they report from then on is
//! "still off", until it is switched back. For a guess that is told here; for a confirmed device the service tells it of the whole
//! affected set ([`crate::domain::fed`]).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use relight_grid::LoadIx;

use super::{Mind, book::Book, instant};
use crate::domain::IncidentId;

/// Somebody who was off is fed another way than they were then, or not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fed {
    /// Where.
    pub load: String,
    /// By which they were off.
    pub incident: IncidentId,
    /// Since when.
    pub at: DateTime<Utc>,
    /// Fed; else it is as it was when they went off.
    pub is_fed: bool,
}

/// That somebody who was off by an incident is fed another way from one moment on, or not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Way {
    pub(super) at_ms: i64,
    pub(super) incident: IncidentId,
    pub(super) is_fed: bool,
}

impl Mind {
    /// Whether this load, off by an incident, was fed another way at a moment.
    pub(super) fn is_fed_another_way(&self, load: LoadIx, at_ms: i64, of: IncidentId) -> bool {
        let mut ways = self.ways.get(&load).into_iter().flatten();
        let last = ways.rfind(|way| way.incident == of && way.at_ms <= at_ms);
        last.is_some_and(|way| way.is_fed)
    }

    /// When this load had supply again, as far as anybody knew, and by which incident it had been off.
    pub(super) fn marks(&self, load: LoadIx) -> impl Iterator<Item = (i64, IncidentId)> + '_ {
        let restored = self.restored.get(&load).into_iter().flatten().copied();
        let ways = self.ways.get(&load).into_iter().flatten();
        let fed = ways.filter(|way| way.is_fed).map(|way| (way.at_ms, way.incident));
        restored.chain(fed)
    }

    /// Notes who reported before the network was switched and is fed another way now, and who is not any more.
    pub(super) fn note_ways(&mut self, book: &mut Book<'_>) {
        for (load, way) in self.new_ways(book) {
            if self.ways.entry(load).or_default().insert(way) {
                book.fed.push(Fed {
                    load: self.grid.load_id(load).to_owned(),
                    incident: way.incident,
                    at: instant(way.at_ms),
                    is_fed: way.is_fed,
                });
            }
        }
    }

    fn new_ways(&self, book: &Book<'_>) -> BTreeSet<(LoadIx, Way)> {
        let theirs = self.fed_of_incidents(book).into_iter();
        let ways = theirs.filter_map(|((load, incident), fed)| {
            let (is_fed, was) = (fed.is_some(), self.is_fed_another_way(load, i64::MAX, incident));
            let at_ms = fed.or_else(|| self.engine.switched_ms())?;
            let way = Way {
                at_ms,
                incident,
                is_fed,
            };
            (is_fed != was).then_some((load, way))
        });
        ways.collect()
    }

    /// Whether anybody who reported is still fed through the device that the guess names: switching has not led around it.
    pub(super) fn still_hang(&self, incident: IncidentId, book: &Book<'_>) -> bool {
        let mut all = self.reports.iter();
        all.any(|(load, told)| {
            told.iter().any(|one| one.incident == Some(incident)) && self.hangs(*load, incident, book)
        })
    }

    fn hangs(&self, load: LoadIx, incident: IncidentId, book: &Book<'_>) -> bool {
        let named = book.get(incident).and_then(|row| row.device.as_ref());
        let device = named.and_then(|device| self.grid.device(&device.id));
        device.is_some_and(|device| self.engine.hangs_on(load, device))
    }

    /// The guess that goes on without a finding since the network was switched, because this load hangs on its device as those who reported
    /// do; the oldest.
    pub(super) fn kept_at(&self, load: LoadIx, book: &Book<'_>) -> Option<IncidentId> {
        self.engine.switched_ms()?;
        let now = self.bound.iter().filter(|(key, _)| self.views.contains_key(key));
        let spoken_for: BTreeSet<IncidentId> = now.map(|(_, id)| *id).collect();
        let silent = book.guesses().filter(|row| !spoken_for.contains(&row.id));
        let around = silent.filter(|row| self.hangs(load, row.id, book) && self.was_switched(row.id, book));
        around
            .min_by_key(|row| (row.accepted_at, row.id))
            .map(|row| row.id)
    }

    /// Whether somebody who reported is fed another way since, and through the same device.
    fn was_switched(&self, incident: IncidentId, book: &Book<'_>) -> bool {
        let mut all = self.reports.iter();
        all.any(|(load, told)| {
            let mut theirs = told.iter().filter(|one| one.incident == Some(incident));
            theirs.any(|one| self.engine.fed_another_way(*load, one.at_ms()).is_some())
                && self.hangs(*load, incident, book)
        })
    }

    /// Whether somebody reported at none of these ascending loads, and is not fed another way since: what speaks of these says nothing
    /// about them.
    pub(super) fn has_others(&self, incident: IncidentId, loads: &[LoadIx]) -> bool {
        let mut others = self
            .reports
            .iter()
            .filter(|(load, _)| loads.binary_search(load).is_err());
        others.any(|(load, told)| {
            told.iter().any(|one| one.incident == Some(incident))
                && !self.is_fed_another_way(*load, i64::MAX, incident)
        })
    }

    /// Everybody who reported, by load and incident, with since when they are fed another way than at one of their reports.
    fn fed_of_incidents(&self, book: &Book<'_>) -> BTreeMap<(LoadIx, IncidentId), Option<i64>> {
        let mut fed = BTreeMap::new();
        let all = self.reports.iter();
        for (load, told) in all.flat_map(|(load, told)| told.iter().map(move |one| (*load, one))) {
            if let Some(incident) = told.incident.filter(|id| book.is_unconfirmed(*id)) {
                let since = self.engine.fed_another_way(load, told.at_ms());
                let since = since.filter(|_| !self.hangs(load, incident, book));
                let known = fed.entry((load, incident)).or_insert(since);
                *known = since.max(*known);
            }
        }
        fed
    }
}
