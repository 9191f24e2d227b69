//! What a pass stores and tells, in one piece.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use relight_common::{Work, telemetry};
use tracing::Span;
use uuid::Uuid;

use super::sums::Sums;
use crate::{
    desk::Desk,
    domain::{
        IncidentId, ReportId,
        area::ArrivalLimits,
        facts::{Moves, Reporters, Total, Totals},
        group::Plan,
        incident::{Incident, State},
        mind::{Belief, Outcome},
        place::Place,
    },
    error::Error,
    news,
    store::{self, evidence::Decided, number::Kind},
};

/// What is going to be stored.
#[derive(Debug, Default)]
pub(super) struct Draft {
    changed: BTreeMap<IncidentId, Incident>,
    homes: BTreeMap<ReportId, (IncidentId, bool)>,
    /// Incidents that reports left.
    left: BTreeSet<IncidentId>,
    bound: Vec<(DateTime<Utc>, String, IncidentId)>,
    beliefs: BTreeMap<IncidentId, Belief>,
    decisions: Vec<(IncidentId, &'static str, Option<String>)>,
    lone: Vec<(Uuid, DateTime<Utc>, Place)>,
    thought_on: Option<Uuid>,
}

impl Draft {
    pub(super) fn change(&mut self, incident: Incident) {
        self.changed.insert(incident.id, incident);
    }

    pub(super) fn plan(&mut self, plan: Plan) {
        plan.changed
            .into_iter()
            .for_each(|incident| self.change(incident));
        let homes = plan.joins.into_iter().map(|(report, id)| (report, (id, false)));
        self.homes.extend(homes);
    }

    /// What was decided on this version of the network.
    pub(super) fn outcome(&mut self, outcome: Outcome, version: Uuid) {
        self.thought_on = Some(version);
        outcome
            .changed
            .into_iter()
            .for_each(|incident| self.change(incident));
        self.left.extend(outcome.left);
        let homes = outcome.homes.into_iter();
        self.homes
            .extend(homes.map(|(report, id, fixed)| (report, (id, fixed))));
        self.bound.extend(outcome.bound);
        let beliefs = outcome.beliefs.into_iter();
        self.beliefs
            .extend(beliefs.map(|belief| (belief.incident, belief)));
        self.decisions.extend(outcome.decisions);
        self.lone.extend(outcome.lone);
    }

    /// Stores everything: what lives on first, so that what merged can point to it. `new`: what each new report adds to the
    /// `totals`.
    pub(super) async fn store(
        self,
        desk: &Desk,
        work: &mut Work,
        arrival: &ArrivalLimits,
        totals: &mut Totals,
        new: BTreeMap<ReportId, Total>,
    ) -> Result<(), Error> {
        let mut sums = Sums::new(work, totals, self.moves(new)).await?;
        let saved = save(desk, work, self.changed, &sums, arrival).await?;
        let homes: Vec<_> = self
            .homes
            .iter()
            .map(|(report, (id, fixed))| (*report, *id, *fixed))
            .collect();
        let now = work.at();
        let came_in = store::grouping::link(work.conn(), &homes, now).await?;
        store::evidence::bind(work.conn(), &self.bound).await?;
        sums.complete(work).await?;
        tell(work, &saved, &sums, &traces(&self.homes, came_in));
        sums.keep(&saved, totals);
        for (evidence, at, place) in &self.lone {
            news::tell_supply_off(work, *evidence, *at, place);
        }
        if let Some(version) = self.thought_on {
            keep(work, &self.beliefs, &self.decisions, version).await?;
        }
        Ok(())
    }

    fn moves(&self, new: BTreeMap<ReportId, Total>) -> Moves<'_> {
        let homes = self.homes.iter().map(|(report, (id, _))| (*report, *id));
        Moves {
            changed: &self.changed,
            homes: homes.collect(),
            left: &self.left,
            new,
        }
    }

    /// The reports that get an incident.
    pub(super) fn reports(&self) -> Vec<Uuid> {
        self.homes.keys().map(|report| report.uuid()).collect()
    }
}

/// W3C trace contexts in which incidents are told.
type Traces = BTreeMap<IncidentId, String>;

/// The trace each incident is told in: that of the oldest report which came to it now.
fn traces(homes: &BTreeMap<ReportId, (IncidentId, bool)>, came_in: Vec<(ReportId, String)>) -> Traces {
    let mut traces = Traces::new();
    for (report, trace) in came_in.into_iter().collect::<BTreeMap<_, _>>() {
        if let Some((incident, _)) = homes.get(&report) {
            traces.entry(*incident).or_insert(trace);
        }
    }
    traces
}

/// Tells the state of these incidents, each once, with who reported it.
fn tell(work: &mut Work, saved: &[Incident], sums: &Sums, traces: &Traces) {
    let nobody = Reporters::new();
    for incident in saved {
        let span = traces.get(&incident.id).map_or_else(Span::current, |trace| {
            telemetry::span_from(tracing::info_span!("group"), trace)
        });
        let reporters = sums.reporters(incident.id).unwrap_or(&nobody);
        span.in_scope(|| news::tell_incident(work, incident, reporters));
    }
}

async fn save(
    desk: &Desk,
    work: &mut Work,
    changed: BTreeMap<IncidentId, Incident>,
    sums: &Sums,
    arrival: &ArrivalLimits,
) -> Result<Vec<Incident>, Error> {
    let mut changed: Vec<Incident> = changed.into_values().collect();
    changed.sort_by_key(|incident| (matches!(incident.state, State::Merged(_)), incident.id));
    let mut saved = Vec::with_capacity(changed.len());
    for mut incident in changed {
        match sums.facts(incident.id) {
            Some(facts) => incident.set_facts(facts.clone(), arrival),
            None if incident.state == State::Open => incident.report_count = 0,
            None => {}
        }
        if incident.version == 0 {
            incident.number = desk
                .numbers
                .next(Kind::Incident, work.at(), &incident.zone)
                .await?;
        }
        let incident = store::incident::save(work.conn(), incident).await?;
        if let State::Merged(into) = incident.state {
            store::grouping::relink(work.conn(), incident.id, into).await?;
            store::evidence::rebind(work.conn(), incident.id, into).await?;
        }
        saved.push(incident);
    }
    Ok(saved)
}

/// Keeps what is believed, and how it came to that.
async fn keep(
    work: &mut Work,
    beliefs: &BTreeMap<IncidentId, Belief>,
    decisions: &[(IncidentId, &'static str, Option<String>)],
    version: Uuid,
) -> Result<(), Error> {
    let now = work.at();
    for belief in beliefs.values() {
        store::evidence::believe(work.conn(), belief, version, now).await?;
    }
    let mut kept = BTreeSet::new();
    for (incident, what, device) in decisions {
        if !kept.insert((*incident, *what)) {
            continue;
        }
        let belief = beliefs.get(incident);
        let decided = Decided {
            incident: *incident,
            at: now,
            what,
            device: device.clone(),
            p: belief.map(|belief| belief.confidence),
            why: belief.map(|belief| belief.why.clone()).unwrap_or_default(),
            version: Some(version),
        };
        store::evidence::decide(work.conn(), &decided).await?;
    }
    Ok(())
}
