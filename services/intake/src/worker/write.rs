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
        mind::{Belief, Decision, Fed, Outcome},
        place::Place,
    },
    error::Error,
    news,
    store::{self, evidence::Decided, incident::SupplyPoints, number::Kind, replay::Thought},
};

/// What is going to be stored.
#[derive(Debug, Default)]
pub(super) struct Draft {
    changed: BTreeMap<IncidentId, Incident>,
    homes: BTreeMap<ReportId, (IncidentId, bool)>,
    over: Vec<(ReportId, IncidentId, bool)>,
    /// Incidents that reports left.
    left: BTreeSet<IncidentId>,
    bound: Vec<(DateTime<Utc>, String, IncidentId)>,
    beliefs: BTreeMap<IncidentId, Belief>,
    decisions: Vec<Decision>,
    lone: Vec<(Uuid, DateTime<Utc>, Place)>,
    fed: Vec<Fed>,
    thought: Option<Thought>,
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

    /// Reports of what was over when they were entered: they are linked, and nothing follows.
    pub(super) fn over(&mut self, over: BTreeMap<ReportId, IncidentId>) {
        self.over = over.into_iter().map(|(report, id)| (report, id, true)).collect();
    }

    /// What was decided, and with what.
    pub(super) fn outcome(&mut self, outcome: Outcome, thought: Thought) {
        self.thought = Some(thought);
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
        self.fed.extend(outcome.fed);
    }

    /// Stores everything: what lives on first, so that what merged can point to it. `new`: what each new report adds to the
    /// `totals`.
    pub(super) async fn store(
        mut self,
        desk: &Desk,
        work: &mut Work,
        arrival: &ArrivalLimits,
        totals: &mut Totals,
        new: BTreeMap<ReportId, Total>,
    ) -> Result<(), Error> {
        self.settle();
        let mut sums = Sums::new(work, totals, self.moves(new)).await?;
        let saved = save(desk, work, self.changed, &sums, arrival).await?;
        let homes: Vec<_> = self
            .homes
            .iter()
            .map(|(report, (id, fixed))| (*report, *id, *fixed))
            .collect();
        let now = work.at();
        let came_in = store::grouping::link(work.conn(), &homes, now).await?;
        store::grouping::link(work.conn(), &self.over, now).await?;
        store::over::count(work.conn(), &self.over).await?;
        store::evidence::bind(work.conn(), &self.bound).await?;
        sums.complete(work).await?;
        let supply = store::incident::supply_points(work.conn(), &saved).await?;
        tell(work, &saved, &sums, (&traces(&self.homes, came_in), &supply));
        sums.keep(&saved, totals);
        for (evidence, at, place) in &self.lone {
            news::tell_supply_off(work, (*evidence, *at), place, news::Relay::Unknown);
        }
        if let Some(thought) = self.thought {
            store::ways::insert(work.conn(), &self.fed, (now, thought.pass)).await?;
            keep(work, &self.beliefs, self.decisions, thought).await?;
        }
        Ok(())
    }

    /// Lets everything point to the incident that lives on, and leaves out what came and went within the pass, unless
    /// something happened in it: who was off for a moment was off.
    fn settle(&mut self) {
        let ends: BTreeMap<_, _> = self.changed.keys().map(|id| (*id, self.end_of(*id))).collect();
        let end = |id: &mut IncidentId| *id = ends.get(id).copied().unwrap_or(*id);
        self.homes.values_mut().for_each(|(id, _)| end(id));
        self.bound.iter_mut().for_each(|(.., id)| end(id));
        let mut meant: BTreeSet<IncidentId> = self.homes.values().map(|(id, _)| *id).collect();
        meant.extend(self.bound.iter().map(|(.., id)| *id));
        for incident in self.changed.values_mut() {
            if let State::Merged(into) = &mut incident.state {
                end(into);
                meant.extend((incident.version > 0).then_some(*into));
            }
        }
        let stays = |incident: &Incident| {
            incident.version > 0 || incident.state == State::Open || meant.contains(&incident.id)
        };
        let gone: BTreeSet<_> = self
            .changed
            .extract_if(.., |_, incident| !stays(incident))
            .map(|(id, _)| id)
            .collect();
        self.beliefs.retain(|id, _| !gone.contains(id));
        self.decisions
            .retain(|decision| !gone.contains(&decision.incident));
    }

