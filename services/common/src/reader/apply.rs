//! Applying events: a batch in one transaction while all goes well, also over several partitions; one by one when
//! something is wrong, so that the one event that cannot be applied is parked with its aggregate and the others go on.

use std::{
    collections::{BTreeMap, HashSet},
    panic::AssertUnwindSafe,
    time::Duration,
};

use futures_util::FutureExt;
use relight_proto::events::v1::Event;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    Consumer,
    failure::{Failure, of},
    feed::seq_of,
    position::{self, Standing, lock_one},
};
use crate::{db::Db, dead_letter, error::Error, lease::pause, telemetry, work::Work};

/// After so many deaths the next event is tried alone: before, any of its batch may have been the one.
const ALONE_FROM: i32 = 2;
/// An event at which the reader's process died three times while it was alone is parked unread. A batch takes long enough for
/// several innocent crashes in a bad hour, a single event hardly.
const MAX_DEATHS: i32 = ALONE_FROM + 3;
/// Events applied in one transaction.
const BATCH: usize = 200;
/// Wait before an event that may succeed is tried again.
const AGAIN: Duration = Duration::from_millis(250);

/// Contiguous events by partition.
pub type Runs = BTreeMap<i16, Vec<Event>>;

/// Applies a contiguous run of events of one partition. Returns the position reached, which is behind the run only
/// when told to stop.
///
/// # Errors
/// [`Error::Db`] when Postgres is away.
pub async fn apply_batch<C: Consumer>(
    db: &Db,
    source: &'static str,
    partition: i16,
    events: Vec<Event>,
    consumer: &C,
    stop: &CancellationToken,
) -> Result<i64, Error> {
    let runs = Runs::from([(partition, events)]);
    let reached = apply_runs(db, source, &runs, consumer, stop).await?;
    Ok(reached.get(&partition).copied().unwrap_or_default())
}

/// The same for several partitions; gives the positions reached.
///
/// # Errors
/// [`Error::Db`] when Postgres is away.
pub async fn apply_runs<C: Consumer>(
    db: &Db,
    source: &'static str,
    runs: &Runs,
    consumer: &C,
    stop: &CancellationToken,
) -> Result<BTreeMap<i16, i64>, Error> {
    let lanes = Lanes {
        db,
        source,
        consumer,
        stop,
    };
    let partitions: Vec<i16> = runs.keys().copied().collect();
    let mut standings = position::standings(db, source, &partitions).await?;
    loop {
        let round = next_round(runs, &standings);
        if round.is_empty() || stop.is_cancelled() {
            return Ok(standings
                .into_iter()
                .map(|(partition, at)| (partition, at.seq))
                .collect());
        }
        match lanes.step(&round, &standings).await? {
            Some(reached) => standings.extend(reached.into_iter().map(applied)),
            None => standings = position::standings(db, source, &partitions).await?,
        }
    }
}

/// Where a partition stands whose tries came to something.
fn applied((partition, seq): (i16, i64)) -> (i16, Standing) {
    (partition, Standing { seq, deaths: 0 })
}

/// The positions reached, when all of a round was applied together; none when it went another way.
type Reached = Option<BTreeMap<i16, i64>>;

/// What comes next of one partition.
struct Run<'a> {
    partition: i16,
    events: &'a [Event],
}

/// An event to be applied, with what was prepared for it.
type Due<'a, C> = (&'a Event, <C as Consumer>::Prepared);

fn all_of<'a>(round: &[Run<'a>]) -> Vec<&'a Event> {
    round.iter().flat_map(|run| run.events).collect()
}

/// What is behind the positions, at most [`BATCH`] events. A partition at which a process died goes alone.
fn next_round<'a>(runs: &'a Runs, standings: &BTreeMap<i16, Standing>) -> Vec<Run<'a>> {
    let mut room = BATCH;
    let mut round = Vec::new();
    for (&partition, events) in runs {
        let at = standings.get(&partition).copied().unwrap_or_default();
        let rest = &events[events.partition_point(|event| seq_of(event) <= at.seq)..];
        let events = &rest[..rest.len().min(room)];
        if at.deaths > 0 && !events.is_empty() {
            return vec![Run { partition, events }];
        }
        room -= events.len();
        round.push(Run { partition, events });
    }
    round.retain(|run| !run.events.is_empty());
    round
}

/// The partitions of one source, being applied.
struct Lanes<'a, C> {
    db: &'a Db,
    source: &'static str,
    consumer: &'a C,
    stop: &'a CancellationToken,
}

