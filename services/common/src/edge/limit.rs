//! Rate limits per key (client address, session): a token bucket each, forgotten when full again.

use std::{hash::Hash, num::NonZeroU32};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use super::problem::Problem;

/// Keys held before the full buckets are dropped.
const KEYS_MAX: usize = 50_000;

/// A limit per key.
#[derive(Debug)]
pub struct Limit<K: Hash + Eq + Clone> {
    buckets: DefaultKeyedRateLimiter<K>,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    /// `per_s` requests each second with bursts of `burst`; zero counts as one.
    pub fn new(per_s: u32, burst: u32) -> Self {
        let quota = Quota::per_second(at_least_one(per_s)).allow_burst(at_least_one(burst));
        Self {
            buckets: RateLimiter::keyed(quota),
        }
    }

    /// Takes one from the bucket of `key`.
    ///
    /// # Errors
    /// A 429 with the seconds to wait.
    pub fn check(&self, key: &K) -> Result<(), Problem> {
        if self.buckets.len() > KEYS_MAX {
            self.buckets.retain_recent();
        }
        self.buckets.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Problem::too_many(wait.as_secs().saturating_add(1))
        })
    }
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_the_next_waits_while_others_go_on() {
        let limit = Limit::new(1, 3);
        for _ in 0..3 {
            limit.check(&"a").unwrap();
        }
        assert_eq!(limit.check(&"a").unwrap_err().status, 429);
        limit.check(&"b").unwrap();
    }
}
