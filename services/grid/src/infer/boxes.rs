//! Sorting sets of loads into those that lie in each other and those that cross one of them.

use std::collections::BTreeMap;

use crate::model::{DeviceIx, Grid, LoadIx};
use crate::network::DeviceKind;

/// Loads with the devices that put exactly them out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    /// Ascending.
    pub(super) loads: Vec<LoadIx>,
    pub(super) devices: Vec<DeviceIx>,
}

/// Largest first, those that lie in each other; and those that cross one of them. All lie in `members`, which
/// ascends.
///
/// Classes with a switching device come first in doubt: they are what crews find open. Crossing lines
/// are left out: what is wrong on a line is cleared by the protection above it.
pub(super) fn split(
    found: BTreeMap<Vec<LoadIx>, Vec<DeviceIx>>,
    members: &[LoadIx],
    grid: &Grid,
) -> (Vec<Set>, Vec<Set>) {
    let sets = found.into_iter().map(|(loads, devices)| Set { loads, devices });
    let mut by_rank: Vec<(u8, Set)> = sets.map(|set| (rank(&set.devices, grid), set)).collect();
    by_rank.sort_by(|(a, x), (b, y)| {
        (a, y.loads.len(), &x.loads).cmp(&(b, x.loads.len(), &y.loads)) // larger first within a rank
    });
    let (mut nested, mut crossing) = (Nested::new(members), Vec::new());
    for (rank, set) in by_rank {
        match nested.add(set) {
            Some(set) if rank < 2 => crossing.push(set),
            _ => {}
        }
    }
    let mut nested = nested.sets;
    nested.sort_by(|x, y| {
        let by_size = y.loads.len().cmp(&x.loads.len());
        by_size.then_with(|| x.loads.cmp(&y.loads))
    });
    (nested, crossing)
}

fn rank(devices: &[DeviceIx], grid: &Grid) -> u8 {
    let kinds = || devices.iter().map(|&device| grid.device_kind(device));
    if kinds().any(DeviceKind::is_switching) {
        0
    } else if kinds().any(|kind| kind == DeviceKind::Transformer) {
        1
    } else {
        2
    }
}

/// Sets of which no two cross.
struct Nested<'m> {
    members: &'m [LoadIx],
    sets: Vec<Set>,
    /// The sets around each member, by place in `sets`.
    around: Vec<Vec<u32>>,
    /// How many loads each of `sets` shares with the one that is looked at; zero in between.
    shared: Vec<u32>,
}

impl<'m> Nested<'m> {
    fn new(members: &'m [LoadIx]) -> Nested<'m> {
        Nested {
            members,
            sets: Vec::new(),
            around: vec![Vec::new(); members.len()],
            shared: Vec::new(),
        }
    }

    /// Takes a set in if each that shares a load with it lies inside it or around it; gives it back otherwise.
    fn add(&mut self, set: Set) -> Option<Set> {
        let places: Vec<usize> = set
            .loads
            .iter()
            .filter_map(|load| self.members.binary_search(load).ok())
            .collect();
        if !self.fits(&places) {
            return Some(set);
        }
        let at = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        places.into_iter().for_each(|place| self.around[place].push(at));
        self.sets.push(set);
        self.shared.push(0);
        None
    }

    fn fits(&mut self, places: &[usize]) -> bool {
        let mut met = Vec::new();
        for &place in places {
            for &set in &self.around[place] {
                let count = &mut self.shared[set as usize];
                if *count == 0 {
                    met.push(set as usize);
                }
                *count += 1;
            }
        }
        let mut fits = true;
        for set in met {
            let count = std::mem::take(&mut self.shared[set]) as usize;
            fits &= count == places.len() || count == self.sets[set].loads.len();
        }
        fits
    }
}
