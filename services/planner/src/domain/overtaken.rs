//! Alarms that ask for nothing any more because their outage went on. What went wrong on the way stays until a person has seen it.

use super::outage::State;

/// Alarms that are over from a state on.
const FROM: [(State, &[&str]); 4] = [
    (State::Approved, &["undecided", "countersign"]),
    (State::Noticed, &["notice"]),
    (
        State::Off,
        &[
            "reminder",
            "gate",
            "account_manager",
            "duty_manager",
            "not_begun",
            "not_begun_late",
            "locked",
        ],
    ),
    (State::Archived, &["archive", "longer_limits", "longer_calls"]),
];
/// And those of what does not take place.
const CALLED_OFF: [&str; 3] = ["not_begun_over", "network", "late_joiner"];

/// The words of the alarms that are over when an outage is in `state`.
pub fn overtaken(state: State) -> Vec<&'static str> {
    let passed = FROM.iter().filter(|(from, _)| state >= *from);
    let mut words: Vec<&str> = passed.flat_map(|(_, words)| *words).copied().collect();
    if matches!(state, State::Cancelled | State::Aborted) {
        words.extend(CALLED_OFF);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_over_when_what_it_asks_for_is_done_or_not_wanted_any_more() {
        let table = [
            (State::Submitted, "undecided", false),
            (State::Approved, "undecided", true),
            (State::Approved, "notice", false),
            (State::Noticed, "notice", true),
            (State::Ready, "gate", false),
            (State::Working, "gate", true),
            (State::Restored, "archive", false),
            (State::Archived, "archive", true),
            (State::Cancelled, "undecided", true),
            (State::Cancelled, "not_begun_over", true),
            (State::Off, "not_begun_over", false),
            (State::Archived, "wrong_person", false),
            (State::Cancelled, "outside_permit", false),
        ];
        for (state, what, over) in table {
            assert_eq!(
                overtaken(state).contains(&what),
                over,
                "{what} in {}",
                state.word()
            );
        }
    }
}
