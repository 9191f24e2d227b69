//! Customers who are linked to a wrong transformer in the utility's books: mostly to a neighbouring one, at times to any.

use std::collections::{BTreeMap, HashMap};

use super::random::Random;
use crate::model::{DeviceIx, Grid, LoadIx};

/// Of those with a wrong link so many have that of a neighbour; the rest may be anywhere.
const NEAR: f64 = 0.8;
/// A neighbour is one of so many transformers before or behind, in the order of the network.
const NEXT: usize = 3;

/// Under which load the reports of each load are recorded, where that is wrong: a `share` of all loads, each under a load of
/// another transformer (of another load, where there are no transformers).
pub(super) fn wrong(grid: &Grid, share: f64, random: &mut Random) -> HashMap<LoadIx, LoadIx> {
    let groups = groups(grid);
    let mut recorded = HashMap::new();
    for (at, group) in groups.iter().enumerate() {
        for &load in group {
            if random.chance(share)
                && let Some(other) = other_group(at, groups.len(), random)
            {
                let others = &groups[other];
                recorded.insert(load, others[random.below(others.len())]);
            }
        }
    }
    recorded
}

/// The loads of each transformer, in the order of their first ones.
fn groups(grid: &Grid) -> Vec<Vec<LoadIx>> {
    let supply = grid.normal_supply();
    let mut place: BTreeMap<DeviceIx, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<LoadIx>> = Vec::new();
    for load in grid.loads() {
        let next = groups.len();
        let at = supply
            .transformer(load)
            .map_or(next, |transformer| *place.entry(transformer).or_insert(next));
        if at == next {
            groups.push(Vec::new());
        }
        groups[at].push(load);
    }
    groups
}

fn other_group(at: usize, count: usize, random: &mut Random) -> Option<usize> {
    let others: Vec<usize> = if random.chance(NEAR) {
        (at.saturating_sub(NEXT)..count.min(at + NEXT + 1)).collect()
    } else {
        (0..count).collect()
    };
    let others: Vec<usize> = others.into_iter().filter(|other| *other != at).collect();
    (!others.is_empty()).then(|| others[random.below(others.len())])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_wrong_link_leads_to_another_transformer_and_there_are_as_many_as_asked_for() {
        let grid = Arc::new(crate::demo::town(42).network().grid(Uuid::nil()).expect("a town"));
        let recorded = wrong(&grid, 0.1, &mut Random::new(7));
        let share = recorded.len() as f64 / grid.loads().len() as f64;
        assert!((0.08..0.12).contains(&share), "{share}");
        let supply = grid.normal_supply();
        for (load, other) in recorded {
            assert_ne!(supply.transformer(load), supply.transformer(other));
        }
    }
}
