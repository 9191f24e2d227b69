//! The network in memory: loaded from the registry, replaced when there is a newer version. While it is not there,
//! reports are grouped by their transformer alone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use relight_common::grpc::{self, Outgoing};
use relight_grid::{DeviceIx, Grid, LoadIx, snapshot};
use relight_policy::AreaClass;
use relight_proto::{
    common::v1::PageRequest,
    registry::v1::{GridSnapshotRequest, ListServicePointsRequest, registry_client::RegistryClient},
};
use rstar::{AABB, RTree, primitives::GeomWithData};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    domain::{
        group::{DeviceId, Topology},
        mind::Places,
        place::{Place, Position, ServicePoint},
    },
    error::Error,
    peers::service_point,
    store::set_call::Person,
};

/// A reporter's position belongs to the nearest service point within this distance, metres.
pub const NEAR_M: f64 = 100.0;
/// Metres of one degree of latitude.
const DEGREE_M: f64 = 111_320.0;
/// How often the registry is asked for a newer version.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How soon again while there is none.
const RETRY_EVERY: Duration = Duration::from_secs(1);
const PAGE: u32 = 500;

/// One version of the network with the service points on it.
#[derive(Debug)]
pub struct Town {
    grid: Arc<Grid>,
    /// Lengths of the grid's devices, in its order.
    lengths_m: Vec<Option<f64>>,
    spots: RTree<GeomWithData<[f64; 2], Arc<Spot>>>,
    by_load: HashMap<LoadIx, Arc<Spot>>,
    by_point: HashMap<Uuid, LoadIx>,
    /// The org path all service points lie under: where a report that nobody can place goes.
    root: String,
    zone: String,
    ways: Mutex<HashMap<WayKey, Arc<[DeviceId]>>>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum WayKey {
    Load(LoadIx),
    Device(DeviceIx),
}

/// What a place near a service point takes over from it.
#[derive(Debug, Clone)]
struct Spot {
    point: Uuid,
    customer: Uuid,
    load: Arc<str>,
    transformer: Arc<str>,
    area: Option<AreaClass>,
    org_path: Arc<str>,
    zone: Arc<str>,
    at: Option<Position>,
    important: bool,
    life_support: bool,
}

impl Town {
    /// Over a network, the lengths of its devices in its order (none: unknown), and its service points.
    pub fn new(grid: Grid, lengths_m: Vec<Option<f64>>, points: &[ServicePoint]) -> Self {
        let mut words: HashMap<String, Arc<str>> = HashMap::new();
        let mut word = |text: &str| -> Arc<str> {
            words
                .entry(text.to_owned())
                .or_insert_with(|| Arc::from(text))
                .clone()
        };
        let (mut spots, mut by_load, mut by_point) = (Vec::new(), HashMap::new(), HashMap::new());
        for point in points {
            let spot = Arc::new(Spot {
                point: point.id,
                customer: point.customer_id,
                load: point.load_id.as_str().into(),
                transformer: word(&point.transformer_id),
                area: point.area,
                org_path: word(&point.org_path),
                zone: word(&point.zone),
                at: point.position,
                important: point.important,
                life_support: point.life_support,
            });
            if let Some(load) = grid.load(&point.load_id) {
                by_load.insert(load, spot.clone());
                by_point.insert(point.id, load);
            }
            if let Some(at) = point.position {
                spots.push(GeomWithData::new([at.lon, at.lat], spot));
            }
        }
        Self {
            grid: Arc::new(grid),
            lengths_m,
            spots: RTree::bulk_load(spots),
            by_load,
            by_point,
            root: common_path(points),
            zone: points.first().map(|point| point.zone.clone()).unwrap_or_default(),
            ways: Mutex::default(),
        }
    }

    /// The network.
    pub fn grid(&self) -> &Arc<Grid> {
        &self.grid
    }

    /// Lengths of its devices, in its order.
    pub fn lengths_m(&self) -> &[Option<f64>] {
        &self.lengths_m
    }

    /// The load of a service point.
    pub fn load_of(&self, point: Uuid) -> Option<LoadIx> {
        self.by_point.get(&point).copied()
    }

    /// The place of a load: that of its service point.
    pub fn place_of(&self, load: LoadIx) -> Place {
        let transformer = self.grid.normal_supply().transformer(load);
        let transformer = transformer.map(|device| self.grid.device_id(device).to_owned());
        let place = Place {
            load_id: Some(self.grid.load_id(load).to_owned()),
            transformer_id: transformer,
            org_path: self.root.clone(),
            zone: self.zone.clone(),
            ..Place::default()
        };
        match self.by_load.get(&load) {
            Some(spot) => Place {
                service_point_id: Some(spot.point),
                customer_id: Some(spot.customer),
                area: spot.area,
                important: spot.important,
                life_support: spot.life_support,
                org_path: spot.org_path.to_string(),
                zone: spot.zone.to_string(),
                position: spot.at,
                ..place
            },
            None => place,
        }
    }

