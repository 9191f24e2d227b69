//! A position older than half an hour is unknown.

use chrono::{DateTime, TimeDelta, Utc};

use super::Broken;
use crate::domain::crew::Fix;

/// Older positions say nothing.
const AGE_MAX: TimeDelta = TimeDelta::minutes(30);

/// `position_stale`
pub(super) fn check(fix: Option<Fix>, now: DateTime<Utc>) -> Option<Broken> {
    match fix {
        Some(fix) if now - fix.at <= AGE_MAX => None,
        other => Some(Broken::PositionStale {
            last_at: other.map(|fix| fix.at),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::given::*, *};
    use crate::domain::place::Place;

    #[test]
    fn half_an_hour_is_the_limit() {
        let place = Place {
            lon: 120.0,
            lat: 30.0,
        };
        let fix = |minutes| Fix {
            place,
            at: now() - TimeDelta::minutes(minutes),
            heading_deg: 0.0,
        };
        let stale = |last_at| Some(Broken::PositionStale { last_at });
        assert_eq!(check(Some(fix(0)), now()), None);
        assert_eq!(check(Some(fix(30)), now()), None);
        assert_eq!(check(Some(fix(31)), now()), stale(Some(fix(31).at)));
        assert_eq!(check(None, now()), stale(None));
    }
}
