//! On duty now, and for an hour more at least: nobody starts a repair to leave it half done.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Broken, Moment};
use crate::domain::crew::Crew;

/// A shift that ends sooner is as good as over.
pub(super) const LEFT_MIN: TimeDelta = TimeDelta::hours(1);

/// Why a crew counts as off duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// No shift on the roster.
    NoShift,
    /// The shift has not begun.
    StartsAt(DateTime<Utc>),
    /// The shift is over.
    EndedAt(DateTime<Utc>),
    /// The shift ends within the hour.
    EndsSoon(DateTime<Utc>),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::NoShift => write!(f, "the crew has no shift"),
            Why::StartsAt(at) => write!(f, "the shift starts at {}", at.format("%FT%TZ")),
            Why::EndedAt(at) => write!(f, "the shift ended at {}", at.format("%FT%TZ")),
            Why::EndsSoon(at) => write!(f, "the shift ends within the hour, at {}", at.format("%FT%TZ")),
        }
    }
}

/// `off_shift`
pub(super) fn check(crew: &Crew, moment: &Moment) -> Option<Broken> {
    let now = moment.now;
    let why = match crew.shift {
        None => Why::NoShift,
        Some(shift) if now < shift.starts_at => Why::StartsAt(shift.starts_at),
        Some(shift) if shift.ends_at <= now => Why::EndedAt(shift.ends_at),
        Some(shift) if shift.ends_at < moment.ends_soon_before => Why::EndsSoon(shift.ends_at),
        Some(_) => return None,
    };
    Some(Broken::OffShift(why))
}

#[cfg(test)]
mod tests {
    use super::{super::given::*, *};
    use crate::domain::crew::Shift;

    #[test]
    fn only_a_shift_with_an_hour_left_counts() {
        let shift = |from, to| {
            let (starts_at, ends_at) = (now() + TimeDelta::minutes(from), now() + TimeDelta::minutes(to));
            Some(Shift {
                starts_at,
                ends_at,
                rest_before: None,
            })
        };
        let cases = [
            (None, Some(Why::NoShift)),
            (shift(-60, 60), None),
            (shift(0, 480), None),
            (
                shift(-60, 59),
                Some(Why::EndsSoon(now() + TimeDelta::minutes(59))),
            ),
            (shift(-60, 0), Some(Why::EndedAt(now()))),
            (shift(1, 480), Some(Why::StartsAt(now() + TimeDelta::minutes(1)))),
        ];
        for (shift, expected) in cases {
            let found = check(&Crew { shift, ..crew() }, &moment());
            assert_eq!(found, expected.map(Broken::OffShift), "{shift:?}");
        }
    }
}
