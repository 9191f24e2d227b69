//! How often in a year a customer may be off for planned work: the pack says it by voltage (domain.md 5.2).

use chrono::TimeDelta;
use relight_policy::Pack;
use uuid::Uuid;

use super::window::Instant;

/// From this nominal voltage on the limit of 35 kV and above holds.
const HIGH_V: i32 = 35_000;

/// The limits of a year, by voltage. None: the pack sets no limit there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// At 35 kV and above.
    pub kv35: Option<u16>,
    /// Below it, and where nobody knows the voltage.
    pub kv10: Option<u16>,
    /// How long in all, whatever the voltage (domain.md 3.5).
    pub long: Option<TimeDelta>,
}

impl Times {
    /// What `pack` says for the year of `at`.
    pub fn of(pack: &Pack, at: Instant) -> Self {
        let limit = |path| pack.times_per_year(path, at).ok();
        Self {
            kv35: limit("planned.times.kv35"),
            kv10: limit("planned.times.kv10"),
            long: pack.duration("planned.long_outage", at).ok(),
        }
    }

    /// Customers by the limit that holds for them; groups without anybody are left out.
    pub fn groups(&self, customers: &[(Uuid, Option<i32>)]) -> Vec<(Option<u16>, Vec<Uuid>)> {
        let is_high = |volts: &Option<i32>| volts.is_some_and(|volts| volts >= HIGH_V);
        let those = |high: bool| {
            let named = customers.iter().filter(move |(_, volts)| is_high(volts) == high);
            named.map(|(customer, _)| *customer).collect::<Vec<_>>()
        };
        let groups = [(self.kv35, those(true)), (self.kv10, those(false))];
        groups.into_iter().filter(|(_, all)| !all.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_35_kv_on_once_a_year_and_below_three_times() {
        let at = "2026-03-01T01:00:00Z".parse().unwrap();
        for pack in ["CN-SGCC", "CN-CSG"] {
            let times = Times::of(&Pack::load(pack).unwrap(), at);
            assert_eq!((times.kv35, times.kv10), (Some(1), Some(3)), "{pack}");
            assert_eq!(times.long, Some(TimeDelta::hours(24)), "{pack}");
        }
        // Australia counts no outages a year.
        let none = Times::of(&Pack::load("AU-NERR").unwrap(), at);
        assert_eq!((none.kv35, none.kv10, none.long), (None, None, None));
    }

    #[test]
    fn each_customer_has_the_limit_of_their_voltage() {
        let times = Times {
            kv35: Some(1),
            kv10: Some(3),
            long: None,
        };
        let id = Uuid::from_u128;
        let table = [
            (id(1), Some(110_000)),
            (id(2), Some(35_000)),
            (id(3), Some(34_999)),
            (id(4), Some(220)),
            (id(5), None),
        ];
        let expected = vec![
            (Some(1), vec![id(1), id(2)]),
            (Some(3), vec![id(3), id(4), id(5)]),
        ];
        assert_eq!(times.groups(&table), expected);
        assert_eq!(times.groups(&[]), []);
    }
}