impl<C: Consumer> Lanes<'_, C> {
    /// One round, marked as being tried: only a process that dies leaves the mark, and what killed its reader again and
    /// again is parked unread.
    async fn step(&self, round: &[Run<'_>], standings: &BTreeMap<i16, Standing>) -> Result<Reached, Error> {
        let partitions: Vec<i16> = round.iter().map(|run| run.partition).collect();
        position::mark(self.db, self.source, &partitions).await?;
        let deaths = |run: &Run| standings.get(&run.partition).map_or(0, |at| at.deaths);
        let ended = match round {
            [run] if deaths(run) >= MAX_DEATHS => {
                let reason = "its reader died three times at this event";
                self.park(run.partition, &run.events[0], reason)
                    .await
                    .map(|()| None)
            }
            [run] if deaths(run) >= ALONE_FROM => {
                let (partition, events) = (run.partition, &run.events[..1]);
                self.chunk(&[Run { partition, events }]).await
            }
            round => self.chunk(round).await,
        };
        if ended.is_err() || self.stop.is_cancelled() {
            position::unmark(self.db, self.source, &partitions).await?;
        }
        ended
    }

    /// All together if it goes well, else one by one, each partition for itself.
    async fn chunk(&self, round: &[Run<'_>]) -> Result<Reached, Error> {
        if let Ok(reached) = self.together(round).await {
            return Ok(Some(reached));
        }
        for run in round {
            for event in run.events {
                if !self.single(run.partition, event).await? {
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// One event until it is applied or parked; no when told to stop before.
    async fn single(&self, partition: i16, event: &Event) -> Result<bool, Error> {
        let events = std::slice::from_ref(event);
        loop {
            let Err(failure) = self.together(&[Run { partition, events }]).await else {
                return Ok(true);
            };
            if self.stop.is_cancelled() {
                return Ok(false);
            }
            if !failure.again {
                self.park(partition, event, &failure.reason).await?;
                return Ok(true);
            }
            tracing::warn!(
                service = self.db.service(),
                source = self.source,
                r#type = event.r#type,
                error = failure.reason,
                "trying an event again"
            );
            pause(self.stop, AGAIN).await;
        }
    }

    /// All of `round` and the new positions, which it gives, in one transaction.
    async fn together(&self, round: &[Run<'_>]) -> Result<BTreeMap<i16, i64>, Failure> {
        let events = all_of(round);
        let prepared = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(Failure::stopping()),
            prepared = prepare_all(self.consumer, &events) => prepared?,
        };
        if prepared.len() != events.len() {
            return Err(Failure::miscounted());
        }
        let partitions: Vec<i16> = round.iter().map(|run| run.partition).collect();
        let mut work = Work::internal(self.db, "", self.db.clock().now())
            .await
            .map_err(of)?;
        let mut reached = position::lock(work.conn(), self.source, &partitions)
            .await
            .map_err(of)?;
        let parked = dead_letter::parked(work.conn(), self.source, &events)
            .await
            .map_err(of)?;
        let (due, waiting) = sorted_out(round, prepared, &mut reached, &parked);
        for event in waiting {
            let reason = "waits behind a parked event of the same aggregate";
            dead_letter::put(work.conn(), self.source, event, reason)
                .await
                .map_err(of)?;
        }
        apply(&mut work, due, self.consumer).await?;
        position::advance(work.conn(), self.source, &reached)
            .await
            .map_err(of)?;
        work.done().await.map_err(of)?;
        metrics::counter!("relight_events_applied_total", "service" => self.db.service(), "source" => self.source)
            .increment(events.len() as u64);
        Ok(reached)
    }

    async fn park(&self, partition: i16, event: &Event, reason: &str) -> Result<(), Error> {
        let (db, source) = (self.db, self.source);
        tracing::error!(
            service = db.service(),
            source,
            partition,
            seq = event.seq,
            r#type = event.r#type,
            reason,
            "event parked"
        );
        metrics::counter!("relight_events_parked_total", "service" => db.service(), "source" => source)
            .increment(1);
        let mut work = Work::internal(db, event.id.clone(), db.clock().now()).await?;
        if lock_one(&mut work, source, partition).await? >= seq_of(event) {
            return Ok(());
        }
        dead_letter::put(work.conn(), source, event, reason).await?;
        let reached = BTreeMap::from([(partition, seq_of(event))]);
        position::advance(work.conn(), source, &reached).await?;
        work.done().await
    }
}

/// What the consumer needs from others for these events, fetched before the transaction.
async fn prepare_all<C: Consumer>(consumer: &C, events: &[&Event]) -> Result<Vec<C::Prepared>, Failure> {
    AssertUnwindSafe(consumer.prepare_all(events))
        .catch_unwind()
        .await
        .map_err(|_| Failure::panicked())?
        .map_err(of)
}

/// The same for one event.
pub(super) async fn prepare<C: Consumer>(consumer: &C, event: &Event) -> Result<C::Prepared, Failure> {
    AssertUnwindSafe(consumer.prepare(event))
        .catch_unwind()
        .instrument(telemetry::consume_span(event))
        .await
        .map_err(|_| Failure::panicked())?
        .map_err(of)
}

/// Applies these events, all or none.
pub(super) async fn apply<C: Consumer>(
    work: &mut Work,
    events: Vec<Due<'_, C>>,
    consumer: &C,
) -> Result<(), Failure> {
    AssertUnwindSafe(consumer.apply_all(work, events))
        .catch_unwind()
        .await
        .map_err(|_| Failure::panicked())?
        .map_err(of)
}

/// The events behind `reached`, which moves on, with what was prepared for them; and those that wait behind a parked one
/// of their aggregate.
fn sorted_out<'a, P>(
    round: &[Run<'a>],
    prepared: Vec<P>,
    reached: &mut BTreeMap<i16, i64>,
    parked: &HashSet<String>,
) -> (Vec<(&'a Event, P)>, Vec<&'a Event>) {
    let (mut due, mut waiting) = (Vec::new(), Vec::new());
    let mut prepared = prepared.into_iter();
    for run in round {
        let at = reached.entry(run.partition).or_default();
        for (event, prepared) in run.events.iter().zip(prepared.by_ref()) {
            if seq_of(event) <= *at {
                continue;
            }
            *at = seq_of(event);
            match parked.contains(&event.subject) {
                true => waiting.push(event),
                false => due.push((event, prepared)),
            }
        }
    }
    (due, waiting)
}
