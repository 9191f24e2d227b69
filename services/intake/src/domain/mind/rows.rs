//! Findings of the engine as incidents: bound, adopted, opened, merged, closed.

use std::collections::{BTreeMap, BTreeSet};

use relight_grid::{DeviceIx, LoadIx, infer::IncidentKey};

use super::{Basis, Home, Mind, Places, book::Book, instant};
use crate::domain::{
    IncidentId,
    group::Call,
    incident::{Device, Incident, State},
    place::Position,
};

/// A report by its load and its place among the load's reports.
type At = (LoadIx, usize);

impl Mind {
    /// Gives every report at `dirty` loads its home, and every finding that needs one an incident.
    pub(super) fn place_reports(
        &mut self,
        dirty: &BTreeSet<LoadIx>,
        book: &mut Book<'_>,
        places: &dyn Places,
    ) {
        self.store_rebound(book);
        let mut wanting: BTreeMap<IncidentKey, Vec<At>> = BTreeMap::new();
        let mut settled: Vec<(At, IncidentId)> = Vec::new();
        let (mut nowhere, mut still_off) = (Vec::new(), Vec::new());
        for &load in dirty {
            for (place, told) in self.reports.get(&load).into_iter().flatten().enumerate() {
                let moves = told.incident.is_none_or(|id| book.is_open(id)) && !told.fixed;
                if !moves {
                    continue;
                }
                match self.home(load, told.at_ms()) {
                    Home::Incident(id) => settled.push(((load, place), id)),
                    Home::Finding(key) => match self.restored_of(load, told.at_ms(), key) {
                        Some(parent) => still_off.push(((load, place), parent)),
                        None => wanting.entry(key).or_default().push((load, place)),
                    },
                    Home::Nowhere => nowhere.push((load, place)),
                }
            }
        }
        self.heard_by_signals(dirty, &mut wanting);
        for (key, reports) in wanting {
            match self.row_of(key, &reports, book, places) {
                Some(id) => settled.extend(reports.into_iter().map(|at| (at, id))),
                None => nowhere.extend(reports),
            }
        }
        for (at, id) in settled {
            self.settle(at, id, book);
        }
        for (at, parent) in still_off {
            let id = self.child(at, parent, book, places);
            self.settle(at, id, book);
        }
        self.settle_hinted(dirty, book);
        for (load, place) in nowhere {
            // One that has an incident stays there.
            let told = self.reports.get_mut(&load).and_then(|all| all.get_mut(place));
            book.leftover.extend(told.and_then(|told| told.call.take()));
        }
    }

    /// Findings of meters and telemetry alone, strong enough for an incident.
    fn heard_by_signals(&self, dirty: &BTreeSet<LoadIx>, wanting: &mut BTreeMap<IncidentKey, Vec<At>>) {
        let around = dirty.iter().filter_map(|load| self.covers.get(load)).flatten();
        for key in around.copied().collect::<BTreeSet<_>>() {
            let heard = self.views[&key].heard;
            if heard.trips > 0 || heard.meters >= self.limits.meters_open {
                wanting.entry(key).or_default();
            }
        }
    }

    fn settle(&mut self, (load, place): At, id: IncidentId, book: &mut Book<'_>) {
        let Some(told) = self.reports.get_mut(&load).and_then(|all| all.get_mut(place)) else {
            return;
        };
        told.call = None;
        if told.incident != Some(id) {
            book.move_report(told.report, told.incident, id, false);
            told.incident = Some(id);
        }
    }

    /// What the ledger named is linked once.
    fn settle_hinted(&mut self, dirty: &BTreeSet<LoadIx>, book: &mut Book<'_>) {
        for load in dirty {
            for told in self.reports.get_mut(load).into_iter().flatten() {
                if let (true, Some(id)) = (told.fixed, told.incident)
                    && told.call.take().is_some()
                {
                    book.move_report(told.report, None, id, true);
                }
            }
        }
    }

