//! Area classes by strictness: the one with the shortest arrival limit rules an incident.

use chrono::{DateTime, TimeDelta, Utc};
use relight_policy::{AreaClass, NoRule, Pack};

/// Arrival limits by area class, as the policy pack has them at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArrivalLimits {
    urban: TimeDelta,
    rural: TimeDelta,
    remote: TimeDelta,
}

impl ArrivalLimits {
    /// The limits `pack` has at `at`.
    ///
    /// # Errors
    /// [`NoRule`] when the pack did not hold then.
    pub fn of(pack: &Pack, at: DateTime<Utc>) -> Result<Self, NoRule> {
        let limit = |area: AreaClass| pack.duration(&format!("fault.arrival.{area}"), at);
        Ok(Self {
            urban: limit(AreaClass::Urban)?,
            rural: limit(AreaClass::Rural)?,
            remote: limit(AreaClass::Remote)?,
        })
    }

    fn limit(&self, area: AreaClass) -> TimeDelta {
        match area {
            AreaClass::Urban => self.urban,
            AreaClass::Rural => self.rural,
            AreaClass::Remote => self.remote,
        }
    }

    /// The class whose limit is shorter.
    pub fn stricter(&self, a: AreaClass, b: AreaClass) -> AreaClass {
        if self.limit(b) < self.limit(a) { b } else { a }
    }

    /// The class with the shortest limit: taken where nobody knows the class.
    pub fn strictest(&self) -> AreaClass {
        AreaClass::ALL
            .into_iter()
            .fold(AreaClass::Remote, |best, next| self.stricter(best, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_limit_is_the_stricter_class() {
        let pack = Pack::load("CN-SGCC").unwrap();
        let limits = ArrivalLimits::of(&pack, "2026-11-22T00:00:00Z".parse().unwrap()).unwrap();
        assert_eq!(limits.strictest(), AreaClass::Urban);
        assert_eq!(
            limits.stricter(AreaClass::Remote, AreaClass::Rural),
            AreaClass::Rural
        );
        assert_eq!(
            limits.stricter(AreaClass::Rural, AreaClass::Remote),
            AreaClass::Rural
        );
        assert_eq!(
            limits.stricter(AreaClass::Urban, AreaClass::Urban),
            AreaClass::Urban
        );
    }
}
