//! One pass in one transaction: read what waits, think, store and tell.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use relight_common::{
    Work,
    lease::{self, Lease},
};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::{BATCH, Built, Held, PLACE_WAIT, SIGNALS, Worker, write::Draft};
use crate::{
    check,
    domain::{
        IncidentId,
        area::ArrivalLimits,
        facts::{Total, Totals},
        group::{Call, group},
        incident::Incident,
        mind::{Memory, Mind, Outcome, Piece, Round},
        signal::Heard,
        trip,
    },
    error::Error,
    news::{Relay, tell_supply_off},
    store::{self, queue::News, replay::Thought},
    topology::{Blind, Town},
};

/// What a pass works on.
struct Paper {
    now: DateTime<Utc>,
    /// Its number.
    pass: i64,
    stirred: i64,
    arrival: ArrivalLimits,
    calls: Vec<Call>,
    open: Vec<Incident>,
    totals: Totals,
    draft: Draft,
}

impl Worker {
    /// Does one pass; gives what is held after it, and the number of reports and signals taken.
    pub(super) async fn transact(
        &self,
        lease: Option<&Lease>,
        town: Option<&Arc<Town>>,
        held: Held,
        news: News,
        now: DateTime<Utc>,
    ) -> Result<(Held, usize), Error> {
        let mut work = Work::internal(&self.desk.db, "grouping", now).await?;
        if let Some(lease) = lease {
            lease::hold(work.conn(), lease).await?;
        }
        let mut held = held;
        let mut paper = self.read(&mut work, &mut held, now).await?;
        // As they are stored: what the network knows beside is no fact about a report.
        let new: BTreeMap<_, _> = paper
            .calls
            .iter()
            .map(|call| (call.report, Total::of(call)))
            .collect();
        let grouped = new.len();
        let (held, signals) = match town {
            None => (self.without_network(&mut work, &mut paper).await?, 0),
            Some(town) => self.with_network(&mut work, town, held, &mut paper).await?,
        };
        let Paper {
            arrival,
            draft,
            mut totals,
            stirred,
            ..
        } = paper;
        let placed = draft.reports();
        draft
            .store(&self.desk, &mut work, &arrival, &mut totals, new)
            .await?;
        if news.pending {
            store::queue::grouped_without_place(work.conn(), &placed).await?;
        }
        store::grouping::taken_in(work.conn()).await?;
        work.done().await?;
        metrics::counter!("relight_reports_grouped_total").increment(grouped as u64);
        let held = Held {
            totals,
            stirred,
            ..held
        };
        Ok((held, grouped + signals))
    }

    /// Reads what waits and locks what it may join.
    async fn read(&self, work: &mut Work, held: &mut Held, now: DateTime<Utc>) -> Result<Paper, Error> {
        let mut calls = store::queue::waiting(work.conn(), now - PLACE_WAIT, BATCH).await?;
        let urges = store::grouping::fold_urges(work.conn()).await?;
        let hints = calls.iter().filter_map(|call| call.hint);
        let named: Vec<Uuid> = hints.chain(urges.keys().copied()).map(IncidentId::uuid).collect();
        let mut open = store::grouping::open(work.conn(), &named).await?;
        // Whoever moves reports by hand locks an incident first: under these locks nobody does until commit.
        let stirred = store::evidence::stirred(work.conn()).await?;
        let mut totals = std::mem::take(&mut held.totals);
        if held.stirred != stirred {
            totals = Totals::default();
        }
        totals.check(&open);
        let mut draft = Draft::default();
        let over = store::over::incidents_of(work.conn(), &calls, self.desk.numbers_of.limits.window).await?;
        calls.retain(|call| !over.contains_key(&call.report));
        draft.over(over);
        for incident in &mut open {
            if let Some(count) = urges.get(&incident.id) {
                incident.urge_count += count;
                draft.change(incident.clone());
            }
        }
        Ok(Paper {
            now,
            pass: store::replay::next_pass(work.conn()).await?,
            stirred,
            arrival: ArrivalLimits::of(&self.desk.pack, now)?,
            calls,
            open,
            totals,
            draft,
        })
    }

    /// By transformer, as the registry says. It is weighed when there is a network.
    async fn without_network(&self, work: &mut Work, paper: &mut Paper) -> Result<Held, Error> {
        let (calls, open) = (std::mem::take(&mut paper.calls), std::mem::take(&mut paper.open));
        let heard = known_loads(&calls);
        store::evidence::insert_calls(work.conn(), &heard, (paper.now, paper.pass)).await?;
        let window = self.desk.numbers_of.limits.window;
        paper
            .draft
            .plan(group(open, calls, &Blind, &paper.arrival, Some(window)));
        Ok(Held::default())
    }

    /// Gives what is held after it, and the number of signals taken.
    async fn with_network(
        &self,
        work: &mut Work,
        town: &Arc<Town>,
        held: Held,
        paper: &mut Paper,
    ) -> Result<(Held, usize), Error> {
        let (mut calls, open) = (std::mem::take(&mut paper.calls), std::mem::take(&mut paper.open));
        calls.iter_mut().for_each(|call| town.complete(&mut call.place));
        let mut held = self.mind(work, town, held, paper).await?;
        let round = Round {
            now: paper.now,
            pieces: store::evidence::take(work.conn(), SIGNALS, paper.pass).await?,
            switched: store::switching::take_switched(work.conn(), town.version(), paper.pass).await?,
            calls,
            open,
        };
        let signals = round.pieces.len();
        hear_calls(work, &held, &round, paper.pass).await?;
        tell_relays(work, town, &round.pieces).await?;
        check::heard(&self.desk, work, &round.calls, &round.pieces).await?;
        let outcome = think(&mut held, town, round, paper.arrival).await?;
        take_outcome(paper, &mut held, town, outcome);
        held.decided_at = paper.now;
        Ok((held, signals))
    }