    /// The incident of a finding: the one it is bound to, else one of its reports' that is free, else a new one. None
    /// when its incident is over.
    fn row_of(
        &mut self,
        key: IncidentKey,
        reports: &[At],
        book: &mut Book<'_>,
        places: &dyn Places,
    ) -> Option<IncidentId> {
        let bound = self.bound.get(&key).copied();
        let keeps = |id: &IncidentId| self.may_hold(*id, reports) && !self.is_anothers(key, *id, book);
        if let Some(id) = bound.filter(keeps) {
            return book.is_open(id).then_some(id);
        }
        let free = |id: &IncidentId| {
            let taken = self
                .bound
                .iter()
                .any(|(other, bound)| bound == id && self.views.contains_key(other));
            book.is_guess(*id) && !taken
        };
        let theirs = reports
            .iter()
            .filter_map(|(load, place)| self.reports[load][*place].incident);
        let oldest = |id: &IncidentId| book.get(*id).map(|row| (row.accepted_at, row.id));
        let adopted = theirs.filter(free).min_by_key(oldest);
        let adopted = adopted.or_else(|| self.kept_at(key.load, book));
        let id = adopted.unwrap_or_else(|| {
            let row = self.new_row(key, reports, book, places);
            let id = row.id;
            book.open(row);
            id
        });
        self.bind(key, id, book);
        Some(id)
    }

    /// Whether an earlier finding of now has this guess. Two can be bound to one: they were one outage once, and came apart
    /// again after a restart, which knows of both from the table.
    fn is_anothers(&self, key: IncidentKey, id: IncidentId, book: &Book<'_>) -> bool {
        let mut earlier = self.bound.range(..key);
        book.is_guess(id) && earlier.any(|(other, bound)| *bound == id && self.views.contains_key(other))
    }

    /// Whether these can be part of the incident: below its device, when that is confirmed.
    fn may_hold(&self, id: IncidentId, reports: &[At]) -> bool {
        let claim = self.claims.get(&id);
        claim.is_none_or(|claim| reports.is_empty() || reports.iter().any(|(load, _)| claim.has(*load)))
    }

    pub(super) fn bind(&mut self, key: IncidentKey, id: IncidentId, book: &mut Book<'_>) {
        self.bound.insert(key, id);
        let load = self.grid.load_id(key.load).to_owned();
        book.bound.push((instant(key.at_ms), load, id));
    }

    /// The incident of a finding, when this load was restored in it before: a report after that is about something else.
    pub(super) fn restored_of(&self, load: LoadIx, at_ms: i64, key: IncidentKey) -> Option<IncidentId> {
        let of = self.bound.get(&key).copied()?;
        self.is_back(load, at_ms, of).then_some(of)
    }

    /// The child of `parent` at the transformer of a load that is still off: one that is there, or a new one.
    fn child(
        &mut self,
        (load, place): At,
        parent: IncidentId,
        book: &mut Book<'_>,
        places: &dyn Places,
    ) -> IncidentId {
        let transformer = self.grid.normal_supply().transformer(load);
        let device = transformer.map(|device| self.name(device));
        if let Some(id) = book.child_at(parent, device.as_ref()) {
            return id;
        }
        let told = &self.reports[&load][place];
        let key = IncidentKey {
            at_ms: told.at_ms(),
            load,
        };
        let row = Incident {
            parent: Some(parent),
            ..self.row(key, told.call.as_ref(), device, book, places)
        };
        let id = row.id;
        book.open(row);
        self.bind(key, id, book);
        id
    }

    fn new_row(&self, key: IncidentKey, reports: &[At], book: &Book<'_>, places: &dyn Places) -> Incident {
        let calls = reports
            .iter()
            .filter_map(|(load, place)| self.reports[load][*place].call.as_ref());
        let first = calls.min_by_key(|call| (call.accepted_at, call.report));
        Incident {
            parent: self.parent(key, reports),
            signal_at: reports.is_empty().then(|| instant(key.at_ms)),
            ..self.row(key, first, self.device_of(&self.views[&key]), book, places)
        }
    }

    /// A new incident that began with this report, or at this load.
    pub(super) fn row(
        &self,
        key: IncidentKey,
        first: Option<&Call>,
        device: Option<Device>,
        book: &Book<'_>,
        places: &dyn Places,
    ) -> Incident {
        let place = first.map_or_else(|| places.place_of(key.load), |call| call.place.clone());
        let began = self.began(key);
        let at = first.map_or(began, |call| call.accepted_at);
        Incident {
            id: IncidentId::new(),
            number: String::new(),
            state: State::Open,
            position: device
                .as_ref()
                .and_then(|device| self.position(&device.id))
                .or(place.position),
            device,
            confirmed: None,
            affected: None,
            report_count: 0,
            urge_count: 0,
            accepted_at: at,
            last_report_at: at,
            off_at: at.min(began),
            area: place.area.unwrap_or(book.arrival.strictest()),
            danger: first.is_some_and(|call| call.danger),
            life_support: place.life_support,
            important: place.important,
            org_path: place.org_path,
            zone: place.zone,
            version: 0,
            parent: None,
            signal_at: None,
            by_hand: false,
        }
    }

