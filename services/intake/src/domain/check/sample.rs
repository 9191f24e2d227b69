//! Who is asked. The same restoration gives the same sample wherever it is drawn: chance is a hash of the check and the load.

use std::collections::{HashMap, HashSet};

use relight_common::ids::derived;
use uuid::Uuid;

/// A service point that should have supply again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its load in the grid.
    pub load: String,
    /// The transformer that feeds it.
    pub transformer: Option<String>,
    /// Whose it is.
    pub customer: Option<Uuid>,
    /// Its id in the registry.
    pub service_point: Option<Uuid>,
    /// Somebody depends on life-support there.
    pub life_support: bool,
    /// An important customer.
    pub important: bool,
    /// Its meter can be pinged.
    pub has_meter: bool,
    /// Organisation responsible.
    pub org_path: String,
}

/// How many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Percent of the restored service points.
    pub percent: u32,
    /// But so many at least, as far as there are.
    pub least: usize,
    /// And never more.
    pub most: usize,
}

impl Rules {
    fn wanted(&self, of: usize) -> usize {
        let share = of
            .saturating_mul(usize::try_from(self.percent).unwrap_or(usize::MAX))
            .div_ceil(100);
        share.max(self.least)
    }
}

/// The place of a candidate in the queue: life-support, important, then one of each transformer in turn.
type Place = (u8, usize, Uuid, Uuid);

/// Draws the sample of a check. Each transformer is in it as far as there is room, each customer once.
pub fn sample(check: Uuid, candidates: Vec<Candidate>, rules: &Rules) -> Vec<Candidate> {
    let queue = once_each(check, candidates);
    let wanted = rules.wanted(queue.len());
    let queue = placed(check, queue);
    // Whoever must not be forgotten, and the first of every transformer.
    let must = queue
        .iter()
        .filter(|((class, turn, ..), _)| *class < 2 || *turn == 0)
        .count();
    let count = wanted.max(must).min(rules.most);
    queue.into_iter().take(count).map(|(_, one)| one).collect()
}

/// Those who can be asked at all, each load and each customer once, by their importance and then by chance.
fn once_each(check: Uuid, mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.retain(|one| one.has_meter || one.customer.is_some());
    // A ping wakes nobody.
    candidates.sort_by_cached_key(|one| (class(one), !one.has_meter, derived(check, &one.load)));
    let (mut loads, mut customers) = (HashSet::new(), HashSet::new());
    candidates.retain(|one| {
        loads.insert(one.load.clone()) && one.customer.is_none_or(|customer| customers.insert(customer))
    });
    candidates
}

fn class(one: &Candidate) -> u8 {
    match (one.life_support, one.important) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    }
}

fn placed(check: Uuid, queue: Vec<Candidate>) -> Vec<(Place, Candidate)> {
    let mut turns: HashMap<Option<String>, usize> = HashMap::new();
    let mut placed: Vec<(Place, Candidate)> = queue
        .into_iter()
        .map(|one| {
            let turn = turns.entry(one.transformer.clone()).or_default();
            *turn += 1;
            let at = derived(check, one.transformer.as_deref().unwrap_or_default());
            ((class(&one), *turn - 1, at, derived(check, &one.load)), one)
        })
        .collect();
    placed.sort_by_key(|(place, _)| *place);
    placed
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn candidate(n: usize, transformers: usize) -> Candidate {
        Candidate {
            load: format!("L{n}"),
            transformer: Some(format!("T{}", n % transformers)),
            customer: (n % 7 != 3).then(|| Uuid::from_u128(n as u128 / 2)),
            service_point: None,
            life_support: n % 23 == 5,
            important: n % 17 == 2,
            has_meter: n.is_multiple_of(3),
            org_path: String::new(),
        }
    }

    fn town(count: usize, transformers: usize) -> Vec<Candidate> {
        (0..count).map(|n| candidate(n, transformers)).collect()
    }

    const RULES: Rules = Rules {
        percent: 5,
        least: 3,
        most: 20,
    };

    #[test]
    fn a_small_section_is_asked_as_a_whole_and_a_large_one_only_in_part() {
        let check = Uuid::from_u128(1);
        assert_eq!(sample(check, Vec::new(), &RULES), []);
        assert_eq!(sample(check, vec![candidate(0, 1)], &RULES).len(), 1);
        let plain = |n| Candidate {
            life_support: false,
            important: false,
            customer: Some(Uuid::from_u128(n as u128)),
            ..candidate(n, 1)
        };
        assert_eq!(sample(check, (0..10).map(plain).collect(), &RULES).len(), 3);
        assert_eq!(sample(check, (0..200).map(plain).collect(), &RULES).len(), 10);
        assert_eq!(sample(check, (0..9_000).map(plain).collect(), &RULES).len(), 20);
    }

    #[test]
    fn another_restoration_asks_others() {
        let of = |check| sample(Uuid::from_u128(check), town(400, 2), &RULES);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    proptest! {
        #[test]
        fn the_sample_is_bounded_fair_and_the_same_in_any_order(
            count in 0..300_usize, transformers in 1..12_usize, seed in any::<u128>(), most in 1..40_usize,
            turn in 0..300_usize,
        ) {
            let rules = Rules { most, ..RULES };
            let check = Uuid::from_u128(seed);
            let all = town(count, transformers);
            let picked = sample(check, all.clone(), &rules);
            let mut other = all.clone();
            other.rotate_left(turn.min(count));
            other.reverse();
            prop_assert_eq!(&picked, &sample(check, other, &rules));

            prop_assert!(picked.len() <= most);
            let loads: BTreeSet<_> = picked.iter().map(|one| &one.load).collect();
            let customers: Vec<_> = picked.iter().filter_map(|one| one.customer).collect();
            prop_assert_eq!(loads.len(), picked.len());
            prop_assert_eq!(customers.iter().collect::<BTreeSet<_>>().len(), customers.len());
            prop_assert!(picked.iter().all(|one| one.has_meter || one.customer.is_some()));

            // Nobody on life-support waits for somebody else, unless an account of theirs is asked.
            let reached = |one: &Candidate| one.customer.is_some_and(|customer| customers.contains(&customer));
            let forgotten = all.iter().any(|one| one.life_support && (one.has_meter || one.customer.is_some())
                && !loads.contains(&one.load) && !reached(one));
            prop_assert!(!forgotten || picked.iter().all(|one| one.life_support));

            // While there is room, each transformer has one.
            if picked.len() < most {
                let asked: BTreeSet<_> = picked.iter().map(|one| one.transformer.clone()).collect();
                let left = once_each(check, all).into_iter().find(|one| !asked.contains(&one.transformer));
                prop_assert!(left.is_none(), "{:?}", left);
            }
        }
    }
}
