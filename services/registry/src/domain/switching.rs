//! One switching of one device (operations.md O7). Pure: no I/O, no clock.
//!
//! The platform records what the control room says; it permits nothing itself.

/// Where a switching is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Asked for.
    Requested,
    /// The control room has seen it.
    Acknowledged,
    /// Permitted, with name, number and read-back.
    Permitted,
    /// Somebody says it is done; a second person has still to confirm.
    Executed {
        /// Who says so.
        by: String,
    },
    /// It is done: the network is switched so.
    Done,
    /// The permission was handed back.
    Returned,
    /// The control room said no.
    Refused,
    /// Nobody wants it any more.
    Withdrawn,
}

/// What may happen to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The control room has seen it.
    Acknowledge,
    /// The permission as it was spoken.
    Permit {
        /// Whether it was read back.
        read_back: bool,
    },
    /// It is done, somebody says.
    Execute,
    /// A second person confirms that.
    Confirm,
    /// Telemetry shows the device where it was to go.
    Telemetry,
    /// The permission is handed back.
    Return,
    /// The control room says no.
    Refuse,
    /// Nobody wants it any more.
    Withdraw,
}

/// Why something may not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not from here.
    #[error("a switching that is {from} cannot be taken to {act} now")]
    NotAllowed {
        /// Where it is.
        from: &'static str,
        /// What was tried.
        act: &'static str,
    },
    /// A permission that was not read back is none.
    #[error("a permission counts only once it was read back")]
    NotReadBack,
    /// Two people have to say it.
    #[error("a second person has to confirm a state set by hand: not the one who said it was done")]
    SamePerson,
}

impl State {
    /// The word it is stored as.
    pub fn word(&self) -> &'static str {
        match self {
            State::Requested => "requested",
            State::Acknowledged => "acknowledged",
            State::Permitted => "permitted",
            State::Executed { .. } => "executed",
            State::Done => "done",
            State::Returned => "returned",
            State::Refused => "refused",
            State::Withdrawn => "withdrawn",
        }
    }

    /// Reads a stored state; `None` for words of another release.
    pub fn read(word: &str, executed_by: Option<String>) -> Option<State> {
        Some(match word {
            "requested" => State::Requested,
            "acknowledged" => State::Acknowledged,
            "permitted" => State::Permitted,
            "executed" => State::Executed { by: executed_by? },
            "done" => State::Done,
            "returned" => State::Returned,
            "refused" => State::Refused,
            "withdrawn" => State::Withdrawn,
            _ => return None,
        })
    }
}

impl Act {
    /// The word its mark has.
    pub fn word(&self) -> &'static str {
        match self {
            Act::Acknowledge => "acknowledge",
            Act::Permit { .. } => "permit",
            Act::Execute => "execute",
            Act::Confirm => "confirm",
            Act::Telemetry => "telemetry",
            Act::Return => "return",
            Act::Refuse => "refuse",
            Act::Withdraw => "withdraw",
        }
    }
}

/// What `act` by `actor` makes of `from`. `telemetered`: telemetry already shows the device where it is to go.
///
/// # Errors
/// [`Refusal`] when the state must change first, or somebody else has to do it.
pub fn transition(from: &State, act: &Act, actor: &str, telemetered: bool) -> Result<State, Refusal> {
    match (from, act) {
        (State::Requested, Act::Acknowledge) => Ok(State::Acknowledged),
        (State::Acknowledged, Act::Permit { read_back: true }) => Ok(State::Permitted),
        (State::Acknowledged, Act::Permit { read_back: false }) => Err(Refusal::NotReadBack),
        // Telemetry is the second witness.
        (State::Permitted, Act::Execute) if telemetered => Ok(State::Done),
        (State::Permitted, Act::Execute) => Ok(State::Executed { by: actor.to_owned() }),
        (State::Executed { by }, Act::Confirm) if by == actor => Err(Refusal::SamePerson),
        (State::Executed { .. }, Act::Confirm) => Ok(State::Done),
        (State::Permitted | State::Executed { .. }, Act::Telemetry) => Ok(State::Done),
        (State::Done, Act::Return) => Ok(State::Returned),
        (State::Requested | State::Acknowledged, Act::Refuse) => Ok(State::Refused),
        (State::Requested | State::Acknowledged | State::Permitted, Act::Withdraw) => Ok(State::Withdrawn),
        (from, act) => Err(Refusal::NotAllowed {
            from: from.word(),
            act: act.word(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTS: [Act; 9] = [
        Act::Acknowledge,
        Act::Permit { read_back: true },
        Act::Permit { read_back: false },
        Act::Execute,
        Act::Confirm,
        Act::Telemetry,
        Act::Return,
        Act::Refuse,
        Act::Withdraw,
    ];

    /// Every pair of state and act, by another person than the one who executed.
    #[test]
    fn every_move_is_in_this_table() {
        let executed = || State::Executed { by: "a".to_owned() };
        let table: [(State, [&str; 9]); 8] = [
            (
                State::Requested,
                ["acknowledged", "", "", "", "", "", "", "refused", "withdrawn"],
            ),
            (
                State::Acknowledged,
                ["", "permitted", "", "", "", "", "", "refused", "withdrawn"],
            ),
            (
                State::Permitted,
                ["", "", "", "executed", "", "done", "", "", "withdrawn"],
            ),
            (executed(), ["", "", "", "", "done", "done", "", "", ""]),
            (State::Done, ["", "", "", "", "", "", "returned", "", ""]),
            (State::Returned, [""; 9]),
            (State::Refused, [""; 9]),
            (State::Withdrawn, [""; 9]),
        ];
        for (from, row) in table {
            for (act, to) in ACTS.iter().zip(row) {
                let got = transition(&from, act, "b", false);
                assert_eq!(got.as_ref().map_or("", State::word), to, "{from:?} {act:?}");
            }
            let word = from.word();
            assert_eq!(State::read(word, Some("a".to_owned())), Some(from));
        }
    }

    #[test]
    fn a_state_set_by_hand_takes_two_people_unless_telemetry_saw_it() {
        let said = transition(&State::Permitted, &Act::Execute, "a", false).unwrap();
        assert_eq!(
            transition(&said, &Act::Confirm, "a", false),
            Err(Refusal::SamePerson)
        );
        assert_eq!(transition(&said, &Act::Confirm, "b", false), Ok(State::Done));
        assert_eq!(
            transition(&State::Permitted, &Act::Execute, "a", true),
            Ok(State::Done)
        );
    }
}