    /// The mind as it was, or a new one from what is stored.
    async fn mind(
        &self,
        work: &mut Work,
        town: &Arc<Town>,
        held: Held,
        paper: &Paper,
    ) -> Result<Held, Error> {
        let (stirred, now) = (paper.stirred, paper.now);
        if held.knows(town, stirred, now, self.grown) {
            return Ok(held);
        }
        let numbers = &self.desk.numbers_of;
        if let Some((number, state)) = town.switched() {
            let before = store::switching::tripped(work.conn()).await?;
            let told = trip::Told {
                device: "",
                is_closed: false,
                seen_only: false,
                opened: &state.opened,
            };
            let (at, tripped) = ((town.version(), *number), trip::tripped(told, &before));
            let unknown = store::switching::Act::default();
            store::switching::switched(work.conn(), at, (state, &unknown), &tripped).await?;
        }
        let since = store::evidence::horizon(work.conn(), now - numbers.memory).await?;
        let memory = store::evidence::memory(work.conn(), town.version(), since).await?;
        let built = Built {
            pass: paper.pass,
            since,
            weights: store::replay::keep_weights(work.conn(), &numbers.weights.text()).await?,
        };
        let (town, weights, limits) = (town.clone(), numbers.weights.clone(), numbers.limits.clone());
        let mind = spawn_blocking(move || build(&town, weights, limits, memory)).await;
        let mind = mind.map_err(|panic| Error::Network(panic.to_string()))?;
        Ok(Held {
            built_with: mind.heard(),
            mind: Some(mind),
            stirred,
            built_at: now,
            built,
            decided_at: now,
            ..held
        })
    }
}

/// Stores reports as evidence, each with the load it speaks for.
async fn hear_calls(work: &mut Work, held: &Held, round: &Round, pass: i64) -> Result<(), Error> {
    let Some(mind) = &held.mind else { return Ok(()) };
    let heard: Vec<_> = round
        .calls
        .iter()
        .filter_map(|call| Some((call.clone(), mind.load_id_of(call)?)))
        .collect();
    store::evidence::insert_calls(work.conn(), &heard, (round.now, pass)).await
}

/// A relay that opened cut its customer, whatever else is off there: the ledger looks for the case (operations.md O17).
async fn tell_relays(work: &mut Work, town: &Town, pieces: &[Piece]) -> Result<(), Error> {
    let of_relays = |heard| matches!(heard, Heard::RelayOpen | Heard::RelayClosed | Heard::PingOn);
    let spoke = pieces.iter().filter(|piece| of_relays(piece.heard));
    let spoke: Vec<String> = spoke.filter_map(|piece| piece.load.clone()).collect();
    let now = work.at();
    store::relay::keep(work.conn(), &spoke, now).await?;
    let open = pieces.iter().filter(|piece| piece.heard == Heard::RelayOpen);
    let asked: Vec<Uuid> = open.clone().map(|piece| piece.id).collect();
    let opened = store::relay::opened(work.conn(), &asked).await?;
    for piece in open.filter(|piece| opened.contains(&piece.id)) {
        let load = piece.load.as_deref().and_then(|load| town.grid().load(load));
        if let Some(load) = load {
            tell_supply_off(work, (piece.id, piece.at), &town.place_of(load), Relay::Opened);
        }
    }
    Ok(())
}

fn known_loads(calls: &[Call]) -> Vec<(Call, String)> {
    let known = calls
        .iter()
        .filter_map(|call| Some((call.clone(), call.place.load_id.clone()?)));
    known.collect()
}

fn take_outcome(paper: &mut Paper, held: &mut Held, town: &Town, mut outcome: Outcome) {
    let (open, leftover) = (
        std::mem::take(&mut outcome.open),
        std::mem::take(&mut outcome.leftover),
    );
    held.sure.extend(std::mem::take(&mut outcome.sure));
    let thought = Thought {
        version: town.version(),
        pass: paper.pass,
        built_in: held.built.pass,
        since: held.built.since,
        stirred: paper.stirred,
        weights: held.built.weights,
    };
    paper.draft.outcome(outcome, thought);
    if leftover.is_empty() {
        return;
    }
    let plan = group(open, leftover, town, &paper.arrival, None);
    if let Some(mind) = &mut held.mind {
        mind.joined(&plan.joins);
    }
    paper.draft.plan(plan);
}

fn build(
    town: &Town,
    weights: relight_grid::infer::Weights,
    limits: crate::domain::mind::Limits,
    memory: Memory,
) -> Mind {
    Mind::new(town.grid().clone(), town.lengths_m(), weights, limits, memory)
}

/// A round of the mind, on a thread that may take long.
async fn think(
    held: &mut Held,
    town: &Arc<Town>,
    round: Round,
    arrival: ArrivalLimits,
) -> Result<Outcome, Error> {
    let Some(mut mind) = held.mind.take() else {
        return Ok(Outcome::default());
    };
    let town = town.clone();
    let thought = spawn_blocking(move || {
        let outcome = mind.round(round, &*town, &arrival);
        (mind, outcome)
    });
    let (mind, outcome) = thought.await.map_err(|panic| Error::Network(panic.to_string()))?;
    held.mind = Some(mind);
    Ok(outcome)
}
