//! The open incidents while a round changes them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Basis, Belief, Decision, Fed, Outcome};
use crate::domain::{
    IncidentId, ReportId,
    area::ArrivalLimits,
    group::Call,
    incident::{Device, Incident, State},
    place::Place,
};

/// A confirmed device.
pub(super) struct Confirmed {
    pub(super) id: IncidentId,
    pub(super) device: String,
    pub(super) off_at: DateTime<Utc>,
}

pub(super) struct Book<'a> {
    rows: BTreeMap<IncidentId, Incident>,
    changed: BTreeSet<IncidentId>,
    /// Reports of each row, as far as this round knows.
    members: BTreeMap<IncidentId, i64>,
    homes: BTreeMap<ReportId, (IncidentId, bool)>,
    /// How many went from which to which.
    went: BTreeMap<IncidentId, BTreeMap<IncidentId, usize>>,
    pub(super) arrival: &'a ArrivalLimits,
    pub(super) leftover: Vec<Call>,
    pub(super) bound: Vec<(DateTime<Utc>, String, IncidentId)>,
    pub(super) beliefs: Vec<Belief>,
    pub(super) decisions: Vec<Decision>,
    pub(super) sure: Vec<(IncidentId, String)>,
    pub(super) lone: Vec<(Uuid, DateTime<Utc>, Place)>,
    pub(super) fed: Vec<Fed>,
}

impl<'a> Book<'a> {
    pub(super) fn new(open: Vec<Incident>, arrival: &'a ArrivalLimits) -> Self {
        Self {
            members: open
                .iter()
                .map(|row| (row.id, i64::from(row.report_count)))
                .collect(),
            rows: open.into_iter().map(|row| (row.id, row)).collect(),
            changed: BTreeSet::new(),
            homes: BTreeMap::new(),
            went: BTreeMap::new(),
            arrival,
            leftover: Vec::new(),
            bound: Vec::new(),
            beliefs: Vec::new(),
            decisions: Vec::new(),
            sure: Vec::new(),
            lone: Vec::new(),
            fed: Vec::new(),
        }
    }

    pub(super) fn get(&self, id: IncidentId) -> Option<&Incident> {
        self.rows.get(&id).filter(|row| row.state == State::Open)
    }

    pub(super) fn is_open(&self, id: IncidentId) -> bool {
        self.get(id).is_some()
    }

    /// Whether it is open, and nobody knows the device for sure.
    pub(super) fn is_unconfirmed(&self, id: IncidentId) -> bool {
        self.get(id).is_some_and(|row| row.confirmed.is_none())
    }

    /// Whether the engine may move this one.
    pub(super) fn is_guess(&self, id: IncidentId) -> bool {
        self.get(id)
            .is_some_and(|row| row.confirmed.is_none() && !row.by_hand)
    }

