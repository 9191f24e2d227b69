//! The grouping worker: one at a time (a fenced lease), in batches. Reads what waits, lets [`group`] decide, stores and
//! tells it in one transaction. A crash anywhere leaves the reports waiting.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use relight_common::{
    Coded, Work,
    error::chain,
    lease::{self, Lease, pause},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    desk::Desk,
    domain::{
        IncidentId,
        area::ArrivalLimits,
        group::{Plan, Rules, Topology, group},
        incident::{Incident, State},
        place::Place,
    },
    error::Error,
    news,
    peers::{Account, RETRY},
    store::{self, number::Kind},
    topology::{Blind, Town},
};

/// Reports grouped in one transaction.
const BATCH: i64 = 500;
/// How often it looks without being woken (reports accepted by another process).
const POLL: Duration = Duration::from_millis(250);
/// How long the network is waited for after a start before reports are grouped without it.
const NETWORK_WAIT: Duration = Duration::from_secs(5);
/// How long a report whose account could not be looked up waits for the registry.
const PLACE_WAIT: TimeDelta = TimeDelta::seconds(10);

/// Groups reports.
#[derive(Debug)]
pub struct Worker {
    desk: Arc<Desk>,
    rules: Rules,
}

impl Worker {
    /// A worker over this desk; starts nothing.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self {
            desk,
            rules: Rules::default(),
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
        let mut weighed_on = None;
        while !ended.is_cancelled() {
            let town = self.desk.atlas.town();
            let version = town.as_ref().map(|town| town.version());
            match self
                .pass(Some(lease), town.as_deref(), version != weighed_on)
                .await
            {
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

    /// One pass over what waits; gives the number of reports grouped. Without a lease only in tests.
    ///
    /// # Errors
    /// [`Error`]; nothing is stored then.
    pub async fn pass(
        &self,
        lease: Option<&Lease>,
        town: Option<&Town>,
        look_again: bool,
    ) -> Result<usize, Error> {
        let db = &self.desk.db;
        let mut conn = db
            .pool()
            .acquire()
            .await
            .map_err(Error::db("take a connection"))?;
        if !look_again && !store::grouping::anything(&mut conn).await? {
            return Ok(0);
        }
        self.find_places(&mut conn).await?;
        drop(conn);
        let now = self.desk.clock.now();
        let limits = ArrivalLimits::of(&self.desk.pack, now)?;
        let mut work = Work::internal(db, "grouping", now).await?;
        if let Some(lease) = lease {
            lease::hold(work.conn(), lease).await?;
        }
        let mut calls = store::grouping::waiting(work.conn(), now - PLACE_WAIT, BATCH).await?;
        if let Some(town) = town {
            calls.iter_mut().for_each(|call| town.complete(&mut call.place));
        }
        let urges = store::grouping::fold_urges(work.conn()).await?;
        let earliest = calls.iter().map(|call| call.accepted_at).min().unwrap_or(now);
        let named: Vec<Uuid> = calls
            .iter()
            .filter_map(|call| call.hint)
            .chain(urges.keys().copied())
            .map(IncidentId::uuid)
            .collect();
        let mut open = store::grouping::open(work.conn(), &named, earliest - self.rules.window).await?;
        for known in &mut open {
            known.incident.urge_count += urges.get(&known.incident.id).copied().unwrap_or(0);
        }
        let urged: Vec<Incident> = open
            .iter()
            .filter(|known| urges.contains_key(&known.incident.id))
            .map(|known| known.incident.clone())
            .collect();
        let grouped = calls.len();
        let topology: &dyn Topology = match town {
            Some(town) => town,
            None => &Blind,
        };
        let mut plan = group(open, calls, topology, &limits, &self.rules, look_again);
        for incident in urged {
            if plan.changed.iter().all(|changed| changed.id != incident.id) {
                plan.changed.push(incident);
            }
        }
        self.store(&mut work, plan).await?;
        store::grouping::taken_in(work.conn()).await?;
        work.done().await?;
        metrics::counter!("relight_reports_grouped_total").increment(grouped as u64);
        Ok(grouped)
    }

    /// Stores a plan and tells of it: what lives on first, so that what merged can point to it.
    async fn store(&self, work: &mut Work, mut plan: Plan) -> Result<(), Error> {
        plan.changed
            .sort_by_key(|incident| (incident.state != State::Open, incident.id));
        let mut saved = Vec::with_capacity(plan.changed.len());
        for mut incident in plan.changed {
            if incident.version == 0 {
                let numbers = &self.desk.numbers;
                incident.number = numbers.next(Kind::Incident, work.at(), &incident.zone).await?;
            }
            let incident = store::incident::save(work.conn(), incident).await?;
            if let State::Merged(into) = incident.state {
                store::grouping::relink(work.conn(), incident.id, into).await?;
            }
            saved.push(incident);
        }
        let now = work.at();
        store::grouping::link(work.conn(), &plan.joins, now).await?;
        tell(work, &saved).await
    }

    /// Looks up accounts that nobody answered for when the report came.
    async fn find_places(&self, conn: &mut sqlx::PgConnection) -> Result<(), Error> {
        for (report, account) in store::grouping::pending_places(conn, BATCH).await? {
            match self.desk.peers.account(&account, RETRY).await {
                Account::Known(point) => {
                    store::grouping::set_place(conn, report, Some(&Place::of(&point, None))).await?;
                }
                Account::Unknown => store::grouping::set_place(conn, report, None).await?,
                // The others would wait as long for nothing.
                Account::NoAnswer => return Ok(()),
            }
        }
        Ok(())
    }
}

/// Tells the state of these incidents, each with who reported it.
pub(crate) async fn tell(work: &mut Work, incidents: &[Incident]) -> Result<(), Error> {
    let ids: Vec<Uuid> = incidents.iter().map(|incident| incident.id.uuid()).collect();
    let mut reporters = store::incident::reporters(work.conn(), &ids).await?;
    for incident in incidents {
        let reporters = reporters.remove(&incident.id).unwrap_or_default();
        news::tell_incident(work, incident, &reporters);
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
    tell(work, std::slice::from_ref(&after)).await?;
    Ok(Some(after))
}
