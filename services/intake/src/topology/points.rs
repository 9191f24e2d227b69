//! The service points on one version of the network. Those of one customer can be replaced while everything else stays.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use relight_grid::{Grid, LoadIx};
use relight_policy::AreaClass;
use rstar::{AABB, RTree, primitives::GeomWithData};
use uuid::Uuid;

use crate::domain::place::{Position, ServicePoint};

/// A reporter's position belongs to the nearest service point within this distance, metres.
pub const NEAR_M: f64 = 100.0;
/// Metres of one degree of latitude.
const DEGREE_M: f64 = 111_320.0;

/// What a place near a service point takes over from it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spot {
    pub(super) point: Uuid,
    pub(super) customer: Uuid,
    /// Where it hangs, if the network knows it.
    on: Option<LoadIx>,
    pub(super) load: Arc<str>,
    pub(super) transformer: Arc<str>,
    pub(super) area: Option<AreaClass>,
    pub(super) org_path: Arc<str>,
    pub(super) zone: Arc<str>,
    pub(super) at: Option<Position>,
    pub(super) important: bool,
    pub(super) life_support: bool,
}

type Placed = GeomWithData<[f64; 2], Arc<Spot>>;

impl Spot {
    fn new(grid: &Grid, point: &ServicePoint, mut word: impl FnMut(&str) -> Arc<str>) -> Arc<Self> {
        Arc::new(Self {
            point: point.id,
            customer: point.customer_id,
            on: grid.load(&point.load_id),
            load: point.load_id.as_str().into(),
            transformer: word(&point.transformer_id),
            area: point.area,
            org_path: word(&point.org_path),
            zone: word(&point.zone),
            at: point.position,
            important: point.important,
            life_support: point.life_support,
        })
    }
}

fn placed(spot: &Arc<Spot>) -> Option<Placed> {
    let at = spot.at?;
    Some(GeomWithData::new([at.lon, at.lat], spot.clone()))
}

/// Service points, found by id, by load, by customer and by place.
#[derive(Debug, Default)]
pub(super) struct Points {
    near: RTree<Placed>,
    by_load: HashMap<LoadIx, Arc<Spot>>,
    by_point: HashMap<Uuid, Arc<Spot>>,
    /// (customer, service point).
    by_customer: BTreeSet<(Uuid, Uuid)>,
    /// The org path all of them lay under when they were read: where a report that nobody can place goes.
    pub(super) root: String,
    pub(super) zone: String,
}

impl Points {
    /// All of them at once.
    pub(super) fn new(grid: &Grid, points: &[ServicePoint]) -> Self {
        let mut words: HashMap<String, Arc<str>> = HashMap::new();
        let mut word = |text: &str| -> Arc<str> {
            words
                .entry(text.to_owned())
                .or_insert_with(|| Arc::from(text))
                .clone()
        };
        let spots: Vec<_> = points
            .iter()
            .map(|point| Spot::new(grid, point, &mut word))
            .collect();
        Self {
            near: RTree::bulk_load(spots.iter().filter_map(placed).collect()),
            by_load: spots
                .iter()
                .filter_map(|spot| Some((spot.on?, spot.clone())))
                .collect(),
            by_customer: spots.iter().map(|spot| (spot.customer, spot.point)).collect(),
            by_point: spots.into_iter().map(|spot| (spot.point, spot)).collect(),
            root: common_path(points),
            zone: points.first().map(|point| point.zone.clone()).unwrap_or_default(),
        }
    }

    /// These are the service points of `customer` now, and no others. One that was somebody else's is not theirs any more. Whether
    /// they depend on life-support at one of them and did not before.
    pub(super) fn replace(&mut self, grid: &Grid, customer: Uuid, now: &[ServicePoint]) -> bool {
        let theirs: HashSet<Uuid> = now.iter().map(|point| point.id).collect();
        let before = self
            .by_customer
            .range((customer, Uuid::nil())..=(customer, Uuid::max()));
        let gone: Vec<Uuid> = before
            .map(|(_, point)| *point)
            .filter(|point| !theirs.contains(point))
            .collect();
        gone.into_iter().for_each(|point| self.remove(point));
        let mut newly = false;
        for point in now {
            let before = self.by_point.get(&point.id);
            let did = before.is_some_and(|spot| spot.life_support && spot.customer == customer);
            newly |= point.life_support && !did;
            self.remove(point.id);
            self.put(Spot::new(grid, point, |text| Arc::from(text)));
        }
        newly
    }

    fn remove(&mut self, point: Uuid) {
        let Some(spot) = self.by_point.remove(&point) else {
            return;
        };
        self.by_customer.remove(&(spot.customer, point));
        if let Some(load) = spot.on
            && self.by_load.get(&load).is_some_and(|there| there.point == point)
        {
            self.by_load.remove(&load);
        }
        if let Some(placed) = placed(&spot) {
            self.near.remove(&placed);
        }
    }

    fn put(&mut self, spot: Arc<Spot>) {
        self.by_customer.insert((spot.customer, spot.point));
        if let Some(load) = spot.on {
            self.by_load.insert(load, spot.clone());
        }
        if let Some(placed) = placed(&spot) {
            self.near.insert(placed);
        }
        self.by_point.insert(spot.point, spot);
    }

    /// Where a service point hangs.
    pub(super) fn load_of(&self, point: Uuid) -> Option<LoadIx> {
        self.by_point.get(&point)?.on
    }

    pub(super) fn at_load(&self, load: LoadIx) -> Option<&Arc<Spot>> {
        self.by_load.get(&load)
    }

    /// Those of these service points where somebody depends on life-support.
    pub(super) fn on_life_support<'a>(&'a self, points: &'a [Uuid]) -> impl Iterator<Item = &'a Arc<Spot>> {
        let spots = points.iter().filter_map(|point| self.by_point.get(point));
        spots.filter(|spot| spot.life_support && spot.on.is_some())
    }

    /// The nearest within [`NEAR_M`].
    pub(super) fn nearest(&self, at: Position) -> Option<&Arc<Spot>> {
        let east = at.lat.to_radians().cos().max(0.01) * DEGREE_M;
        let (dx, dy) = (NEAR_M / east, NEAR_M / DEGREE_M);
        let around = AABB::from_corners([at.lon - dx, at.lat - dy], [at.lon + dx, at.lat + dy]);
        let metres = |[lon, lat]: &[f64; 2]| ((lon - at.lon) * east).hypot((lat - at.lat) * DEGREE_M);
        self.near
            .locate_in_envelope(&around)
            .map(|spot| (metres(spot.geom()), spot))
            .filter(|(distance_m, _)| *distance_m <= NEAR_M)
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, spot)| &spot.data)
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

#[cfg(test)]
mod tests;
