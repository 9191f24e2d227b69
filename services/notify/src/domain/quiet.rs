//! The night (operations.md O20, which wins over domain.md 4.3): estimates and "restored" wake nobody but those who
//! reported. Everything else leaves at once.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::notice::Purpose;

/// When it is night, local time. Data, not code: another pack may have other hours.
#[derive(Debug, Clone, Copy)]
pub struct Hours {
    /// First quiet minute.
    pub from: NaiveTime,
    /// First minute that is not.
    pub until: NaiveTime,
}

/// 21:00 to 08:00, domain.md 4.3.
pub const NIGHT: Hours = Hours {
    from: NaiveTime::from_hms_opt(21, 0, 0).expect("a time of day"),
    until: NaiveTime::from_hms_opt(8, 0, 0).expect("a time of day"),
};

/// Whether the night holds for this purpose at all.
fn waits(purpose: Purpose) -> bool {
    match purpose {
        Purpose::Etr | Purpose::Restored => true,
        Purpose::Accepted | Purpose::CrewEnRoute | Purpose::Code => false,
    }
}

/// When a message may leave that could leave at `now`: at once, or when the night ends in `zone`.
/// `night`: this person may be told at night.
pub fn earliest(purpose: Purpose, night: bool, now: DateTime<Utc>, zone: Tz, hours: Hours) -> DateTime<Utc> {
    if night || !waits(purpose) {
        return now;
    }
    let local = now.with_timezone(&zone);
    let time = local.time();
    let is_quiet = if hours.from <= hours.until {
        hours.from <= time && time < hours.until
    } else {
        hours.from <= time || time < hours.until
    };
    if !is_quiet {
        return now;
    }
    let today = local.date_naive();
    let day = if time < hours.until {
        today
    } else {
        today.checked_add_days(Days::new(1)).unwrap_or(today)
    };
    // A morning that a clock change leaves out begins an hour later.
    [TimeDelta::zero(), TimeDelta::hours(1)]
        .into_iter()
        .find_map(|later| {
            zone.from_local_datetime(&(day.and_time(hours.until) + later))
                .earliest()
        })
        .map_or(now, |morning| morning.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHANGHAI: Tz = chrono_tz::Asia::Shanghai;
    const LONDON: Tz = chrono_tz::Europe::London;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_night_puts_off_estimates_and_restored_of_those_who_did_not_report() {
        let (evening, morning) = (at("2026-11-22T13:30:00Z"), at("2026-11-23T00:00:00Z"));
        let table = [
            // 21:30 in Shanghai.
            (Purpose::Etr, false, evening, SHANGHAI, morning),
            (Purpose::Restored, false, evening, SHANGHAI, morning),
            (Purpose::Restored, true, evening, SHANGHAI, evening),
            (Purpose::Accepted, false, evening, SHANGHAI, evening),
            (Purpose::CrewEnRoute, false, evening, SHANGHAI, evening),
            (Purpose::Code, false, evening, SHANGHAI, evening),
            // The same instant is afternoon in London.
            (Purpose::Etr, false, evening, LONDON, evening),
            // Edges: 20:59:59, 21:00, 07:59:59, 08:00.
            (
                Purpose::Etr,
                false,
                at("2026-11-22T12:59:59Z"),
                SHANGHAI,
                at("2026-11-22T12:59:59Z"),
            ),
            (Purpose::Etr, false, at("2026-11-22T13:00:00Z"), SHANGHAI, morning),
            (Purpose::Etr, false, at("2026-11-22T23:59:59Z"), SHANGHAI, morning),
            (Purpose::Etr, false, morning, SHANGHAI, morning),
            // The night the clocks go forward in London ends at 08:00 summer time.
            (
                Purpose::Etr,
                false,
                at("2026-03-28T23:00:00Z"),
                LONDON,
                at("2026-03-29T07:00:00Z"),
            ),
        ];
        for (purpose, night, now, zone, expected) in table {
            assert_eq!(
                earliest(purpose, night, now, zone, NIGHT),
                expected,
                "{purpose:?} {now} {zone}"
            );
        }
    }

    proptest! {
        /// Around every clock change: never early, never at night, and settled (asking again moves nothing).
        #[test]
        fn what_may_leave_leaves_by_day(minutes in 0_i64..525_600, zone in prop::sample::select(vec![
            SHANGHAI, LONDON, chrono_tz::America::New_York, chrono_tz::Australia::Lord_Howe,
        ])) {
            let now = at("2026-01-01T00:00:00Z") + TimeDelta::minutes(minutes);
            let due = earliest(Purpose::Etr, false, now, zone, NIGHT);
            let local = due.with_timezone(&zone).time();
            prop_assert!(due >= now && due - now <= TimeDelta::hours(12));
            prop_assert!(NIGHT.until <= local && local < NIGHT.from);
            prop_assert_eq!(earliest(Purpose::Etr, false, due, zone, NIGHT), due);
        }
    }
}