    pub(super) fn confirmed(&self) -> impl Iterator<Item = Confirmed> + '_ {
        self.rows.values().filter_map(|row| {
            row.confirmed.as_ref()?;
            Some(Confirmed {
                id: row.id,
                device: row.device.as_ref()?.id.clone(),
                off_at: row.off_at,
            })
        })
    }

    /// The open child of `parent` at this device.
    pub(super) fn child_at(&self, parent: IncidentId, device: Option<&Device>) -> Option<IncidentId> {
        let mut rows = self.rows.values().filter(|row| row.state == State::Open);
        rows.find(|row| row.parent == Some(parent) && row.device.as_ref() == device)
            .map(|row| row.id)
    }

    /// Open incidents that the engine may move.
    pub(super) fn guesses(&self) -> impl Iterator<Item = &Incident> {
        self.rows.values().filter(|row| self.is_guess(row.id))
    }

    /// Open children that began with signals.
    pub(super) fn children_of_signals(&self) -> impl Iterator<Item = &Incident> {
        let open = self.rows.values().filter(|row| row.state == State::Open);
        open.filter(|row| row.parent.is_some() && row.signal_at.is_some())
    }

    pub(super) fn open(&mut self, row: Incident) {
        self.changed.insert(row.id);
        self.members.insert(row.id, 0);
        self.rows.insert(row.id, row);
    }

    /// Changes a row; it is stored and told when that made a difference.
    pub(super) fn change(&mut self, id: IncidentId, change: impl FnOnce(&mut Incident)) {
        if let Some(row) = self.rows.get_mut(&id) {
            let before = row.clone();
            change(row);
            if *row != before {
                self.changed.insert(id);
            }
        }
    }

    /// Gives a report its home, and counts who has how many.
    pub(super) fn move_report(
        &mut self,
        report: ReportId,
        from: Option<IncidentId>,
        to: IncidentId,
        fixed: bool,
    ) {
        self.homes.insert(report, (to, fixed));
        self.changed.insert(to);
        *self.members.entry(to).or_default() += 1;
        if let Some(from) = from {
            self.changed.insert(from);
            *self.members.entry(from).or_default() -= 1;
            *self.went.entry(from).or_default().entry(to).or_default() += 1;
        }
    }

    /// Open guesses that have no report left.
    pub(super) fn emptied(&self) -> Vec<IncidentId> {
        let changed = self.changed.iter().copied();
        changed
            .filter(|id| self.is_guess(*id) && self.members(*id) <= 0)
            .collect()
    }

    /// The incident that most of the reports of `id` went to.
    pub(super) fn heir(&self, id: IncidentId) -> Option<IncidentId> {
        let went = self.went.get(&id)?.iter();
        let most = went.max_by_key(|(heir, count)| (**count, std::cmp::Reverse(**heir)))?;
        Some(self.end_of(*most.0)).filter(|heir| *heir != id)
    }

    pub(super) fn members(&self, id: IncidentId) -> i64 {
        self.members.get(&id).copied().unwrap_or(0)
    }

    pub(super) fn decide(
        &mut self,
        incident: IncidentId,
        what: &'static str,
        device: Option<String>,
        basis: Option<Basis>,
    ) {
        self.decisions.push(Decision {
            incident,
            what,
            device,
            basis,
        });
    }

    /// Makes `gone` part of `into`; its reports follow.
    pub(super) fn absorb(&mut self, into: IncidentId, gone: IncidentId, basis: Option<Basis>) {
        let moved = self.members.insert(gone, 0).unwrap_or(0);
        *self.members.entry(into).or_default() += moved;
        let Some(row) = self.rows.get_mut(&gone) else {
            return;
        };
        row.state = State::Merged(into);
        let gone_row = row.clone();
        let arrival = self.arrival;
        self.changed.extend([into, gone]);
        self.decide(gone, "merged", None, basis);
        if let Some(row) = self.rows.get_mut(&into) {
            row.take_in(&gone_row, arrival);
        }
    }

    /// The row that lives on for one that was merged in this round.
    pub(super) fn end_of(&self, id: IncidentId) -> IncidentId {
        match self.rows.get(&id).map(|row| &row.state) {
            Some(State::Merged(into)) => self.end_of(*into),
            _ => id,
        }
    }

    pub(super) fn close(self) -> Outcome {
        let ends: BTreeMap<IncidentId, IncidentId> =
            self.rows.keys().map(|id| (*id, self.end_of(*id))).collect();
        let end = |id: IncidentId| ends.get(&id).copied().unwrap_or(id);
        let homes = self
            .homes
            .iter()
            .map(|(report, (id, fixed))| (*report, end(*id), *fixed))
            .collect();
        let changed = self
            .rows
            .values()
            .filter(|row| self.changed.contains(&row.id))
            .map(|row| match row.state {
                State::Merged(_) => Incident {
                    state: State::Merged(end(row.id)),
                    ..row.clone()
                },
                State::Open | State::Closed(_) => row.clone(),
            })
            .collect();
        Outcome {
            left: self.went.into_keys().collect(),
            homes,
            changed,
            open: self
                .rows
                .values()
                .filter(|row| row.state == State::Open)
                .cloned()
                .collect(),
            bound: self
                .bound
                .iter()
                .map(|(at, load, id)| (*at, load.clone(), end(*id)))
                .collect(),
            beliefs: self
                .beliefs
                .into_iter()
                .filter(|belief| {
                    self.rows
                        .get(&belief.incident)
                        .is_some_and(|row| row.state == State::Open)
                })
                .collect(),
            decisions: self.decisions,
            leftover: self.leftover,
            sure: self.sure,
            lone: self.lone,
            fed: self.fed,
        }
    }
}
