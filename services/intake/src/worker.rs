//! The grouping worker: one at a time (a fenced lease), in batches. Reads what waits, lets the [`Mind`] decide (and
//! [`group`](crate::domain::group::group) where the network says nothing), stores and tells it in one transaction. A crash
//! anywhere leaves everything waiting; the mind is then built again from what is stored.
//!
//! A pass costs what changed, not what is there: what open incidents add up to is carried from pass to pass
//! ([`Totals`]), and what is looked for has an index of its own. What it tells has the size of the incidents (all who
//! reported), so it tells less often the longer a pass takes: it rests then, more comes together, and the processors are
//! there for accepting.

mod basis;
mod calls;
mod follow;
mod pass;
mod places;
mod relays;
mod sums;
mod sure;
mod write;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{
    Coded, Work,
    error::chain,
    lease::{self, Lease, pause},
};
use sqlx::{Postgres, pool::PoolConnection};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    desk::Desk,
    domain::{
        IncidentId,
        facts::{Reporters, Totals},
        incident::{self, Incident},
        mind::Mind,
    },
    error::Error,
    news,
    store::{self, queue::News},
    topology::Town,
};

/// Reports grouped in one transaction.
const BATCH: i64 = 2_000;
/// Signals weighed in one transaction.
const SIGNALS: i64 = 2_000;
/// How often it looks without being woken. Only what another process accepted waits for it: in its incident within a second.
const POLL: Duration = Duration::from_millis(800);
/// How soon it tries again what failed.
const AGAIN: Duration = Duration::from_millis(250);
/// The rest after a pass, as a multiple of what the pass took: at most a fifth of the time is spent on passes ...
const REST: u32 = 4;
/// ... until a report would wait too long.
const REST_MAX: Duration = Duration::from_millis(300);
/// How long the network is waited for after a start before reports are grouped without it.
const NETWORK_WAIT: Duration = Duration::from_secs(5);
/// How long a report whose account could not be looked up waits for the registry.
const PLACE_WAIT: TimeDelta = TimeDelta::seconds(10);
/// Silence says something new at least this often.
const DECIDE: TimeDelta = TimeDelta::seconds(30);
/// A mind this old is built again, so that what is long past is forgotten ...
const RENEW: TimeDelta = TimeDelta::hours(6);
/// ... and so is one that holds twice what it was built with and this many pieces of evidence more: its memory has a bound, however
/// much is heard in these hours. Not sooner, since reports wait while it is built: a second for 33,000 pieces.
const GROWN: usize = 100_000;

/// Groups reports.
#[derive(Debug)]
pub struct Worker {
    desk: Arc<Desk>,
    held: Mutex<Held>,
    /// See [`GROWN`].
    grown: usize,
}

/// The mind between two rounds.
#[derive(Debug, Default)]
struct Held {
    mind: Option<Mind>,
    /// [`store::evidence::stirred`] when it was built and the totals were added up.
    stirred: i64,
    built_at: DateTime<Utc>,
    /// The pass it was built in, the evidence it was built from, and its numbers.
    built: Built,
    /// Pieces of evidence it was built with.
    built_with: usize,
    decided_at: DateTime<Utc>,
    /// When the ledger was last asked about open relays.
    relays_at: DateTime<Utc>,
    /// Guesses to be confirmed by meters as soon as the registry answers.
    sure: BTreeMap<IncidentId, String>,
    /// What the reports of the open incidents add up to.
    totals: Totals,
}

/// What a mind was built from, as decisions remember it.
#[derive(Debug, Clone, Copy, Default)]
struct Built {
    pass: i64,
    since: DateTime<Utc>,
    weights: Uuid,
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
    fn knows(&self, town: &Town, stirred: i64, now: DateTime<Utc>, grown: usize) -> bool {
        let mind = self.mind.as_ref().map(Mind::version);
        mind == Some(town.version())
            && self.stirred == stirred
            && now - self.built_at < RENEW
            && !has_grown(self.heard(), self.built_with, grown)
    }

    fn heard(&self) -> usize {
        self.mind.as_ref().map_or(0, Mind::heard)
    }
}

