//! A message that was proof reached somebody else (operations.md O15): what rested on it alone falls, and the case goes
//! back to where the next proof is given. Another proof that stands keeps the case where it is, if it is lawful on that one.

use super::{
    Effect, Facts, Instant, Law, State,
    case::{Basis, Case, Reminder, Served},
};

/// Takes the proof of the message `record` back. `stands_at`: the same message also reached the customer at another
/// contact, then; `None`: it reached nobody.
///
/// A cut that was done stays as it is: whether it was wrong is for people to find, since anybody can answer a message.
pub(super) fn disprove(
    mut case: Case,
    (record, stands_at): (&str, Option<Instant>),
    facts: &Facts<'_>,
    now: Instant,
) -> (Case, Vec<Effect>) {
    let before = case.state.clone();
    correct(&mut case.reminders, record, stands_at);
    if case.state.is_before_cut() {
        case.state = reminded_otherwise(&case, record, facts.law, now);
        case.state = warned_otherwise(&case, (record, stands_at), facts.law, now);
    }
    let is_less = before.word() != case.state.word() && before.basis().is_some();
    let effects = if is_less {
        vec![Effect::StopCrew]
    } else {
        Vec::new()
    };
    (case, effects)
}

/// The list for the notice says only what is true.
fn correct(reminders: &mut Vec<Reminder>, record: &str, stands_at: Option<Instant>) {
    match stands_at {
        Some(at) => reminders
            .iter_mut()
            .filter(|reminder| reminder.record == record)
            .for_each(|reminder| reminder.at = at),
        None => reminders.retain(|reminder| reminder.record != record),
    }
}

/// Where the case stands on the reminders that are left.
fn reminded_otherwise(case: &Case, record: &str, law: &Law, now: Instant) -> State {
    let state = case.state.clone();
    let is_lost = state.reminder().is_some_and(|reminder| reminder.record == record);
    if !is_lost {
        return state;
    }
    let Some(left) = case.reminders.last().cloned() else {
        return State::Overdue;
    };
    if carried(case, &left, law, now) {
        with_reminder(state, &left)
    } else {
        State::Reminded { reminder: left }
    }
}

/// Whether the case could have come this far on that reminder.
pub(super) fn carried(case: &Case, left: &Reminder, law: &Law, now: Instant) -> bool {
    match &case.state {
        State::NoticeIssued { notice, .. } => {
            law.carries(case, left, notice.serve_by, notice.stop_at).is_ok()
        }
        State::NoticeServed { served }
        | State::WindowOpen { served, .. }
        | State::PreNoticed { served, .. } => {
            let (served_at, stop_at) = (served.counts_from(), served.notice.stop_at);
            law.carries(case, left, served_at, stop_at).is_ok()
        }
        _ => law.is_old_enough(case, left, now),
    }
}

fn with_reminder(state: State, left: &Reminder) -> State {
    let rests = |basis: Basis| Basis {
        reminder: left.clone(),
        ..basis
    };
    let served_on = |served: Served| Served {
        basis: rests(served.basis),
        ..served
    };
    let reminder = left.clone();
    match state {
        State::Reminded { .. } => State::Reminded { reminder },
        State::Eligible { proposal, .. } => State::Eligible { reminder, proposal },
        State::Approved { basis } => State::Approved { basis: rests(basis) },
        State::NoticeIssued { basis, notice } => State::NoticeIssued {
            basis: rests(basis),
            notice,
        },
        State::Expired { basis, void } => State::Expired {
            basis: rests(basis),
            void,
        },
        State::NoticeServed { served } => State::NoticeServed {
            served: served_on(served),
        },
        State::WindowOpen { served, unused } => State::WindowOpen {
            served: served_on(served),
            unused,
        },
        State::PreNoticed { served, pre_notice } => State::PreNoticed {
            served: served_on(served),
            pre_notice,
        },
        other => other,
    }
}

