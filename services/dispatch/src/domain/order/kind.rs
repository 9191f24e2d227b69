//! What an order is about, and which events are its own.

use serde::{Deserialize, Serialize};

use super::Event;

/// What an order is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An incident of intake.
    Fault,
    /// A planned outage of the planner.
    Planned,
    /// A case of arrears that is to be cut.
    Disconnect,
    /// A case of arrears that is to have supply again.
    Reconnect,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Fault, Kind::Planned, Kind::Disconnect, Kind::Reconnect];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Fault => "fault",
            Kind::Planned => "planned",
            Kind::Disconnect => "disconnect",
            Kind::Reconnect => "reconnect",
        }
    }

    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether `event` can happen to an order of this kind at all. Giving it to a crew and going there is the same for
    /// every kind; what is done there is recorded on the fault order itself, else on the outage or the case.
    pub fn has(self, event: &Event) -> bool {
        match event {
            Event::Dispatch { .. }
            | Event::TakeUnit
            | Event::LapseUnit
            | Event::Return { .. }
            | Event::Assign { .. }
            | Event::Reassign { .. }
            | Event::LapseCrew
            | Event::Take
            | Event::Leave { .. }
            | Event::Arrive(_)
            | Event::Reopen => true,
            Event::Survey(_)
            | Event::Repair(_)
            | Event::Suspend { .. }
            | Event::Resume
            | Event::Restore(_)
            | Event::Reply(_)
            | Event::CallBack { .. }
            | Event::Archive { .. }
            | Event::Merge { .. }
            | Event::Withdraw => self == Kind::Fault,
            Event::Subject(_) => self != Kind::Fault,
        }
    }

    /// What to do instead of an event that is not of this kind.
    pub fn instead(self) -> &'static str {
        match self {
            Kind::Fault => "its incident moves it",
            Kind::Planned => {
                "switch off with a permit, work, clear, restore, extend or abort the outage itself; the order follows it"
            }
            Kind::Disconnect => {
                "cut the meter with a release of the arrears desk; the order follows the case"
            }
            Kind::Reconnect => "record the reconnection in the arrears case; the order follows the case",
        }
    }
}
