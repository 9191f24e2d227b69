//! The night (operations.md O20, which wins over domain.md 4.3): estimates and "restored" wake nobody but those who
//! reported; notices of planned outages, reminders and debts wait for the morning. Changes, cancellations and the
//! warning right before a disconnection leave at once, and so does everything else.

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
        Purpose::Etr
        | Purpose::Restored
        | Purpose::StillOff
        | Purpose::OutageNotice
        | Purpose::OutageReminder
        | Purpose::OutageReleased
        | Purpose::ArrearsReminder
        | Purpose::ArrearsDisconnection
        | Purpose::ArrearsDisconnected
        | Purpose::ArrearsPaymentReceived
        | Purpose::ArrearsReconnected
        | Purpose::ArrearsWithdrawn
        | Purpose::ArrearsApology => true,
        Purpose::Accepted
        | Purpose::CrewEnRoute
        | Purpose::Code
        | Purpose::OutageChanged
        | Purpose::OutageLateStart
        | Purpose::OutageExtended
        | Purpose::OutageCancelled
        | Purpose::OutageVoid
        | Purpose::OutageSafety
        | Purpose::OutageReliability
        | Purpose::OutageFault
        | Purpose::OutageReliabilityOver
        | Purpose::ArrearsPreNotice
        | Purpose::WrongPerson
        | Purpose::StillOffAnswer => false,
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

/// When a notice may leave and until when it is worth it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leave {
    /// The night does not put it off (any more).
    pub night: bool,
    /// Not before.
    pub due_at: DateTime<Utc>,
    /// Not after.
    pub expires_at: DateTime<Utc>,
}

/// The life of a notice whose news ends at `ends_at`: what would be worth nothing in the morning leaves at once.
pub fn leave(
    purpose: Purpose,
    night: bool,
    now: DateTime<Utc>,
    zone: Tz,
    ends_at: Option<DateTime<Utc>>,
) -> Leave {
    let due_at = earliest(purpose, night, now, zone, NIGHT);
    let too_late = ends_at.is_some_and(|end| end <= due_at);
    let (night, due_at) = if too_late { (true, now) } else { (night, due_at) };
    Leave {
        night,
        due_at,
        expires_at: purpose.expires_at(due_at, ends_at),
    }
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
            (Purpose::StillOff, false, evening, SHANGHAI, morning),
            (Purpose::StillOff, true, evening, SHANGHAI, evening),
            (Purpose::StillOffAnswer, false, evening, SHANGHAI, evening),
            (Purpose::Accepted, false, evening, SHANGHAI, evening),
            (Purpose::CrewEnRoute, false, evening, SHANGHAI, evening),
            (Purpose::Code, false, evening, SHANGHAI, evening),
            (Purpose::OutageNotice, false, evening, SHANGHAI, morning),
            (Purpose::OutageNotice, true, evening, SHANGHAI, evening),
            (Purpose::OutageReminder, false, evening, SHANGHAI, morning),
            (Purpose::OutageChanged, false, evening, SHANGHAI, evening),
            (Purpose::OutageCancelled, false, evening, SHANGHAI, evening),
            (Purpose::OutageVoid, false, evening, SHANGHAI, evening),
            (Purpose::ArrearsReminder, false, evening, SHANGHAI, morning),
            (Purpose::ArrearsReconnected, false, evening, SHANGHAI, morning),
            (Purpose::ArrearsPreNotice, false, evening, SHANGHAI, evening),
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

    #[test]
    fn what_is_worth_nothing_in_the_morning_leaves_at_once() {
        let (evening, morning) = (at("2026-11-22T13:30:00Z"), at("2026-11-23T00:00:00Z"));
        let later = morning + TimeDelta::hours(3);
        let reminder = |end| leave(Purpose::OutageReminder, false, evening, SHANGHAI, Some(end));
        let waits = Leave {
            night: false,
            due_at: morning,
            expires_at: later,
        };
        let wakes = Leave {
            night: true,
            due_at: evening,
            expires_at: morning,
        };
        assert_eq!((reminder(later), reminder(morning)), (waits, wakes));
        let over = reminder(evening - TimeDelta::hours(1));
        assert_eq!((over.due_at, over.expires_at < evening), (evening, true));
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