impl Worker {
    /// A worker over this desk; starts nothing.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self {
            desk,
            held: Mutex::default(),
            grown: GROWN,
        }
    }

    /// One whose memory may grow by this many pieces of evidence beside what was there twice.
    pub fn growing_by(self, pieces: usize) -> Self {
        Self {
            grown: pieces,
            ..self
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
            let began = Instant::now();
            match self.pass(Some(lease), town.as_ref(), version != weighed_on).await {
                Ok(done) => {
                    weighed_on = version;
                    match rest(began.elapsed(), done) {
                        Some(time) => pause(ended, time).await,
                        None => self.idle(ended).await,
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %chain(&error), code = ?error.code(), "grouping has to wait");
                    pause(ended, AGAIN).await;
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
        let news = {
            let mut conn = self.connection().await?;
            store::queue::news(&mut conn).await?
        };
        if let Some(town) = town {
            self.ask(town, news).await?;
            if now - held.relays_at >= relays::EVERY {
                self.look_at_relays(town, now).await;
                held.relays_at = now;
            }
        }
        let knows = town.is_none_or(|town| held.knows(town, news.stirred, now, self.grown));
        let idle = !look_again && knows && !held.is_due(now) && held.sure.is_empty();
        if idle && !news.waiting {
            return Ok(0);
        }
        if news.pending {
            self.find_places().await?;
        }
        // Whatever fails from here on, the mind is built again: it may have thought what was never stored.
        let before = std::mem::take(&mut *held);
        let (after, taken) = self.transact(lease, town, before, news, now).await?;
        *held = after;
        metrics::gauge!("relight_evidence_held").set(held.heard() as f64);
        self.make_sure(&mut held).await;
        Ok(taken)
    }

    /// How many pieces of evidence are held in memory.
    pub async fn heard(&self) -> usize {
        self.held.lock().await.heard()
    }

    /// Asks the others what has to be known before a pass.
    async fn ask(&self, town: &Town, news: News) -> Result<(), Error> {
        if news.uncalled {
            self.call_out(town).await;
        }
        if news.unasked {
            self.explain(town).await?;
        }
        if news.switched {
            self.follow(town).await;
        }
        Ok(())
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>, Error> {
        let taken = self.desk.db.pool().acquire().await;
        taken.map_err(Error::db("take a connection"))
    }
}

/// Whether so much was heard since that it is worth while to let go of what is not needed any more. Each time what is held may double
/// before the next one, so all of them together cost no more than a few readings of everything.
fn has_grown(heard: usize, built_with: usize, grown: usize) -> bool {
    heard > 2 * built_with + grown
}

/// How long to let more come together after a pass that took `took` for so many reports and signals. None: until something
/// comes, since nothing did. Never while more waits than one pass takes.
fn rest(took: Duration, taken: usize) -> Option<Duration> {
    let full = usize::try_from(BATCH.min(SIGNALS)).unwrap_or(usize::MAX);
    match taken {
        0 => None,
        taken if taken < full => Some((took * REST).min(REST_MAX)),
        _ => Some(Duration::ZERO),
    }
}

/// Tells the state of these incidents, each with who reported it.
pub(crate) async fn tell(work: &mut Work, incidents: &[Incident]) -> Result<(), Error> {
    let ids: Vec<Uuid> = incidents.iter().map(|incident| incident.id.uuid()).collect();
    let all = store::incident::reporters(work.conn(), &ids).await?;
    let supply = store::incident::supply_points(work.conn(), incidents).await?;
    let nobody = Reporters::new();
    for incident in incidents {
        let reporters = all.get(&incident.id).unwrap_or(&nobody);
        news::tell_incident(work, incident, reporters, supply.get(&incident.id));
    }
    Ok(())
}

/// Locks an incident, does `event` to it and tells if that changed it. None when it does not exist.
pub(crate) async fn apply(
    work: &mut Work,
    id: IncidentId,
    event: incident::Event,
) -> Result<Option<Incident>, Error> {
    let Some(before) = store::incident::lock(work.conn(), id).await? else {
        return Ok(None);
    };
    let now = work.at();
    let after = incident::transition(before.clone(), event, now)?;
    if after == before {
        return Ok(Some(before));
    }
    let after = store::incident::save(work.conn(), after).await?;
    tell(work, std::slice::from_ref(&after)).await?;
    Ok(Some(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_in_proportion_to_the_pass_but_not_long_and_not_while_more_waits() {
        let ms = Duration::from_millis;
        assert_eq!(rest(ms(40), 0), None, "the bell wakes it");
        assert_eq!(rest(ms(40), 1), Some(ms(160)));
        assert_eq!(rest(ms(900), 700), Some(REST_MAX));
        assert_eq!(rest(ms(900), 2_000), Some(Duration::ZERO));
        assert_eq!(rest(ms(900), 2_345), Some(Duration::ZERO));
    }
}