/// Where the case stands on the last warning that is left.
fn warned_otherwise(
    case: &Case,
    (record, stands_at): (&str, Option<Instant>),
    law: &Law,
    now: Instant,
) -> State {
    let (served, mut pre_notice) = match case.state.clone() {
        State::PreNoticed { served, pre_notice } => (served, pre_notice),
        State::WindowOpen {
            served,
            unused: Some(old),
        } if old.record == record => return State::WindowOpen { served, unused: None },
        other => return other,
    };
    if pre_notice.record != record {
        return State::PreNoticed { served, pre_notice };
    }
    let Some(at) = stands_at else {
        return State::WindowOpen { served, unused: None };
    };
    pre_notice.at = at;
    let stop_at = served.notice.stop_at.max(now);
    match law.may_cut(case, &served, at, stop_at) {
        Ok(()) => State::PreNoticed { served, pre_notice },
        Err(_) => State::WindowOpen { served, unused: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Event, Locks, Premises,
        given::{TERMS, apply, in_state, law, local, remind},
        transition,
    };

    const REMINDED: &str = "call 17";
    const WARNED: &str = "call 90";

    fn without(case: &Case, record: &str, stands_at: Option<&str>, at: Instant) -> (Case, Vec<Effect>) {
        let law = law();
        let facts = Facts {
            law: &law,
            terms: &TERMS,
            premises: Premises::Supplied,
            locks: &Locks::Free,
            release: None,
        };
        let event = Event::Disprove {
            record: record.to_owned(),
            stands_at: stands_at.map(local),
        };
        apply(case, &event, &facts, at).expect("a proof may fall away at any time")
    }

    /// Reminded once more, by post, before the reminder of the way.
    fn reminded_twice(state: &str, at: &str) -> (Case, Instant) {
        let (mut case, now) = in_state(state);
        let by_post = Reminder {
            at: local(at),
            channel: "post".to_owned(),
            record: "letter 3".to_owned(),
            call: None,
            photo_sha256: None,
        };
        case.reminders.insert(0, by_post);
        (case, now)
    }

    #[test]
    fn without_its_only_reminder_a_case_is_where_it_began_and_a_crew_goes_home() {
        let states = [
            "reminded",
            "eligible",
            "approved",
            "notice_issued",
            "notice_served",
            "window_open",
            "pre_noticed",
        ];
        for state in states {
            let (case, at) = in_state(state);
            let (after, effects) = without(&case, REMINDED, None, at);
            assert_eq!(after.state, State::Overdue, "{state}");
            assert!(after.reminders.is_empty(), "{state}");
            let expected: &[Effect] = if case.state.basis().is_some() {
                &[Effect::StopCrew]
            } else {
                &[]
            };
            assert_eq!(effects, expected, "{state}");
        }
    }

    #[test]
    fn another_reminder_that_stands_carries_the_case() {
        for state in [
            "reminded",
            "eligible",
            "approved",
            "notice_issued",
            "window_open",
            "pre_noticed",
        ] {
            let (case, at) = reminded_twice(state, "07-05 10:00");
            let (after, effects) = without(&case, REMINDED, None, at);
            assert_eq!(after.state.word(), state);
            assert_eq!(
                after.state.reminder().map(|one| one.record.as_str()),
                Some("letter 3")
            );
            assert!(effects.is_empty(), "{state}: {effects:?}");
        }
    }

    /// A reminder of before the bill was due carries no notice (the policy pack says so): the notice falls.
    #[test]
    fn a_notice_that_the_reminder_left_does_not_carry_falls() {
        for state in ["notice_issued", "notice_served", "window_open", "pre_noticed"] {
            let (case, at) = reminded_twice(state, "06-20 10:00");
            let (after, effects) = without(&case, REMINDED, None, at);
            assert_eq!(after.state.notice(), None, "{state}");
            assert_eq!(effects, [Effect::StopCrew], "{state}");
        }
    }

    #[test]
    fn a_last_warning_to_somebody_else_was_none() {
        let (case, at) = in_state("pre_noticed");
        let (after, effects) = without(&case, WARNED, None, at);
        assert_eq!(
            (after.state.word(), effects),
            ("window_open", vec![Effect::StopCrew])
        );
    }

    /// Delivered to two numbers, of which one is a stranger's: the other delivery counts, from its own moment.
    #[test]
    fn a_last_warning_that_stands_at_another_number_counts_from_then() {
        let (case, at) = in_state("pre_noticed");
        for (stands_at, state) in [("08-17 09:20", "pre_noticed"), ("08-17 09:45", "window_open")] {
            let (after, _) = without(&case, WARNED, Some(stands_at), at);
            assert_eq!(after.state.word(), state, "{stands_at}");
            if let State::PreNoticed { pre_notice, .. } = &after.state {
                assert_eq!(pre_notice.at, local(stands_at));
            }
        }
    }

    #[test]
    fn what_another_message_proved_stands_and_a_cut_is_judged_by_people() {
        for state in ["reminded", "approved", "pre_noticed"] {
            let (case, at) = in_state(state);
            assert_eq!(
                without(&case, "letter 9", None, at),
                (case.clone(), Vec::new()),
                "{state}"
            );
        }
        for state in ["disconnected", "reconnect_ordered", "closed"] {
            let (case, at) = in_state(state);
            let (after, effects) = without(&case, REMINDED, None, at);
            assert_eq!((after.state, effects), (case.state, Vec::new()));
        }
    }

    #[test]
    fn the_way_is_open_again_with_the_next_reminder() {
        let (case, at) = in_state("approved");
        let (case, _) = without(&case, REMINDED, None, at);
        let law = law();
        let facts = Facts {
            law: &law,
            terms: &TERMS,
            premises: Premises::Supplied,
            locks: &Locks::Free,
            release: None,
        };
        let (case, _) = transition(&case, &remind(), &facts, at).expect("overdue");
        assert_eq!(case.state.word(), "reminded");
    }
}