    /// The incident that lives on for one that was merged.
    fn end_of(&self, id: IncidentId) -> IncidentId {
        match self.changed.get(&id).map(|incident| &incident.state) {
            Some(State::Merged(into)) => self.end_of(*into),
            _ => id,
        }
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
        let over = self.over.iter().map(|(report, ..)| report.uuid());
        self.homes
            .keys()
            .map(|report| report.uuid())
            .chain(over)
            .collect()
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
fn tell(work: &mut Work, saved: &[Incident], sums: &Sums, (traces, supply): (&Traces, &SupplyPoints)) {
    let nobody = Reporters::new();
    for incident in saved {
        let span = traces.get(&incident.id).map_or_else(Span::current, |trace| {
            telemetry::span_from(tracing::info_span!("group"), trace)
        });
        let reporters = sums.reporters(incident.id).unwrap_or(&nobody);
        span.in_scope(|| news::tell_incident(work, incident, reporters, supply.get(&incident.id)));
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
    for incident in &mut changed {
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
    }
    let saved = store::incident::save_all(work.conn(), changed).await?;
    for incident in &saved {
        if let State::Merged(into) = incident.state {
            store::grouping::relink(work.conn(), incident.id, into).await?;
            store::evidence::rebind(work.conn(), incident.id, into).await?;
        }
    }
    Ok(saved)
}

/// Keeps what is believed, and how it came to that.
async fn keep(
    work: &mut Work,
    beliefs: &BTreeMap<IncidentId, Belief>,
    decisions: Vec<Decision>,
    thought: Thought,
) -> Result<(), Error> {
    let now = work.at();
    let believed: Vec<&Belief> = beliefs.values().collect();
    store::evidence::believe(work.conn(), &believed, thought.version, now).await?;
    let mut kept = BTreeSet::new();
    for Decision {
        incident,
        what,
        device,
        basis,
    } in decisions
    {
        if !kept.insert((incident, what)) {
            continue;
        }
        let belief = beliefs.get(&incident);
        let decided = Decided {
            p: belief.map(|belief| belief.confidence),
            why: belief.map(|belief| belief.why.clone()).unwrap_or_default(),
            version: Some(thought.version),
            made_from: Some(thought).zip(basis),
            ..Decided::by_people(incident, now, what, device)
        };
        store::evidence::decide(work.conn(), &decided).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use relight_policy::AreaClass;

    use super::*;

    fn id(n: u128) -> IncidentId {
        IncidentId::from_uuid(Uuid::from_u128(n))
    }

    fn report(n: u128) -> ReportId {
        ReportId::from_uuid(Uuid::from_u128(n))
    }

    fn incident(n: u128, version: i64, state: State) -> Incident {
        Incident {
            id: id(n),
            number: String::new(),
            state,
            device: None,
            confirmed: None,
            affected: None,
            report_count: 0,
            urge_count: 0,
            accepted_at: DateTime::UNIX_EPOCH,
            last_report_at: DateTime::UNIX_EPOCH,
            off_at: DateTime::UNIX_EPOCH,
            area: AreaClass::Urban,
            danger: false,
            life_support: false,
            important: false,
            position: None,
            org_path: String::new(),
            zone: String::new(),
            version,
            parent: None,
            signal_at: None,
            by_hand: false,
        }
    }

    fn settled(incidents: impl IntoIterator<Item = Incident>, homes: &[(u128, u128)]) -> Draft {
        let mut draft = Draft::default();
        incidents.into_iter().for_each(|incident| draft.change(incident));
        let homes = homes.iter().map(|(of, at)| (report(*of), (id(*at), false)));
        draft.homes.extend(homes);
        draft.settle();
        draft
    }

    fn closed() -> State {
        State::Closed("restored".to_owned())
    }

    #[test]
    fn what_was_merged_points_to_what_is_stored_however_it_got_there() {
        // 1, which is stored, went into 2, which is new and went into 3, which is new and over already.
        let chain = [
            incident(1, 4, State::Merged(id(2))),
            incident(2, 0, State::Merged(id(3))),
            incident(3, 0, closed()),
        ];
        let draft = settled(chain, &[(7, 1), (8, 2)]);
        assert_eq!(draft.changed.keys().copied().collect::<Vec<_>>(), [id(1), id(3)]);
        assert_eq!(draft.changed[&id(1)].state, State::Merged(id(3)));
        assert!(draft.homes.values().all(|(home, _)| *home == id(3)));
    }

    #[test]
    fn what_came_and_went_within_a_pass_is_stored_only_when_somebody_was_in_it() {
        let draft = settled([incident(1, 0, closed()), incident(2, 0, closed())], &[(7, 2)]);
        assert_eq!(draft.changed.keys().copied().collect::<Vec<_>>(), [id(2)]);
        let mut draft = Draft::default();
        draft.change(incident(3, 0, closed()));
        draft.decisions.push(Decision {
            incident: id(3),
            what: "now",
            device: None,
            basis: None,
        });
        draft.bound.push((DateTime::UNIX_EPOCH, "L1".to_owned(), id(4)));
        draft.settle();
        assert!(draft.changed.is_empty() && draft.decisions.is_empty());
        assert_eq!(
            draft.bound.len(),
            1,
            "what is stored already is pointed to as before"
        );
    }
}