    /// When the first word of it was said: the engine counts milliseconds, a call is not cut to them.
    fn began(&self, key: IncidentKey) -> chrono::DateTime<chrono::Utc> {
        let mut told = self.reports.get(&key.load).into_iter().flatten();
        let call = told
            .find(|told| told.at_ms() == key.at_ms)
            .and_then(|told| told.call.as_ref());
        call.map_or(instant(key.at_ms), |call| call.accepted_at)
    }

    pub(super) fn name(&self, device: DeviceIx) -> Device {
        Device {
            id: self.grid.device_id(device).to_owned(),
            kind: self.grid.device_kind(device).as_str().to_owned(),
        }
    }

    /// The incident whose restoration these did not share.
    fn parent(&self, key: IncidentKey, reports: &[At]) -> Option<IncidentId> {
        let since = key.at_ms - self.limits.still_off.num_milliseconds();
        let loads = reports.iter().map(|(load, _)| *load).chain([key.load]);
        let marks = loads.flat_map(|load| self.marks(load));
        marks
            .filter(|(at, _)| (since..=key.at_ms).contains(at))
            .max()
            .map(|(_, of)| of)
    }

    pub(super) fn position(&self, device: &str) -> Option<Position> {
        let at = self.grid.device_position(self.grid.device(device)?)?;
        Some(Position {
            lon: at.lon,
            lat: at.lat,
        })
    }

    /// Findings that are no more: their incidents become part of others, or are over.
    pub(super) fn end(
        &mut self,
        gone: Vec<(IncidentKey, Option<IncidentKey>)>,
        is_switched: bool,
        book: &mut Book<'_>,
    ) {
        for (key, into) in gone {
            let Some(id) = self.bound.remove(&key) else {
                continue;
            };
            let id = book.end_of(id);
            if self.is_spoken_for(id) {
                continue;
            }
            let other = into.and_then(|into| self.bound.get(&into)).copied();
            let basis = self.basis(key, id);
            match (other.map(|other| book.end_of(other)), into) {
                (Some(other), _) if other == id => {}
                (Some(other), _) if book.is_guess(id) && book.is_open(other) => {
                    self.absorb((other, id), Some(basis), book);
                }
                (Some(other), Some(into)) if book.is_guess(other) && book.is_open(id) => {
                    self.absorb((id, other), Some(basis), book);
                    self.bind(into, id, book);
                }
                (None, Some(into)) if book.is_open(id) => self.bind(into, id, book),
                _ if is_switched && book.is_guess(id) && !self.still_hang(id, book) => {
                    book.change(id, |row| row.state = State::Closed("fed_again".to_owned()));
                    book.decide(id, "gone", None, Some(basis));
                }
                _ => {}
            }
        }
        self.end_empty(book);
    }

    /// Whether a finding of now belongs to this incident.
    pub(super) fn is_spoken_for(&self, id: IncidentId) -> bool {
        let mut bound = self.bound.iter();
        bound.any(|(key, bound)| *bound == id && self.views.contains_key(key))
    }

    fn absorb(&mut self, (into, gone): (IncidentId, IncidentId), basis: Option<Basis>, book: &mut Book<'_>) {
        book.absorb(into, gone, basis);
        self.bound
            .values_mut()
            .filter(|id| **id == gone)
            .for_each(|id| *id = into);
        for told in self.reports.values_mut().flatten() {
            if told.incident == Some(gone) {
                told.incident = Some(into);
            }
        }
    }

    /// Guesses whose reports all went elsewhere are part of the incident that has their first place now.
    fn end_empty(&mut self, book: &mut Book<'_>) {
        for id in book.emptied() {
            let key = self
                .bound
                .iter()
                .find(|(_, bound)| **bound == id)
                .map(|(key, _)| *key);
            let begun_by_signals = book.get(id).filter(|row| row.signal_at.is_some());
            if begun_by_signals.is_some_and(|row| {
                key.is_some_and(|key| self.views.contains_key(&key)) || self.is_kept_by_meters(row)
            }) {
                continue;
            }
            match book.heir(id).filter(|heir| book.is_open(*heir)) {
                Some(heir) => self.absorb((heir, id), None, book),
                None => book.change(id, |row| row.state = State::Closed("no_evidence".to_owned())),
            }
        }
    }
}
