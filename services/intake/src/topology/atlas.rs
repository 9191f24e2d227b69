//! Loads the network from the registry, and keeps it and its service points current.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{
    Clock, Db,
    error::chain,
    grpc::{self, Outgoing},
    wire,
};
use relight_grid::{Grid, Network, snapshot};
use relight_proto::{
    common::v1::PageRequest,
    registry::v1::{
        GridSnapshotRequest, GridStateRequest, ListServicePointsRequest, PointsOfCustomerRequest,
        accounts_client::AccountsClient, registry_client::RegistryClient,
        switchings_client::SwitchingsClient,
    },
};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Town;
use crate::{
    domain::{mind::Switching, place::ServicePoint},
    error::Error,
    peers::service_point,
    store::{self, changed::EVERYBODY},
};

/// How often the registry is asked for a newer version.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How soon again while there is none, or a changed customer could not be asked for.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// Changes that other processes heard of are read this far back: what was written before the last look may have been committed after it.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);
const PAGE: u32 = 500;

fn lengths_m(network: &Network) -> Vec<Option<f64>> {
    network.devices.iter().map(|device| device.length_m).collect()
}

/// Holds the newest network that could be loaded.
#[derive(Debug)]
pub struct Atlas {
    registry: RegistryClient<Outgoing>,
    accounts: AccountsClient<Outgoing>,
    switchings: SwitchingsClient<Outgoing>,
    town: watch::Sender<Option<Arc<Town>>>,
    /// Customers whose service points changed since they were read; [`EVERYBODY`] stands for all.
    changed: Mutex<BTreeSet<Uuid>>,
    /// When all changed the last time that is known here.
    all_changed_at: Mutex<Option<DateTime<Utc>>>,
    /// Somebody may have come to depend on life-support who is off: the sets of confirmed incidents are to be looked up again.
    newly_on_life_support: AtomicBool,
    bell: Notify,
}

impl Atlas {
    pub(crate) fn new(peers: &grpc::Peers) -> Self {
        Self {
            registry: RegistryClient::new(peers.to("registry")).max_decoding_message_size(64 << 20),
            accounts: AccountsClient::new(peers.to("registry")),
            switchings: SwitchingsClient::new(peers.to("registry")),
            town: watch::Sender::new(None),
            changed: Mutex::default(),
            all_changed_at: Mutex::default(),
            newly_on_life_support: AtomicBool::new(false),
            bell: Notify::new(),
        }
    }

    /// The network, once it is loaded.
    pub fn town(&self) -> Option<Arc<Town>> {
        self.town.borrow().clone()
    }

    /// Follows changes of the network.
    pub fn follow(&self) -> watch::Receiver<Option<Arc<Town>>> {
        self.town.subscribe()
    }

    /// Says that there is a newer version.
    pub fn look(&self) {
        self.bell.notify_one();
    }

    /// Says that this customer, or what they are supplied at, is not as it was.
    pub fn changed(&self, customer: Uuid) {
        self.waiting().insert(customer);
        self.bell.notify_one();
    }

