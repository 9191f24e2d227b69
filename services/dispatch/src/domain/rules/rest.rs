//! Fatigue is a hard rule (O5): eight hours of rest before a shift, at most twelve on duty.

use std::fmt;

use chrono::TimeDelta;

use super::{Broken, Moment};
use crate::domain::crew::Crew;

/// Rest before a shift.
const REST_MIN: TimeDelta = TimeDelta::hours(8);
/// Time on duty after which no new work is given.
pub(super) const DUTY_MAX: TimeDelta = TimeDelta::hours(12);

/// Why a crew needs rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Too little of it before this shift.
    Rested(TimeDelta),
    /// On duty for too long.
    OnDuty(TimeDelta),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Rested(rest) => {
                write!(
                    f,
                    "only {} min of rest before this shift (8 h at least)",
                    rest.num_minutes()
                )
            }
            Why::OnDuty(duty) => write!(f, "on duty for {} min (12 h at most)", duty.num_minutes()),
        }
    }
}

/// `rest`
pub(super) fn check(crew: &Crew, moment: &Moment) -> Option<Broken> {
    let shift = crew.shift.filter(|shift| shift.is_on(moment.now))?;
    match shift.rest_before {
        Some(rest) if rest < REST_MIN => Some(Broken::Rest(Why::Rested(rest))),
        _ if shift.starts_at < moment.on_duty_since => {
            Some(Broken::Rest(Why::OnDuty(moment.now - shift.starts_at)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::given::*, *};
    use crate::domain::crew::Shift;

    #[test]
    fn eight_hours_of_rest_and_twelve_of_duty() {
        let shift = |since: i64, rest: Option<i64>| {
            let starts_at = now() - TimeDelta::minutes(since);
            Some(Shift {
                starts_at,
                ends_at: now() + TimeDelta::hours(4),
                rest_before: rest.map(TimeDelta::minutes),
            })
        };
        let cases = [
            (shift(60, None), None),
            (shift(60, Some(480)), None),
            (shift(60, Some(479)), Some(Why::Rested(TimeDelta::minutes(479)))),
            (shift(60, Some(0)), Some(Why::Rested(TimeDelta::zero()))),
            (shift(720, None), None),
            (shift(721, None), Some(Why::OnDuty(TimeDelta::minutes(721)))),
            // Off duty: another rule's business.
            (shift(-1, Some(0)), None),
            (None, None),
        ];
        for (shift, expected) in cases {
            let found = check(&Crew { shift, ..crew() }, &moment());
            assert_eq!(found, expected.map(Broken::Rest), "{shift:?}");
        }
    }
}
