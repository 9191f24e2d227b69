//! What can happen to an order.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{CallBackResult, Course, Finding, Reply};
use crate::domain::{
    ids::{CrewId, OrderId, UnitId},
    place::Place,
};

/// Why a unit gives an order back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnReason {
    /// Not its area.
    Area,
    /// Nobody with the skill.
    Skill,
    /// Too much on hand.
    Overload,
    /// The address is wrong.
    WrongAddress,
}

impl ReturnReason {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            ReturnReason::Area => "area",
            ReturnReason::Skill => "skill",
            ReturnReason::Overload => "overload",
            ReturnReason::WrongAddress => "wrong_address",
        }
    }

    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        use ReturnReason::{Area, Overload, Skill, WrongAddress};
        [Area, Skill, Overload, WrongAddress]
            .into_iter()
            .find(|reason| reason.word() == word)
    }
}

/// Where the crew was when it reported arrival.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// Position of the phone.
    pub position: Option<Place>,
    /// Why it is not at the work, and the photo that shows it (SHA-256, hexadecimal).
    pub explained: Option<(String, String)>,
}

/// One recorded safe step, in the order of safe work (O4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SafeStep {
    /// Switched off.
    Off,
    /// Tested dead.
    TestedDead,
    /// Earthed.
    Earthed,
    /// Signs both ways.
    Signs,
}

impl SafeStep {
    /// All of them, in their order.
    pub const ALL: [SafeStep; 4] = [
        SafeStep::Off,
        SafeStep::TestedDead,
        SafeStep::Earthed,
        SafeStep::Signs,
    ];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            SafeStep::Off => "off",
            SafeStep::TestedDead => "tested_dead",
            SafeStep::Earthed => "earthed",
            SafeStep::Signs => "signs",
        }
    }

    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.word() == word)
    }
}

/// What makes work safe; recorded here, granted elsewhere (O7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeWork {
    /// Number of the switching permission.
    pub permission_no: String,
    /// Number of the work ticket.
    pub ticket_no: String,
    /// People at the work.
    pub people: u32,
    /// Steps done, in the order done.
    pub steps: Vec<SafeStep>,
}

/// How it is known that supply is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// A meter answered.
    Meter,
    /// A customer said so.
    Call,
}

impl Verification {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Verification::Meter => "meter",
            Verification::Call => "call",
        }
    }

    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Verification::Meter, Verification::Call]
            .into_iter()
            .find(|way| way.word() == word)
    }
}

/// A part of the outage that has supply again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Section {
    /// The members of an affected set.
    Part {
        /// Id of the set.
        set_id: String,
        /// How many customers it has.
        customers: u32,
        /// How it is known.
        verified_by: Verification,
    },
    /// Everybody who was still off.
    All {
        /// How it is known.
        verified_by: Verification,
    },
}

/// What happens to an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The dispatcher offers it to a unit.
    Dispatch {
        /// The unit.
        unit: UnitId,
    },
    /// The unit takes it.
    TakeUnit,
    /// The unit's time to take it ran out.
    LapseUnit,
    /// The unit gives it back.
    Return {
        /// Why.
        reason: ReturnReason,
    },
    /// The unit gives it to a crew.
    Assign {
        /// The crew.
        crew: CrewId,
    },
    /// It is taken from its crew and given to another; clocks go on.
    Reassign {
        /// The new crew.
        crew: CrewId,
    },
    /// The crew's time to take it ran out.
    LapseCrew,
    /// The crew takes it.
    Take,
    /// The crew drives off.
    Leave {
        /// When it expects to be there.
        eta_at: Option<DateTime<Utc>>,
    },
    /// The crew is there.
    Arrive(Arrival),
    /// The crew knows cause and estimate.
    Survey(Finding),
    /// The crew begins work.
    Repair(SafeWork),
    /// The crew leaves it in a safe state.
    Suspend {
        /// Why.
        reason: String,
        /// When it is looked at again.
        review_at: DateTime<Utc>,
    },
    /// It goes on.
    Resume,
    /// A section, or everybody, has supply again.
    Restore(Section),
    /// The crew writes what it was.
    Reply(Reply),
    /// A customer was asked.
    CallBack {
        /// The answer.
        result: CallBackResult,
    },
    /// It is filed.
    Archive {
        /// Why nobody was called back.
        no_call_back_reason: Option<String>,
    },
    /// Its incident became part of another.
    Merge {
        /// The order of the other incident.
        into: OrderId,
    },
    /// Its incident is closed and nobody went.
    Withdraw,
    /// Its incident is open again, or its subject needs it after all.
    Reopen,
    /// Its subject went on; never of a fault.
    Subject(Course),
}

impl Event {
    /// What the event is called once it happened, on the wire and in the list of steps.
    pub fn step(&self) -> &'static str {
        match self {
            Event::Dispatch { .. } => "dispatched",
            Event::TakeUnit => "unit_took",
            Event::LapseUnit => "unit_lapsed",
            Event::Return { .. } => "returned",
            Event::Assign { .. } => "assigned",
            Event::Reassign { .. } => "reassigned",
            Event::LapseCrew => "crew_lapsed",
            Event::Take => "taken",
            Event::Leave { .. } => "en_route",
            Event::Arrive(_) => "arrived",
            Event::Survey(_) => "surveyed",
            Event::Repair(_) => "repairing",
            Event::Suspend { .. } => "suspended",
            Event::Resume => "resumed",
            Event::Restore(Section::Part { .. }) => "section_restored",
            Event::Restore(Section::All { .. }) => "restored",
            Event::Reply(_) => "replied",
            Event::CallBack { .. } => "called_back",
            Event::Reopen => "reopened",
            Event::Archive { .. } => "archived",
            Event::Merge { .. } => "merged",
            Event::Withdraw => "withdrawn",
            Event::Subject(course) => course.step(),
        }
    }

    /// The event in words, for refusals.
    pub fn word(&self) -> &'static str {
        match self {
            Event::Dispatch { .. } => "dispatch",
            Event::TakeUnit => "unit_take",
            Event::LapseUnit => "unit_lapse",
            Event::Return { .. } => "unit_return",
            Event::Assign { .. } => "assign",
            Event::Reassign { .. } => "reassign",
            Event::LapseCrew => "crew_lapse",
            Event::Take => "take",
            Event::Leave { .. } => "leave",
            Event::Arrive(_) => "arrive",
            Event::Survey(_) => "survey",
            Event::Repair(_) => "repair",
            Event::Suspend { .. } => "suspend",
            Event::Resume => "resume",
            Event::Restore(_) => "restore_section",
            Event::Reply(_) => "reply",
            Event::CallBack { .. } => "call_back",
            Event::Archive { .. } => "archive",
            Event::Merge { .. } => "merge",
            Event::Withdraw => "withdraw",
            Event::Reopen => "reopen",
            Event::Subject(course) => course.word(),
        }
    }
}
