//! The grouping worker: one at a time (a fenced lease), in batches. Reads what waits, lets the [`Mind`] decide (and
//! [`group`] where the network says nothing), stores and tells it in one transaction. A crash anywhere leaves everything
//! waiting; the mind is then built again from what is stored.

mod basis;
mod calls;
mod sure;
mod write;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{
    Coded, Work,
    error::chain,
    lease::{self, Lease, pause},
    telemetry,
};
use sqlx::{Postgres, pool::PoolConnection};
use tokio::{sync::Mutex, task::spawn_blocking};
use tokio_util::sync::CancellationToken;
use tracing::Span;
use uuid::Uuid;

use crate::{
    desk::Desk,
    domain::{
        IncidentId, ReportId,
        area::ArrivalLimits,
        group::{Call, group},
        incident::Incident,
        mind::{Memory, Mind, Outcome, Round},
        place::Place,
    },
    error::Error,
    news,
    peers::{Account, RETRY},
    store,
    topology::{Blind, Town},
};
use write::Draft;

/// Reports grouped in one transaction.
const BATCH: i64 = 500;
/// Signals weighed in one transaction.
const SIGNALS: i64 = 2_000;
/// How often it looks without being woken (reports accepted by another process).
const POLL: Duration = Duration::from_millis(250);
/// How long the network is waited for after a start before reports are grouped without it.
const NETWORK_WAIT: Duration = Duration::from_secs(5);
/// How long a report whose account could not be looked up waits for the registry.
const PLACE_WAIT: TimeDelta = TimeDelta::seconds(10);
/// Silence says something new at least this often.
const DECIDE: TimeDelta = TimeDelta::seconds(30);
/// A mind this old is built again, so that what is long past is forgotten.
const RENEW: TimeDelta = TimeDelta::hours(6);

/// W3C trace contexts in which incidents are told, where that is not the current one.
pub(crate) type Traces = BTreeMap<IncidentId, String>;

/// Groups reports.
#[derive(Debug)]
pub struct Worker {
    desk: Arc<Desk>,
    held: Mutex<Held>,
}

/// The mind between two rounds.
#[derive(Debug, Default)]
struct Held {
    mind: Option<Mind>,
    /// [`store::evidence::stirred`] when it was built.
    stirred: i64,
    built_at: DateTime<Utc>,
    decided_at: DateTime<Utc>,
    /// Guesses to be confirmed by meters as soon as the registry answers.
    sure: BTreeMap<IncidentId, String>,
}

impl Held {
    fn is_due(&self, now: DateTime<Utc>) -> bool {
        let silence = self
            .mind
            .as_ref()
            .and_then(Mind::due)
            .is_some_and(|due| due <= now);
        let thinks = self.mind.is_some() && now - self.decided_at >= DECIDE;
        silence || thinks
    }

    /// Whether the mind knows what `town` and the tables say.
    fn knows(&self, town: &Town, stirred: i64, now: DateTime<Utc>) -> bool {
        let mind = self.mind.as_ref().map(Mind::version);
        mind == Some(town.version()) && self.stirred == stirred && now - self.built_at < RENEW
    }
}