    /// Whose supply a load is.
    pub fn customer_of(&self, load: &str) -> Option<Uuid> {
        let spot = self.by_load.get(&self.grid.load(load)?)?;
        Some(spot.customer)
    }

    /// Those of these service points where somebody depends on life-support.
    pub fn on_life_support(&self, points: &[Uuid]) -> Vec<Person> {
        let spots = points
            .iter()
            .filter_map(|point| self.by_load.get(self.by_point.get(point)?));
        spots
            .filter(|spot| spot.life_support)
            .map(|spot| Person {
                customer: spot.customer,
                point: spot.point,
                org_path: spot.org_path.to_string(),
            })
            .collect()
    }

    /// Version of the network.
    pub fn version(&self) -> Uuid {
        self.grid.version()
    }

    /// The place of somebody at `at`: that of the nearest service point within [`NEAR_M`], else only where it is.
    pub fn place_at(&self, at: Option<Position>) -> Place {
        let place = Place {
            org_path: self.root.clone(),
            zone: self.zone.clone(),
            position: at,
            ..Place::default()
        };
        let Some(spot) = at.and_then(|at| self.nearest(at)) else {
            return place;
        };
        let known = |text: &Arc<str>| (!text.is_empty()).then(|| text.to_string());
        Place {
            load_id: known(&spot.load),
            transformer_id: known(&spot.transformer),
            area: spot.area,
            org_path: spot.org_path.to_string(),
            zone: spot.zone.to_string(),
            ..place
        }
    }

    /// Fills in what a report could not know when it was accepted before the network was there.
    pub fn complete(&self, place: &mut Place) {
        if place.org_path.is_empty() && !place.is_on_the_grid() {
            let known = self.place_at(place.position);
            *place = Place {
                service_point_id: place.service_point_id,
                customer_id: place.customer_id,
                ..known
            };
        }
    }

    fn nearest(&self, at: Position) -> Option<&Arc<Spot>> {
        let east = at.lat.to_radians().cos().max(0.01) * DEGREE_M;
        let (dx, dy) = (NEAR_M / east, NEAR_M / DEGREE_M);
        let around = AABB::from_corners([at.lon - dx, at.lat - dy], [at.lon + dx, at.lat + dy]);
        let metres = |[lon, lat]: &[f64; 2]| ((lon - at.lon) * east).hypot((lat - at.lat) * DEGREE_M);
        self.spots
            .locate_in_envelope(&around)
            .map(|spot| (metres(spot.geom()), spot))
            .filter(|(distance_m, _)| *distance_m <= NEAR_M)
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, spot)| &spot.data)
    }

    fn remember(&self, key: WayKey, find: impl FnOnce() -> Vec<DeviceIx>) -> Arc<[DeviceId]> {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        let way = ways.entry(key).or_insert_with(|| {
            find()
                .into_iter()
                .map(|device| DeviceId::from(self.grid.device_id(device)))
                .collect()
        });
        way.clone()
    }

    /// From the load's transformer to the source.
    fn way_of_load(&self, load: LoadIx) -> Vec<DeviceIx> {
        let supply = self.grid.normal_supply();
        let path = supply.path(load);
        let foot = supply
            .transformer(load)
            .and_then(|foot| path.iter().position(|device| *device == foot));
        path[foot.unwrap_or(0)..].to_vec()
    }

    /// From the device to the source: the upper part of the way of a load it puts out.
    fn way_from(&self, device: DeviceIx) -> Vec<DeviceIx> {
        let dead = self.grid.dead(&[device], &[]);
        let supply = self.grid.normal_supply();
        let mut loads = dead.dead_loads.into_iter().chain(dead.partly_dead_loads);
        let way = loads.find_map(|load| {
            let path = supply.path(load);
            let from = path.iter().position(|above| *above == device)?;
            Some(path[from..].to_vec())
        });
        way.unwrap_or_else(|| vec![device])
    }
}

impl Topology for Town {
    fn way_of_place(&self, load: Option<&str>, transformer: Option<&str>) -> Arc<[DeviceId]> {
        match load.and_then(|load| self.grid.load(load)) {
            Some(load) => self.remember(WayKey::Load(load), || self.way_of_load(load)),
            None => transformer.map_or_else(|| Arc::from([]), |device| self.way_of_device(device)),
        }
    }

