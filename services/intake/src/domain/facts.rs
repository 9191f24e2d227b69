//! What the reports of an incident add up to. Sums can be put together in any order and any grouping: each is that of all the
//! reports in it, so a pass that only brings reports adds what came to what was known.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use relight_policy::AreaClass;
use uuid::Uuid;

use super::{
    IncidentId, ReportId,
    group::Call,
    incident::{Incident, State},
    place::Position,
};

/// What the reports of an incident add up to.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// How many.
    pub report_count: u32,
    /// The earliest acceptance.
    pub accepted_at: DateTime<Utc>,
    /// The latest.
    pub last_report_at: DateTime<Utc>,
    /// Their area classes, each once, by their words; none where nobody knows one.
    pub areas: Vec<Option<AreaClass>>,
    /// One told of danger.
    pub danger: bool,
    /// A life-support customer reported.
    pub life_support: bool,
    /// An important customer reported.
    pub important: bool,
    /// The first report that has a position.
    pub placed: Option<Placed>,
}

/// A report with its position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    /// Its t_accept.
    pub at: DateTime<Utc>,
    /// The report.
    pub report: ReportId,
    /// Where it is.
    pub position: Position,
}

impl Facts {
    fn of(call: &Call) -> Self {
        Self {
            report_count: 1,
            accepted_at: call.accepted_at,
            last_report_at: call.accepted_at,
            areas: vec![call.place.area],
            danger: call.danger,
            life_support: call.place.life_support,
            important: call.place.important,
            placed: call.place.position.map(|position| Placed {
                at: call.accepted_at,
                report: call.report,
                position,
            }),
        }
    }

    fn add(&mut self, other: Facts) {
        self.report_count += other.report_count;
        self.accepted_at = self.accepted_at.min(other.accepted_at);
        self.last_report_at = self.last_report_at.max(other.last_report_at);
        self.areas.extend(other.areas);
        self.areas.sort_by_key(|area| area.map_or("", AreaClass::word));
        self.areas.dedup();
        self.danger |= other.danger;
        self.life_support |= other.life_support;
        self.important |= other.important;
        let placed = self.placed.into_iter().chain(other.placed);
        self.placed = placed.min_by_key(|placed| (placed.at, placed.report));
    }
}

/// A customer who reported, with their first report of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reporter {
    /// The report.
    pub report_id: Uuid,
    /// The customer.
    pub customer_id: Uuid,
    /// Its t_accept.
    pub accepted_at: DateTime<Utc>,
}

/// Who reported, by customer.
pub type Reporters = BTreeMap<Uuid, Reporter>;

/// The sum of some reports.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Total {
    /// None without any report.
    pub facts: Option<Facts>,
    /// Who reported.
    pub reporters: Reporters,
}

impl Total {
    /// Of one report, as it is stored.
    pub fn of(call: &Call) -> Self {
        let reporter = call.place.customer_id.map(|customer| Reporter {
            report_id: call.report.uuid(),
            customer_id: customer,
            accepted_at: call.accepted_at,
        });
        Self {
            facts: Some(Facts::of(call)),
            reporters: reporter.map(|one| (one.customer_id, one)).into_iter().collect(),
        }
    }

    /// Adds other reports.
    pub fn add(&mut self, other: Total) {
        self.facts = match (self.facts.take(), other.facts) {
            (Some(mut facts), Some(more)) => {
                facts.add(more);
                Some(facts)
            }
            (one, more) => one.or(more),
        };
        for (customer, more) in other.reporters {
            let first = self.reporters.entry(customer).or_insert(more);
            if (more.accepted_at, more.report_id) < (first.accepted_at, first.report_id) {
                *first = more;
            }
        }
    }
}

/// Who reported is not known yet.
impl From<Facts> for Total {
    fn from(facts: Facts) -> Self {
        Self {
            facts: Some(facts),
            reporters: Reporters::new(),
        }
    }
}

/// What happens to the reports of incidents in one pass.
#[derive(Debug)]
pub struct Moves<'a> {
    /// Incidents that change; those merged give their reports to another.
    pub changed: &'a BTreeMap<IncidentId, Incident>,
    /// Reports with their new incidents.
    pub homes: Vec<(ReportId, IncidentId)>,
    /// Incidents that reports left.
    pub left: &'a BTreeSet<IncidentId>,
    /// The new reports.
    pub new: BTreeMap<ReportId, Total>,
}

/// The totals of the open incidents between two passes. One that is missing is added up from the reports.
#[derive(Debug, Default)]
pub struct Totals(BTreeMap<IncidentId, Total>);

impl Totals {
    /// Forgets what does not agree with the incidents as they are stored: somebody else moved reports.
    pub fn check(&mut self, open: &[Incident]) {
        let counts: BTreeMap<IncidentId, u32> = open.iter().map(|row| (row.id, row.report_count)).collect();
        self.0.retain(|id, total| {
            let known = total.facts.as_ref().map_or(0, |facts| facts.report_count);
            counts.get(id) == Some(&known)
        });
    }

    /// Remembers a total.
    pub fn keep(&mut self, id: IncidentId, total: Total) {
        self.0.insert(id, total);
    }

    /// Takes out what the changed incidents that live on add up to after `moves`. None: that has to be added up from their
    /// reports, since some left, or came from another incident.
    pub fn after(&mut self, mut moves: Moves<'_>) -> BTreeMap<IncidentId, Option<Total>> {
        let (mut sums, mut gone) = (BTreeMap::new(), Vec::new());
        for row in moves.changed.values() {
            let total = self.0.remove(&row.id).or((row.version == 0).then(Total::default));
            let total = total.filter(|_| !moves.left.contains(&row.id));
            match row.state {
                State::Merged(into) => gone.push((into, total)),
                State::Open | State::Closed(_) => drop(sums.insert(row.id, total)),
            }
        }
        let came = moves
            .homes
            .iter()
            .map(|(report, id)| (*id, moves.new.remove(report)));
        for (id, more) in came.chain(gone) {
            if let Some(sum) = sums.get_mut(&id) {
                *sum = sum.take().zip(more).map(|(mut total, more)| {
                    total.add(more);
                    total
                });
            }
        }
        sums
    }
}
