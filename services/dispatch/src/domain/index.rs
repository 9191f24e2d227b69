//! Where the crews are, and what the rules need to know of them: one R-tree in the memory of every replica.
//!
//! Promises: a later position replaces an earlier one, an earlier one that comes late changes nothing, and the nearest
//! crews come in the order of great-circle distance anywhere on earth.

use std::collections::HashMap;

use rstar::{RTree, primitives::GeomWithData};

use super::{
    crew::{Crew, Fix},
    ids::CrewId,
    nearest::nearest,
    place::{Chord, Place},
};

/// A place on the unit sphere and the slot of the crew that is there.
type Spot = GeomWithData<[f64; 3], u32>;

/// What is known of one crew.
#[derive(Debug, Clone)]
pub struct Known {
    /// The crew.
    pub id: CrewId,
    /// Facts; none while only positions came.
    pub crew: Option<Crew>,
    /// Last position.
    pub fix: Option<Fix>,
}

/// Positions and facts of all crews.
#[derive(Debug, Clone, Default)]
pub struct Index {
    tree: RTree<Spot>,
    /// A crew keeps its slot for ever, so the tree leads to its facts without a look-up.
    slots: Vec<Known>,
    slot_of: HashMap<CrewId, u32>,
}

impl Index {
    /// Many crews at once, which is faster than one by one.
    pub fn of(known: impl IntoIterator<Item = (Crew, Option<Fix>)>) -> Self {
        let mut index = Self::default();
        for (crew, fix) in known {
            let slot = index.slot(crew.id) as usize;
            index.slots[slot] = Known {
                id: crew.id,
                crew: Some(crew),
                fix,
            };
        }
        let spots = (0..).zip(&index.slots);
        let spots = spots.filter_map(|(slot, known)| Some(spot(slot, known.fix?.place)));
        index.tree = RTree::bulk_load(spots.collect());
        index
    }

    /// Takes a crew's facts.
    pub fn put_crew(&mut self, crew: Crew) {
        let slot = self.slot(crew.id) as usize;
        self.slots[slot].crew = Some(crew);
    }

    /// Takes a position; false when a later one is known already.
    pub fn put_fix(&mut self, id: CrewId, fix: Fix) -> bool {
        let slot = self.slot(id);
        let known = &mut self.slots[slot as usize];
        match known.fix {
            Some(last) if last.at >= fix.at => return false,
            Some(last) => {
                self.tree.remove(&spot(slot, last.place));
            }
            None => {}
        }
        known.fix = Some(fix);
        self.tree.insert(spot(slot, fix.place));
        true
    }

    /// What is known of a crew.
    pub fn known(&self, id: CrewId) -> Option<&Known> {
        self.slot_of.get(&id).map(|slot| &self.slots[*slot as usize])
    }

    /// All crews, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Known> {
        self.slots.iter()
    }

    /// Crews with a position and how far they are, nearest first.
    pub fn nearest(&self, to: Place) -> impl Iterator<Item = (&Known, Chord)> {
        nearest(&self.tree, to.on_sphere())
            .map(|(slot, squared)| (&self.slots[*slot as usize], Chord::of_squared(squared)))
    }

    /// The slot of a crew, which is made when it is new.
    fn slot(&mut self, id: CrewId) -> u32 {
        *self.slot_of.entry(id).or_insert_with(|| {
            let slot = u32::try_from(self.slots.len()).expect("no utility has 2^32 crews");
            self.slots.push(Known {
                id,
                crew: None,
                fix: None,
            });
            slot
        })
    }
}

fn spot(slot: u32, place: Place) -> Spot {
    Spot::new(place.on_sphere(), slot)
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
            let found: Vec<_> = index.nearest(from).map(|(known, chord)| (known.id, known.fix.expect("in the tree"), chord)).collect();
            prop_assert_eq!(found.len(), latest.len());
            for (id, fix, chord) in &found {
                prop_assert_eq!(latest[id], *fix);
                let apart_m = from.distance_m(fix.place);
                prop_assert!((chord.distance_m() - apart_m).abs() <= 1.0, "{apart_m} m");
            }
            let distances: Vec<_> = found.iter().map(|(_, fix, _)| from.distance_m(fix.place)).collect();
            // One metre of slack for rounding at half the earth's girth.
            prop_assert!(distances.windows(2).all(|pair| pair[0] <= pair[1] + 1.0), "{distances:?}");
        }
    }
}