    /// Says that since `at` nobody may be as they were. Said again of the same moment it does nothing.
    pub fn all_changed(&self, at: DateTime<Utc>) {
        let mut known = self.all_changed_at.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none_or(|known| known < at) {
            *known = Some(at);
            self.changed(EVERYBODY);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeSet<Uuid>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads the network and keeps it current until `stop`.
    pub async fn keep(self: Arc<Self>, db: Db, clock: Clock, stop: CancellationToken) {
        let mut looked_at = clock.now();
        while !stop.is_cancelled() {
            let now = clock.now();
            match self.look_around(&db, looked_at).await {
                Ok(()) => looked_at = now,
                Err(error) => {
                    tracing::info!(error = %chain(&error), "the network is not there yet, or not current")
                }
            }
            let is_current = self.town().is_some() && self.waiting().is_empty();
            let wait = if is_current { LOOK_EVERY } else { RETRY_EVERY };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.bell.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Takes over what is new: a newer network, and the customers who changed `since`, whichever process heard of it.
    ///
    /// # Errors
    /// Those of [`Atlas::load`] and [`Atlas::catch_up`]; the database.
    pub async fn look_around(&self, db: &Db, since: DateTime<Utc>) -> Result<(), Error> {
        self.load().await?;
        let changed = store::changed::since(db.pool(), since - OVERLAP).await?;
        for (customer, at) in changed {
            match customer {
                EVERYBODY => self.all_changed(at),
                customer => drop(self.waiting().insert(customer)),
            }
        }
        let caught_up = self.catch_up().await;
        if self.newly_on_life_support.swap(false, Ordering::AcqRel)
            && let Err(error) = store::set_call::look_again(db.pool()).await
        {
            self.newly_on_life_support.store(true, Ordering::Release);
            return Err(error);
        }
        caught_up
    }

    /// Takes over the service points of the customers who changed, as the registry has them now.
    ///
    /// # Errors
    /// [`Error::Common`] when the registry does not answer: who was not asked for is asked for the next time.
    pub async fn catch_up(&self) -> Result<(), Error> {
        let Some(town) = self.town() else {
            return Ok(());
        };
        while let Some(customer) = self.next_changed() {
            if let Err(error) = self.read_again(&town, customer).await {
                self.waiting().insert(customer);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn read_again(&self, town: &Town, customer: Uuid) -> Result<(), Error> {
        if customer == EVERYBODY {
            town.replace_all(&self.points().await?);
            self.look_up_again();
        } else if town.replace(customer, &self.points_of(customer).await?) {
            self.look_up_again();
        }
        Ok(())
    }

    fn look_up_again(&self) {
        self.newly_on_life_support.store(true, Ordering::Release);
    }

    fn next_changed(&self) -> Option<Uuid> {
        self.waiting().pop_first()
    }

    async fn points_of(&self, customer: Uuid) -> Result<Vec<ServicePoint>, Error> {
        let (mut points, mut after) = (Vec::new(), String::new());
        loop {
            let request = PointsOfCustomerRequest {
                customer_id: customer.to_string(),
                after,
            };
            let reply = self.accounts.clone().points_of_customer(request).await;
            let reply = reply
                .map_err(relight_common::Error::peer(
                    "the registry for the service points of a customer",
                ))?
                .into_inner();
            points.extend(reply.service_points.iter().filter_map(service_point));
            if reply.next_after.is_empty() {
                return Ok(points);
            }
            after = reply.next_after;
        }
    }

    /// How this version is switched now: what is heard later is told by events.
    async fn switched(&self, version: Uuid) -> Result<Option<(i64, Switching)>, Error> {
        let asked = relight_common::Error::peer("the registry for how the network is switched");
        let reply = self.switchings.clone().grid_state(GridStateRequest {}).await;
        let state = reply.map_err(asked)?.into_inner();
        if state.grid_version != version.to_string() {
            return Err(Error::Network("there is a newer one already".to_owned()));
        }
        let Some(at) = wire::instant_opt("at", state.at)? else {
            return Ok(None);
        };
        let switching = Switching {
            at,
            opened: state.opened,
            closed: state.closed,
        };
        Ok(Some((
            i64::try_from(state.state_no).unwrap_or(i64::MAX),
            switching,
        )))
    }

    /// Loads the registry's current version, unless it is the one held.
    ///
    /// # Errors
    /// [`Error::Common`] when the registry does not answer; [`Error::Network`] when what it sends is broken.
    pub async fn load(&self) -> Result<(), Error> {
        let Some((version, bytes)) = self.snapshot(None).await? else {
            return Ok(());
        };
        let switched = self.switched(version).await?;
        let points = self.points().await?;
        let built = tokio::task::spawn_blocking(move || {
            let network = snapshot::read(&bytes)?;
            let town = Town::new(network.grid(version)?, lengths_m(&network), &points);
            Ok::<_, relight_grid::Faults>(town.switched_like(switched))
        });
        let town = match built.await {
            Ok(Ok(town)) => town,
            Ok(Err(faults)) => return Err(Error::Network(faults.to_string())),
            Err(panic) => return Err(Error::Network(panic.to_string())),
        };
        tracing::info!(grid.version = %version, "network loaded");
        self.town.send_replace(Some(Arc::new(town)));
        // It has everybody as they are now: who changed since the last one is not told apart any more.
        self.look_up_again();
        Ok(())
    }

    /// The network of one version, with the lengths of its devices: the one held, or asked for again.
    ///
    /// # Errors
    /// [`Error::Common`] when the registry does not answer or has it no more; [`Error::Network`] when what it sends is broken.
    pub async fn network_of(&self, version: Uuid) -> Result<(Arc<Grid>, Vec<Option<f64>>), Error> {
        if let Some(town) = self.town().filter(|town| town.version() == version) {
            return Ok((town.grid().clone(), town.lengths_m().to_vec()));
        }
        let gone = || Error::Network(format!("version {version} is not there"));
        let (_, bytes) = self.snapshot(Some(version)).await?.ok_or_else(gone)?;
        let built = tokio::task::spawn_blocking(move || {
            let network = snapshot::read(&bytes)?;
            let lengths_m = lengths_m(&network);
            Ok::<_, relight_grid::Faults>((Arc::new(network.grid(version)?), lengths_m))
        });
        match built.await {
            Ok(Ok(network)) => Ok(network),
            Ok(Err(faults)) => Err(Error::Network(faults.to_string())),
            Err(panic) => Err(Error::Network(panic.to_string())),
        }
    }

    /// The bytes of a version, or of the current one; none when that is held already.
    async fn snapshot(&self, wanted: Option<Uuid>) -> Result<Option<(Uuid, Vec<u8>)>, Error> {
        let asked = relight_common::Error::peer("the registry for the network");
        let mut registry = self.registry.clone();
        let grid_version = wanted.map(|version| version.to_string()).unwrap_or_default();
        let reply = registry.grid_snapshot(GridSnapshotRequest { grid_version });
        let reply = reply.await.map_err(asked)?;
        let mut stream = reply.into_inner();
        let mut all: Option<(Uuid, Vec<u8>)> = None;
        loop {
            let chunk = stream.message().await;
            let Some(chunk) = chunk.map_err(relight_common::Error::peer("the registry for the network"))?
            else {
                return Ok(all);
            };
            let version: Uuid = chunk
                .grid_version
                .parse()
                .map_err(|_| Error::Network("its version is no UUID".to_owned()))?;
            let is_held = self.town().is_some_and(|town| town.version() == version);
            if is_held && wanted.is_none() {
                return Ok(None);
            }
            all.get_or_insert_with(|| (version, Vec::new()))
                .1
                .extend(chunk.data);
        }
    }

    async fn points(&self) -> Result<Vec<ServicePoint>, Error> {
        let mut registry = self.registry.clone();
        let (mut points, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = Some(PageRequest { cursor, size: PAGE });
            let reply = registry
                .list_service_points(ListServicePointsRequest { page })
                .await;
            let reply = reply
                .map_err(relight_common::Error::peer("the registry for service points"))?
                .into_inner();
            points.extend(reply.service_points.iter().filter_map(service_point));
            if reply.next_cursor.is_empty() {
                return Ok(points);
            }
            cursor = reply.next_cursor;
        }
    }
}
