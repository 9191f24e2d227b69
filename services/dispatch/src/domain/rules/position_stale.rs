//! A position older than half an hour is unknown.

use chrono::TimeDelta;

use super::{Broken, Moment};
use crate::domain::crew::Fix;

/// Older positions say nothing.
pub(super) const AGE_MAX: TimeDelta = TimeDelta::minutes(30);

/// `position_stale`
pub(super) fn check(fix: Option<Fix>, moment: &Moment) -> Option<Broken> {
    match fix {
        Some(fix) if moment.seen_since <= fix.at => None,
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
        assert_eq!(check(Some(fix(0)), &moment()), None);
        assert_eq!(check(Some(fix(30)), &moment()), None);
        assert_eq!(check(Some(fix(31)), &moment()), stale(Some(fix(31).at)));
        assert_eq!(check(None, &moment()), stale(None));
    }
}
