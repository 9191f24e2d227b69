//! What the subject of an order (a planned outage, an arrears case) does to it. The subject leads: the order never
//! stands in its way, and never says more than its crew did.

use chrono::{DateTime, Utc};

use super::{Finding, Refusal, State, Team, transition::not_allowed};

/// Where the subject stands, as far as the order has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Course {
    /// Supply is off, people may work.
    Works,
    /// Supply is back.
    Back,
    /// It is done and filed.
    Done,
    /// Nothing is to be done any more.
    Ended {
        /// Why, for the crew.
        because: String,
    },
}

/// Said when a subject went on without the order's crew.
const WITHOUT: &str = "done without a crew of this order";
/// Why nobody is called back about it.
const FILED: &str = "filed with what it was about";

impl Course {
    /// What it is called once it happened.
    pub fn step(&self) -> &'static str {
        match self {
            Course::Works => "repairing",
            Course::Back => "restored",
            Course::Done => "archived",
            Course::Ended { .. } => "withdrawn",
        }
    }

    /// In words, for refusals.
    pub fn word(&self) -> &'static str {
        match self {
            Course::Works => "work",
            Course::Back => "be restored",
            Course::Done => "be filed",
            Course::Ended { .. } => "be withdrawn",
        }
    }

    /// Whether it says anything to an order in `state`: what is restored has only to be filed.
    pub fn concerns(&self, state: &State) -> bool {
        state.is_before_restored() || (*self == Course::Done && matches!(state, State::Restored { .. }))
    }

    /// Whether it is what led to `state`, so that it changes nothing.
    pub(super) fn led_to(&self, state: &State) -> bool {
        match state {
            State::Repairing { .. } => *self == Course::Works,
            State::Restored { .. } => *self == Course::Back,
            State::Archived { .. } => *self == Course::Done,
            State::Withdrawn { .. } => *self != Course::Works,
            _ => false,
        }
    }
}

/// The state after `course` at `now`.
pub(super) fn follow(from: State, course: &Course, now: DateTime<Utc>) -> Result<State, Refusal> {
    match (from, course) {
        (State::Arrived { team, .. }, Course::Works) => Ok(State::Repairing {
            team,
            finding: nothing_found(),
            restored: Vec::new(),
        }),
        // Nobody of this order is at the work yet; whoever comes begins on arrival.
        (waits, Course::Works) if waits.is_before_restored() => Ok(waits),

        (State::Restored { team, .. }, Course::Done) => Ok(filed(team)),
        (waits, Course::Back | Course::Done) if waits.is_before_restored() => {
            Ok(match (at_it(&waits), course) {
                (Some(team), Course::Back) => State::Restored {
                    team,
                    restored_at: now,
                    finding: nothing_found(),
                },
                (Some(team), _) => filed(team),
                (None, _) => State::Withdrawn {
                    because: WITHOUT.to_owned(),
                },
            })
        }
        (waits, Course::Ended { because }) if waits.is_before_restored() => Ok(State::Withdrawn {
            because: because.clone(),
        }),
        (from, course) => Err(not_allowed(&from, course.word())),
    }
}

/// The crew that took the order; an offer is not enough.
fn at_it(state: &State) -> Option<Team> {
    state
        .occupied_crew()
        .and(state.team())
        .filter(|_| !matches!(state, State::Assigned { .. }))
}

fn filed(team: Team) -> State {
    State::Archived {
        team,
        result: None,
        no_call_back_reason: Some(FILED.to_owned()),
    }
}

/// What was wrong is a question of faults.
fn nothing_found() -> Finding {
    Finding {
        cause_code: String::new(),
        etr_at: None,
    }
}
