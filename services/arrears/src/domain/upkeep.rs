//! When a case has to be looked at again although nothing happens.

use chrono::TimeDelta;

use super::{Case, Instant, State};

/// How often a reminded debt is looked at: whether it is old enough is asked of the policy pack then.
const AGE_EVERY: TimeDelta = TimeDelta::hours(6);
/// How often a warned case is looked at once its time has come.
const STOP_EVERY: TimeDelta = TimeDelta::minutes(1);

/// The next moment at which time alone may change the case.
pub fn next_look(case: &Case, now: Instant) -> Option<Instant> {
    let second = TimeDelta::seconds(1);
    let own = match &case.state {
        State::Reminded { .. } => Some(now + AGE_EVERY),
        State::NoticeIssued { notice, .. } => Some(notice.serve_by + second),
        State::NoticeServed { served } => Some(served.opens_at),
        State::WindowOpen { served, .. } => Some(served.ends_at + second),
        State::PreNoticed { served, .. } => Some(served.notice.stop_at.max(now) + STOP_EVERY),
        State::Paid { .. } => Some(now),
        _ => None,
    };
    let holds = case.holds.values().filter_map(|held| held.until);
    let open = (!case.state.is_over()).then_some(());
    own.into_iter()
        .chain(holds)
        .min()
        .filter(|_| open.is_some())
        .map(|at| at.max(now + second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::given::{in_state, local};

    #[test]
    fn every_state_that_waits_for_a_moment_has_one() {
        let table = [
            ("overdue", None),
            ("reminded", Some("07-10 17:00")),
            ("eligible", None),
            ("approved", None),
            ("notice_issued", Some("08-10 10:00")),
            ("notice_served", Some("08-17 09:00")),
            ("window_open", Some("08-17 18:00")),
            ("pre_noticed", Some("08-17 10:01")),
            ("disconnected", None),
            ("closed", None),
        ];
        for (state, expected) in table {
            let (case, at) = in_state(state);
            match (next_look(&case, at), expected) {
                (None, None) => {}
                (Some(next), Some(expected)) => {
                    let off = (next - local(expected)).num_seconds();
                    assert!((0..=1).contains(&off), "{state}: {next}");
                }
                (next, _) => panic!("{state}: {next:?}"),
            }
        }
    }
}