impl Worker {
    /// A worker over this desk; starts nothing.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self {
            desk,
            held: Mutex::default(),
        }
    }

    /// Groups until `stop`, whenever this process holds the lease.
    pub async fn run(self, holder: Uuid, stop: CancellationToken) {
        let pool = self.desk.db.pool().clone();
        let worker = &self;
        lease::run_under(&pool, "grouping", holder, &stop, |lease, ended| async move {
            worker.under(&lease, &ended).await;
        })
        .await;
    }

    async fn under(&self, lease: &Lease, ended: &CancellationToken) {
        let mut network = self.desk.atlas.follow();
        let loaded = async { network.wait_for(Option::is_some).await.map(drop) };
        tokio::select! {
            () = ended.cancelled() => return,
            _ = tokio::time::timeout(NETWORK_WAIT, loaded) => {}
        }
        // Another process may have grouped meanwhile.
        *self.held.lock().await = Held::default();
        let mut weighed_on = None;
        while !ended.is_cancelled() {
            let town = self.desk.atlas.town();
            let version = town.as_ref().map(|town| town.version());
            match self.pass(Some(lease), town.as_ref(), version != weighed_on).await {
                Ok(done) => {
                    weighed_on = version;
                    if done == 0 {
                        self.idle(ended).await;
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %chain(&error), code = ?error.code(), "grouping has to wait");
                    pause(ended, POLL).await;
                }
            }
        }
    }

    async fn idle(&self, ended: &CancellationToken) {
        tokio::select! {
            () = self.desk.bell.notified() => {}
            () = pause(ended, POLL) => {}
        }
    }

    /// One pass over what waits; gives the number of reports and signals taken. Without a lease only in tests.
    ///
    /// # Errors
    /// [`Error`]; nothing is stored then.
    pub async fn pass(
        &self,
        lease: Option<&Lease>,
        town: Option<&Arc<Town>>,
        look_again: bool,
    ) -> Result<usize, Error> {
        let mut held = self.held.lock().await;
        let now = self.desk.clock.now();
        if let Some(town) = town {
            self.call_out(town).await;
            self.explain(town).await?;
        }
        let mut conn = self.connection().await?;
        let stirred = store::evidence::stirred(&mut conn).await?;
        let knows = town.is_none_or(|town| held.knows(town, stirred, now));
        let idle = !look_again && knows && !held.is_due(now);
        if idle && held.sure.is_empty() && !store::grouping::anything(&mut conn).await? {
            return Ok(0);
        }
        self.find_places(&mut conn).await?;
        drop(conn);
        // Whatever fails from here on, the mind is built again: it may have thought what was never stored.
        let before = std::mem::take(&mut *held);
        let (after, taken) = self.transact(lease, town, before, stirred, now).await?;
        *held = after;
        self.make_sure(&mut held).await;
        Ok(taken)
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>, Error> {
        let taken = self.desk.db.pool().acquire().await;
        taken.map_err(Error::db("take a connection"))
    }

    async fn transact(
        &self,
        lease: Option<&Lease>,
        town: Option<&Arc<Town>>,
        held: Held,
        stirred: i64,
        now: DateTime<Utc>,
    ) -> Result<(Held, usize), Error> {
        let arrival = ArrivalLimits::of(&self.desk.pack, now)?;
        let mut work = Work::internal(&self.desk.db, "grouping", now).await?;
        if let Some(lease) = lease {
            lease::hold(work.conn(), lease).await?;
        }
        let mut calls = store::grouping::waiting(work.conn(), now - PLACE_WAIT, BATCH).await?;
        if let Some(town) = town {
            calls.iter_mut().for_each(|call| town.complete(&mut call.place));
        }
        let urges = store::grouping::fold_urges(work.conn()).await?;
        let named = calls
            .iter()
            .filter_map(|call| call.hint)
            .chain(urges.keys().copied());
        let named: Vec<Uuid> = named.map(IncidentId::uuid).collect();
        let mut open = store::grouping::open(work.conn(), &named).await?;
        let mut draft = Draft::default();
        for incident in &mut open {
            if let Some(count) = urges.get(&incident.id) {
                incident.urge_count += count;
                draft.change(incident.clone());
            }
        }
        let grouped = calls.len();
        let mut taken = grouped;
        let held = match town {
            None => {
                let heard = self.known_loads(&calls);
                store::evidence::insert_calls(work.conn(), &heard, now).await?;
                draft.plan(group(
                    open,
                    calls,
                    &Blind,
                    &arrival,
                    Some(self.desk.numbers_of.limits.window),
                ));
                Held::default()
            }
            Some(town) => {
                let mut held = self.mind(&mut work, town, held, stirred, now).await?;
                let round = Round {
                    now,
                    pieces: store::evidence::take(work.conn(), SIGNALS).await?,
                    switched: store::evidence::take_switched(work.conn(), town.version()).await?,
                    calls,
                    open,
                };
                taken += round.pieces.len();
                self.hear_calls(&mut work, &held, &round).await?;
                let outcome = think(&mut held, town, round, arrival).await?;
                self.take_outcome(&mut draft, &mut held, town, outcome, &arrival);
                held.decided_at = now;
                held
            }
        };
        draft
            .store(&self.desk, &mut work, town.map(|town| town.version()), &arrival)
            .await?;
        store::grouping::taken_in(work.conn()).await?;
        work.done().await?;
        metrics::counter!("relight_reports_grouped_total").increment(grouped as u64);
        Ok((held, taken))
    }

    /// The mind as it was, or a new one from what is stored.
    async fn mind(
        &self,
        work: &mut Work,
        town: &Arc<Town>,
        held: Held,
        stirred: i64,
        now: DateTime<Utc>,
    ) -> Result<Held, Error> {
        if held.knows(town, stirred, now) {
            return Ok(held);
        }
        let numbers = &self.desk.numbers_of;
        let since = store::evidence::horizon(work.conn(), now - numbers.memory).await?;
        let memory = store::evidence::memory(work.conn(), town.version(), since).await?;
        let (town, weights, limits) = (town.clone(), numbers.weights.clone(), numbers.limits.clone());
        let mind = spawn_blocking(move || build(&town, weights, limits, memory)).await;
        Ok(Held {
            mind: Some(mind.map_err(|panic| Error::Network(panic.to_string()))?),
            stirred,
            built_at: now,
            decided_at: now,
            sure: held.sure,
        })
    }

    /// Stores reports as evidence, each with the load it speaks for.
    async fn hear_calls(&self, work: &mut Work, held: &Held, round: &Round) -> Result<(), Error> {
        let Some(mind) = &held.mind else { return Ok(()) };
        let heard: Vec<_> = round
            .calls
            .iter()
            .filter_map(|call| Some((call.clone(), mind.load_id_of(call)?)))
            .collect();
        store::evidence::insert_calls(work.conn(), &heard, round.now).await
    }

    /// Without a network: as the registry says. It is weighed when there is one.
    fn known_loads(&self, calls: &[Call]) -> Vec<(Call, String)> {
        let known = calls
            .iter()
            .filter_map(|call| Some((call.clone(), call.place.load_id.clone()?)));
        known.collect()
    }

    fn take_outcome(
        &self,
        draft: &mut Draft,
        held: &mut Held,
        town: &Town,
        mut outcome: Outcome,
        arrival: &ArrivalLimits,
    ) {
        let (open, leftover) = (
            std::mem::take(&mut outcome.open),
            std::mem::take(&mut outcome.leftover),
        );
        held.sure.extend(std::mem::take(&mut outcome.sure));
        draft.outcome(outcome);
        if leftover.is_empty() {
            return;
        }
        let plan = group(open, leftover, town, arrival, None);
        if let Some(mind) = &mut held.mind {
            mind.joined(&plan.joins);
        }
        draft.plan(plan);
    }

    /// Looks up accounts that nobody answered for when the report came.
    async fn find_places(&self, conn: &mut sqlx::PgConnection) -> Result<(), Error> {
        for (report, account) in store::grouping::pending_places(conn, BATCH).await? {
            match self.desk.peers.account(&account, RETRY).await {
                Account::Known(point) => self.place(report, &Place::of(&point, None)).await?,
                Account::Unknown => store::grouping::set_place(conn, report, None).await?,
                // The others would wait as long for nothing.
                Account::NoAnswer => return Ok(()),
            }
        }
        Ok(())
    }

    /// Stores a place that was found late, and tells the report again where nobody could be told yet that we have it.
    async fn place(&self, report: ReportId, place: &Place) -> Result<(), Error> {
        let mut work = Work::internal(&self.desk.db, "grouping", self.desk.clock.now()).await?;
        store::grouping::set_place(work.conn(), report, Some(place)).await?;
        let stored = store::report::by_id(work.conn(), report).await?;
        // Who gave a number for this report was told there already.
        if let Some(stored) = stored.filter(|stored| stored.report.phone.is_none()) {
            news::tell_report(&mut work, &stored.report, news::PLACED);
        }
        work.done().await?;
        Ok(())
    }
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

/// Tells the state of these incidents, each with who reported it.
pub(crate) async fn tell(work: &mut Work, incidents: &[Incident], traces: &Traces) -> Result<(), Error> {
    let ids: Vec<Uuid> = incidents.iter().map(|incident| incident.id.uuid()).collect();
    let mut reporters = store::incident::reporters(work.conn(), &ids).await?;
    for incident in incidents {
        let reporters = reporters.remove(&incident.id).unwrap_or_default();
        let span = traces.get(&incident.id).map_or_else(Span::current, |trace| {
            telemetry::span_from(tracing::info_span!("group"), trace)
        });
        span.in_scope(|| news::tell_incident(work, incident, &reporters));
    }
    Ok(())
}

/// Locks an incident, does `event` to it and tells if that changed it. None when it does not exist.
pub(crate) async fn apply(
    work: &mut Work,
    id: IncidentId,
    event: crate::domain::incident::Event,
) -> Result<Option<Incident>, Error> {
    let Some(before) = store::incident::lock(work.conn(), id).await? else {
        return Ok(None);
    };
    let now = work.at();
    let after = crate::domain::incident::transition(before.clone(), event, now)?;
    if after == before {
        return Ok(Some(before));
    }
    let after = store::incident::save(work.conn(), after).await?;
    tell(work, std::slice::from_ref(&after), &Traces::new()).await?;
    Ok(Some(after))
}
