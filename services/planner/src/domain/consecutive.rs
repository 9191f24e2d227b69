//! Outages of the same people with less than an hour of supply between (domain.md 5.5 no. 27): two interruptions, one plan,
//! and the notice names both windows. Pure.

use chrono::TimeDelta;

use super::window::Window;

/// So much supply between makes them two plans.
pub const BETWEEN: TimeDelta = TimeDelta::hours(1);

/// Whether one follows the other with less than an hour of supply between. Windows that overlap do not.
pub fn are_consecutive(a: Window, b: Window) -> bool {
    let (first, second) = if a.off_at <= b.off_at { (a, b) } else { (b, a) };
    let between = second.off_at - first.on_at;
    between >= TimeDelta::zero() && between < BETWEEN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::window::Instant;

    #[test]
    fn less_than_an_hour_between_makes_them_one_plan() {
        let t0: Instant = "2026-03-09T01:00:00Z".parse().unwrap();
        let window = |from: i64, until: i64| Window {
            off_at: t0 + TimeDelta::minutes(from),
            on_at: t0 + TimeDelta::minutes(until),
        };
        let first = window(0, 120);
        let table = [
            (window(120, 200), true),
            (window(179, 200), true),
            (window(180, 200), false),
            (window(119, 200), false),
            (window(-60, -30), true),
            (window(-90, -60), false),
            (window(0, 120), false),
        ];
        for (other, expected) in table {
            assert_eq!(are_consecutive(first, other), expected, "{other:?}");
            assert_eq!(
                are_consecutive(other, first),
                expected,
                "{other:?}, the other way round"
            );
        }
    }
}
