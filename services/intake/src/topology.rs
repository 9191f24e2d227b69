//! The network in memory: loaded from the registry, replaced when there is a newer version. While it is not there,
//! reports are grouped by their transformer alone.

mod atlas;
mod points;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
};

use relight_grid::{DeviceIx, Grid, LoadIx};
use uuid::Uuid;

use self::points::Points;
pub use self::{atlas::Atlas, points::NEAR_M};
use crate::{
    domain::{
        group::{DeviceId, Topology},
        mind::{Places, Switching},
        place::{Place, Position, ServicePoint},
    },
    store::set_call::Person,
};

/// One version of the network with the service points on it.
#[derive(Debug)]
pub struct Town {
    grid: Arc<Grid>,
    /// Lengths of the grid's devices, in its order.
    lengths_m: Vec<Option<f64>>,
    points: RwLock<Points>,
    /// How it was switched when it was loaded, with the number of that state.
    switched: Option<(i64, Switching)>,
    ways: Mutex<HashMap<WayKey, Arc<[DeviceId]>>>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum WayKey {
    Load(LoadIx),
    Device(DeviceIx),
}

impl Town {
    /// Over a network, the lengths of its devices in its order (none: unknown), and its service points.
    pub fn new(grid: Grid, lengths_m: Vec<Option<f64>>, points: &[ServicePoint]) -> Self {
        Self {
            points: RwLock::new(Points::new(&grid, points)),
            switched: None,
            grid: Arc::new(grid),
            lengths_m,
            ways: Mutex::default(),
        }
    }

    /// The same, switched like this since the state of that number began.
    pub fn switched_like(self, switched: Option<(i64, Switching)>) -> Self {
        Self { switched, ..self }
    }

    /// How it was switched when it was loaded, with the number of that state; none: as is normal.
    pub fn switched(&self) -> Option<&(i64, Switching)> {
        self.switched.as_ref()
    }

    /// Takes over which service points a customer has now. Whether they depend on life-support there and did not before.
    pub fn replace(&self, customer: Uuid, now: &[ServicePoint]) -> bool {
        let mut points = self.points.write().unwrap_or_else(PoisonError::into_inner);
        points.replace(&self.grid, customer, now)
    }

    /// Takes over all service points as they are now.
    pub fn replace_all(&self, now: &[ServicePoint]) {
        let fresh = Points::new(&self.grid, now);
        *self.points.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    fn points(&self) -> RwLockReadGuard<'_, Points> {
        self.points.read().unwrap_or_else(PoisonError::into_inner)
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
        self.points().load_of(point)
    }

    /// The place of a load: that of its service point.
    pub fn place_of(&self, load: LoadIx) -> Place {
        let transformer = self.grid.normal_supply().transformer(load);
        let transformer = transformer.map(|device| self.grid.device_id(device).to_owned());
        let points = self.points();
        let place = Place {
            load_id: Some(self.grid.load_id(load).to_owned()),
            transformer_id: transformer,
            org_path: points.root.clone(),
            zone: points.zone.clone(),
            ..Place::default()
        };
        match points.at_load(load) {
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
        let load = self.grid.load(load)?;
        Some(self.points().at_load(load)?.customer)
    }

    /// Those of these service points where somebody depends on life-support.
    pub fn on_life_support(&self, points: &[Uuid]) -> Vec<Person> {
        let known = self.points();
        let spots = known.on_life_support(points);
        spots
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
        let points = self.points();
        let place = Place {
            org_path: points.root.clone(),
            zone: points.zone.clone(),
            position: at,
            ..Place::default()
        };
        let Some(spot) = at.and_then(|at| points.nearest(at)) else {
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
