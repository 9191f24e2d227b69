//! Where the crews are, and what the rules need to know of them: one R-tree in the memory of every replica.
//!
//! Promises: a later position replaces an earlier one, an earlier one that comes late changes nothing, and the nearest
//! crews come in the order of great-circle distance anywhere on earth.

use std::collections::HashMap;

use rstar::{RTree, primitives::GeomWithData};

use super::{
    crew::{Crew, Fix},
    ids::CrewId,
    place::Place,
};

type Spot = GeomWithData<[f64; 3], CrewId>;

/// What is known of one crew.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Facts; none while only positions came.
    pub crew: Option<Crew>,
    /// Last position.
    pub fix: Option<Fix>,
}

/// Positions and facts of all crews.
#[derive(Debug, Clone, Default)]
pub struct Index {
    tree: RTree<Spot>,
    crews: HashMap<CrewId, Known>,
}

impl Index {
    /// Many crews at once, which is faster than one by one.
    pub fn of(known: impl IntoIterator<Item = (Crew, Option<Fix>)>) -> Self {
        let crews: HashMap<_, _> = known
            .into_iter()
            .map(|(crew, fix)| {
                (
                    crew.id,
                    Known {
                        crew: Some(crew),
                        fix,
                    },
                )
            })
            .collect();
        let spots = crews
            .iter()
            .filter_map(|(id, known)| Some(spot(*id, known.fix?.place)))
            .collect();
        Self {
            tree: RTree::bulk_load(spots),
            crews,
        }
    }

    /// Takes a crew's facts.
    pub fn put_crew(&mut self, crew: Crew) {
        let id = crew.id;
        self.crews.entry(id).or_default().crew = Some(crew);
    }

    /// Takes a position; false when a later one is known already.
    pub fn put_fix(&mut self, id: CrewId, fix: Fix) -> bool {
        let known = self.crews.entry(id).or_default();
        match known.fix {
            Some(last) if last.at >= fix.at => return false,
            Some(last) => {
                self.tree.remove(&spot(id, last.place));
            }
            None => {}
        }
        known.fix = Some(fix);
        self.tree.insert(spot(id, fix.place));
        true
    }

    /// What is known of a crew.
    pub fn known(&self, id: CrewId) -> Option<&Known> {
        self.crews.get(&id)
    }

    /// All crews, in no order.
    pub fn all(&self) -> impl Iterator<Item = (CrewId, &Known)> {
        self.crews.iter().map(|(id, known)| (*id, known))
    }

    /// Crews with a position, nearest first.
    pub fn nearest(&self, to: Place) -> impl Iterator<Item = (CrewId, &Known)> {
        self.tree
            .nearest_neighbor_iter(&to.on_sphere())
            .filter_map(|spot| self.crews.get(&spot.data).map(|known| (spot.data, known)))
    }
}

fn spot(id: CrewId, place: Place) -> Spot {
    Spot::new(place.on_sphere(), id)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;

    use super::*;

    fn t0() -> DateTime<Utc> {
        "2026-03-01T02:10:00Z".parse().expect("an instant")
    }

    fn crew(n: u8) -> CrewId {
        CrewId::from_uuid(uuid::Uuid::from_u128(u128::from(n)))
    }

    proptest! {
        #[test]
        fn moves_in_any_order_leave_each_crew_once_at_its_latest_place_nearest_first(
            moves in prop::collection::vec((0u8..12, 0i64..50, -180.0..180.0f64, -89.0..89.0f64), 0..80),
            lon in -180.0..180.0f64,
            lat in -89.0..89.0f64,
        ) {
            let mut index = Index::default();
            let mut latest: HashMap<CrewId, Fix> = HashMap::new();
            for (n, second, lon, lat) in moves {
                let fix = Fix { place: Place { lon, lat }, at: t0() + TimeDelta::seconds(second), heading_deg: 0.0 };
                let newer = latest.get(&crew(n)).is_none_or(|last| last.at < fix.at);
                prop_assert_eq!(index.put_fix(crew(n), fix), newer);
                if newer {
                    latest.insert(crew(n), fix);
                }
            }
            let from = Place { lon, lat };
            let found: Vec<_> = index.nearest(from).map(|(id, known)| (id, known.fix.expect("in the tree"))).collect();
            prop_assert_eq!(found.len(), latest.len());
            for (id, fix) in &found {
                prop_assert_eq!(latest[id], *fix);
            }
            let distances: Vec<_> = found.iter().map(|(_, fix)| from.distance_m(fix.place)).collect();
            // One metre of slack for rounding at half the earth's girth.
            prop_assert!(distances.windows(2).all(|pair| pair[0] <= pair[1] + 1.0), "{distances:?}");
        }
    }
}
