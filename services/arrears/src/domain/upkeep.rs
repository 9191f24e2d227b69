//! When a case has to be looked at again although nothing happens.

use chrono::TimeDelta;

use super::{
    Case, Effect, Facts, Instant, State,
    case::{Basis, Void},
    transition::open_way,
};

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

/// What time alone does.
pub(super) fn look(mut case: Case, facts: &Facts<'_>, now: Instant) -> (Case, Vec<Effect>) {
    let mut effects = Vec::new();
    case.state = match case.state.clone() {
        State::Reminded { reminder }
            if open_way(&case, facts).is_ok() && facts.law.is_old_enough(&case, &reminder, now) =>
        {
            State::Eligible {
                reminder,
                proposal: None,
            }
        }
        State::NoticeIssued { basis, notice } if notice.serve_by < now => lapsed(basis),
        State::NoticeServed { served } if served.opens_at <= now => {
            State::WindowOpen { served, unused: None }
        }
        State::WindowOpen { served, .. } if served.ends_at < now => lapsed(served.basis),
        State::PreNoticed { served, pre_notice }
            if served.notice.stop_at < now
                && facts.law.may_cut(&case, &served, pre_notice.at, now).is_err() =>
        {
            effects.push(Effect::StopCrew);
            State::WindowOpen {
                served,
                unused: Some(pre_notice),
            }
        }
        State::Paid { cut, paid_at } => {
            let by = facts.law.reconnect_by(&case, paid_at);
            State::ReconnectOrdered { cut, paid_at, by }
        }
        same => same,
    };
    (case, effects)
}

fn lapsed(basis: Basis) -> State {
    State::Expired {
        basis,
        void: Void::Lapsed,
    }
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
