//! What danger asks for beside the repair (operations.md O6). Pure.

use chrono::{DateTime, Utc};
use relight_common::Invalid;

/// What has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Somebody keeps people away until the danger is over.
    GuardSite,
    /// The control room is asked to switch off there. The platform asks; who switches decides.
    Switching,
    /// Police, fire brigade or ambulance know of it.
    EmergencyServices,
}

impl Kind {
    /// All of them: a report of danger has each.
    pub const ALL: [Kind; 3] = [Kind::GuardSite, Kind::Switching, Kind::EmergencyServices];

    /// The word on the wire and in the table.
    pub fn word(self) -> &'static str {
        match self {
            Kind::GuardSite => "guard_site",
            Kind::Switching => "switching",
            Kind::EmergencyServices => "emergency_services",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What the reference of one that is done has to say.
    fn reference(self) -> &'static str {
        match self {
            Kind::GuardSite => "must say who guards the place",
            Kind::Switching => "must name the switching, or who was asked by telephone",
            Kind::EmergencyServices => "must say which service was called and who took it",
        }
    }
}

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nobody has done it.
    Open,
    /// Done.
    Done(Settled),
    /// Found not to be needed.
    NotNeeded(Settled),
}

/// By whom, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Who guards, which switching, which service.
    pub reference: String,
    /// Why it is not needed, or what else.
    pub note: String,
}

impl State {
    /// The word on the wire and in the table.
    pub fn word(&self) -> &'static str {
        match self {
            State::Open => "open",
            State::Done(_) => "done",
            State::NotNeeded(_) => "not_needed",
        }
    }

    /// By whom and what, once it is settled.
    pub fn settled(&self) -> Option<&Settled> {
        match self {
            State::Open => None,
            State::Done(settled) | State::NotNeeded(settled) => Some(settled),
        }
    }
}

/// Why a task is not settled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Somebody did.
    #[error("the task is settled already ({0})")]
    Settled(&'static str),
    /// A field is wrong.
    #[error("{0}")]
    Field(#[from] Invalid),
}

/// Settles a task of that kind.
///
/// # Errors
/// [`Refusal`].
pub fn settle(kind: Kind, from: &State, outcome: &str, settled: Settled) -> Result<State, Refusal> {
    let missing = match outcome {
        "done" if settled.reference.is_empty() => Some(Invalid::new("reference", kind.reference())),
        "not_needed" if settled.note.is_empty() => {
            Some(Invalid::new("note", "must say why it is not needed"))
        }
        "done" | "not_needed" => None,
        _ => Some(Invalid::new("outcome", "must be done or not_needed")),
    };
    match (from, missing) {
        (_, Some(missing)) => Err(missing.into()),
        (State::Open, None) if outcome == "done" => Ok(State::Done(settled)),
        (State::Open, None) => Ok(State::NotNeeded(settled)),
        (State::Done(_) | State::NotNeeded(_), None) => Err(Refusal::Settled(from.word())),
    }
}

/// What becomes of a task whose report a person closed as false, for the reason they gave: nobody has to do it. Who did it did it.
pub fn withdraw(from: &State, closed: Settled) -> State {
    match from {
        State::Open => State::NotNeeded(closed),
        State::Done(_) | State::NotNeeded(_) => from.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(reference: &str, note: &str) -> Settled {
        Settled {
            by: "dispatcher-1".to_owned(),
            at: DateTime::UNIX_EPOCH,
            reference: reference.to_owned(),
            note: note.to_owned(),
        }
    }

    #[test]
    fn a_task_is_done_by_somebody_or_not_needed_for_a_reason_and_only_once() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.word()), Some(kind));
            let done = settle(kind, &State::Open, "done", settled("119, Wang", "")).unwrap();
            assert_eq!(done.word(), "done");
            let needless = settle(kind, &State::Open, "not_needed", settled("", "a telephone wire")).unwrap();
            assert_eq!(
                needless.settled().map(|by| by.note.as_str()),
                Some("a telephone wire")
            );
            for (outcome, reference, note, field) in [
                ("done", "", "so", "reference"),
                ("not_needed", "119", "", "note"),
                ("open", "119", "so", "outcome"),
            ] {
                match settle(kind, &State::Open, outcome, settled(reference, note)) {
                    Err(Refusal::Field(invalid)) => assert_eq!(invalid.field, field),
                    other => panic!("{other:?}"),
                }
            }
            for state in [done, needless] {
                let again = settle(kind, &state, "done", settled("110", ""));
                assert_eq!(again, Err(Refusal::Settled(state.word())));
            }
        }
    }

    #[test]
    fn what_nobody_did_is_not_needed_when_the_report_was_false_and_what_was_done_stays_done() {
        let closed = || settled("", "the wire is a telephone wire");
        assert_eq!(withdraw(&State::Open, closed()), State::NotNeeded(closed()));
        for state in [
            State::Done(settled("119, Wang", "")),
            State::NotNeeded(settled("", "the road is closed")),
        ] {
            assert_eq!(withdraw(&state, closed()), state);
        }
    }
}