    fn way_of_device(&self, device: &str) -> Arc<[DeviceId]> {
        match self.grid.device(device) {
            Some(device) => self.remember(WayKey::Device(device), || self.way_from(device)),
            None => Arc::from([DeviceId::from(device)]),
        }
    }

    fn is_candidate(&self, device: &str) -> bool {
        // A device this version of the network does not know is taken at its word.
        self.grid.device(device).is_none_or(|device| {
            let kind = self.grid.device_kind(device);
            kind.is_switching() || kind == relight_grid::DeviceKind::Transformer
        })
    }

    fn kind(&self, device: &str) -> &'static str {
        self.grid
            .device(device)
            .map_or("", |device| self.grid.device_kind(device).as_str())
    }

    fn position(&self, device: &str) -> Option<Position> {
        let at = self.grid.device_position(self.grid.device(device)?)?;
        Some(Position {
            lon: at.lon,
            lat: at.lat,
        })
    }
}

impl Places for Town {
    fn place_of(&self, load: LoadIx) -> Place {
        Town::place_of(self, load)
    }
}

/// Without a network: every transformer stands alone.
#[derive(Debug, Clone, Copy)]
pub struct Blind;

impl Topology for Blind {
    fn way_of_place(&self, _: Option<&str>, transformer: Option<&str>) -> Arc<[DeviceId]> {
        transformer.map(DeviceId::from).into_iter().collect()
    }
    fn way_of_device(&self, device: &str) -> Arc<[DeviceId]> {
        Arc::from([DeviceId::from(device)])
    }
    fn is_candidate(&self, _: &str) -> bool {
        true
    }
    fn kind(&self, _: &str) -> &'static str {
        ""
    }
    fn position(&self, _: &str) -> Option<Position> {
        None
    }
}

/// The longest org path that covers all service points.
fn common_path(points: &[ServicePoint]) -> String {
    let Some(first) = points.first() else {
        return String::new();
    };
    let mut common: Vec<&str> = first.org_path.split('/').collect();
    for point in points {
        let same = common
            .iter()
            .zip(point.org_path.split('/'))
            .take_while(|(a, b)| *a == b)
            .count();
        common.truncate(same);
    }
    common.join("/")
}

/// Holds the newest network that could be loaded.
#[derive(Debug)]
pub struct Atlas {
    registry: RegistryClient<Outgoing>,
    town: watch::Sender<Option<Arc<Town>>>,
    bell: Notify,
}

impl Atlas {
    pub(crate) fn new(peers: &grpc::Peers) -> Self {
        Self {
            registry: RegistryClient::new(peers.to("registry")).max_decoding_message_size(64 << 20),
            town: watch::Sender::new(None),
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

    /// Loads the network and keeps it current until `stop`.
    pub async fn keep(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.load().await {
                tracing::info!(error = %relight_common::error::chain(&error), "the network is not there yet");
            }
            let wait = if self.town().is_some() {
                LOOK_EVERY
            } else {
                RETRY_EVERY
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.bell.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Loads the registry's current version, unless it is the one held.
    ///
    /// # Errors
    /// [`Error::Common`] when the registry does not answer; [`Error::Network`] when what it sends is broken.
    pub async fn load(&self) -> Result<(), Error> {
        let Some((version, bytes)) = self.snapshot().await? else {
            return Ok(());
        };
        let points = self.points().await?;
        let built = tokio::task::spawn_blocking(move || {
            let network = snapshot::read(&bytes)?;
            let lengths_m = network.devices.iter().map(|device| device.length_m).collect();
            Ok::<_, relight_grid::Faults>(Town::new(network.grid(version)?, lengths_m, &points))
        });
        let town = match built.await {
            Ok(Ok(town)) => town,
            Ok(Err(faults)) => return Err(Error::Network(faults.to_string())),
            Err(panic) => return Err(Error::Network(panic.to_string())),
        };
        tracing::info!(grid.version = %version, "network loaded");
        self.town.send_replace(Some(Arc::new(town)));
        Ok(())
    }

    /// The bytes of the current version; none when it is held already.
    async fn snapshot(&self) -> Result<Option<(Uuid, Vec<u8>)>, Error> {
        let asked = relight_common::Error::peer("the registry for the network");
        let mut registry = self.registry.clone();
        let reply = registry
            .grid_snapshot(GridSnapshotRequest::default())
            .await
            .map_err(asked)?;
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
            if self.town().is_some_and(|town| town.version() == version) {
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
