//! Fatigue is a hard rule (O5): eight hours of rest before a shift, at most twelve on duty.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::Broken;
use crate::domain::crew::Crew;

/// Rest before a shift.
const REST_MIN: TimeDelta = TimeDelta::hours(8);
/// Time on duty after which no new work is given.
const DUTY_MAX: TimeDelta = TimeDelta::hours(12);

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
pub(super) fn check(crew: &Crew, now: DateTime<Utc>) -> Option<Broken> {
    let shift = crew.shift.filter(|shift| shift.is_on(now))?;
    let duty = now - shift.starts_at;
    match shift.rest_before() {
        Some(rest) if rest < REST_MIN => Some(Broken::Rest(Why::Rested(rest))),
        _ if duty > DUTY_MAX => Some(Broken::Rest(Why::OnDuty(duty))),
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
            let before_ended_at = rest.map(|rest| starts_at - TimeDelta::minutes(rest));
            Some(Shift {
                starts_at,
                ends_at: now() + TimeDelta::hours(4),
                before_ended_at,
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
            let found = check(&Crew { shift, ..crew() }, now());
            assert_eq!(found, expected.map(Broken::Rest), "{shift:?}");
        }
    }
}
