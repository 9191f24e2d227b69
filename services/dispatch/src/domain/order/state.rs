//! Where an order stands. Each state holds only the facts that exist in that state.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ids::{CrewId, OrderId, UnitId};

/// The unit and the crew that have an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Unit that took the order.
    pub unit: UnitId,
    /// Crew it was given to.
    pub crew: CrewId,
}

/// Why an order waits for dispatch again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Back {
    /// A unit gave it back.
    Returned(super::ReturnReason),
    /// A unit neither took nor returned it in time.
    UnitLapsed(UnitId),
    /// The customer says the supply is still off.
    StillOff,
    /// It had been merged or withdrawn, and its incident is open after all.
    Reopened,
}

/// Why an order that a unit has is without a crew again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreedBy {
    /// The crew did not take it in time.
    CrewLapsed(CrewId),
    /// The work goes on after a suspension.
    Resumed,
}

/// What the crew found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Cause code.
    pub cause_code: String,
    /// First estimate of when supply is back.
    pub etr_at: Option<DateTime<Utc>>,
}

/// Whose fault it was (property boundary).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The utility's network.
    Utility,
    /// The customer's own installation.
    Customer,
    /// Somebody else.
    ThirdParty,
}

impl Owner {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Owner::Utility => "utility",
            Owner::Customer => "customer",
            Owner::ThirdParty => "third_party",
        }
    }

    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Owner::Utility, Owner::Customer, Owner::ThirdParty]
            .into_iter()
            .find(|owner| owner.word() == word)
    }
}

/// The crew's closing words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Cause code, final.
    pub cause_code: String,
    /// Whose installation failed.
    pub owner: Owner,
}

/// What the customer said when called back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallBackResult {
    /// Satisfied.
    Satisfied,
    /// Supply is back, the customer is not satisfied.
    Unsatisfied,
    /// Supply is not back: the order opens again.
    StillOff,
    /// Nobody answered.
    Unreachable,
}

impl CallBackResult {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            CallBackResult::Satisfied => "satisfied",
            CallBackResult::Unsatisfied => "unsatisfied",
            CallBackResult::StillOff => "still_off",
            CallBackResult::Unreachable => "unreachable",
        }
    }

    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        use CallBackResult::{Satisfied, StillOff, Unreachable, Unsatisfied};
        [Satisfied, Unsatisfied, StillOff, Unreachable]
            .into_iter()
            .find(|result| result.word() == word)
    }
}

/// Where an order stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Waits for dispatch.
    Triaged {
        /// Why again, when not for the first time.
        back: Option<Back>,
    },
    /// Offered to a unit.
    Dispatched {
        /// The unit.
        unit: UnitId,
        /// The unit takes or returns it before this moment.
        take_by: DateTime<Utc>,
    },
    /// A unit has it and gives it to a crew.
    UnitTaken {
        /// The unit.
        unit: UnitId,
        /// Why again, when not for the first time.
        freed: Option<FreedBy>,
    },
    /// Offered to a crew.
    Assigned {
        /// Who.
        team: Team,
        /// The crew takes it before this moment.
        take_by: DateTime<Utc>,
    },
    /// The crew has read it and goes.
    Taken {
        /// Who.
        team: Team,
    },
    /// The crew is driving.
    EnRoute {
        /// Who.
        team: Team,
        /// When it expects to be there.
        eta_at: Option<DateTime<Utc>>,
    },
    /// The crew is at the work.
    Arrived {
        /// Who.
        team: Team,
        /// Since when.
        arrived_at: DateTime<Utc>,
    },
    /// Cause and estimate are known.
    Surveyed {
        /// Who.
        team: Team,
        /// What was found.
        finding: Finding,
    },
    /// Work under the recorded safe steps.
    Repairing {
        /// Who.
        team: Team,
        /// What was found.
        finding: Finding,
        /// Affected sets that are back already.
        restored: Vec<String>,
    },
    /// Left in a safe state; the crew is free.
    Suspended {
        /// The unit that keeps it.
        unit: UnitId,
        /// Why.
        reason: String,
        /// When it is looked at again.
        review_at: DateTime<Utc>,
    },
    /// Everybody has supply again.
    Restored {
        /// Who closed it.
        team: Team,
        /// Since when.
        restored_at: DateTime<Utc>,
        /// What was found.
        finding: Finding,
    },
    /// The crew has written what it was.
    Replied {
        /// Who closed it.
        team: Team,
        /// The crew's words.
        reply: Reply,
    },
    /// A customer was asked.
    CalledBack {
        /// Who closed it.
        team: Team,
        /// The answer.
        result: CallBackResult,
    },
    /// Done.
    Archived {
        /// Who closed it.
        team: Team,
        /// The call-back's result.
        result: Option<CallBackResult>,
        /// Why there was none.
        no_call_back_reason: Option<String>,
    },
    /// Part of another order now.
    Merged {
        /// The other order.
        into: OrderId,
    },
    /// Nothing is to be done any more: the incident ended without anybody going, or the subject was called off.
    Withdrawn {
        /// Why, for the crew.
        #[serde(default)]
        because: String,
    },
}

impl State {
    /// The state's word (docs/glossary.md).
    pub fn word(&self) -> &'static str {
        match self {
            State::Triaged { .. } => "triaged",
            State::Dispatched { .. } => "dispatched",
            State::UnitTaken { .. } => "unit_taken",
            State::Assigned { .. } => "assigned",
            State::Taken { .. } => "taken",
            State::EnRoute { .. } => "en_route",
            State::Arrived { .. } => "arrived",
            State::Surveyed { .. } => "surveyed",
            State::Repairing { .. } => "repairing",
            State::Suspended { .. } => "suspended",
            State::Restored { .. } => "restored",
            State::Replied { .. } => "replied",
            State::CalledBack { .. } => "called_back",
            State::Archived { .. } => "archived",
            State::Merged { .. } => "merged",
            State::Withdrawn { .. } => "withdrawn",
        }
    }

    /// Unit and crew, also of what they closed.
    pub fn team(&self) -> Option<Team> {
        match self {
            State::Assigned { team, .. }
            | State::Taken { team }
            | State::EnRoute { team, .. }
            | State::Arrived { team, .. }
            | State::Surveyed { team, .. }
            | State::Repairing { team, .. }
            | State::Restored { team, .. }
            | State::Replied { team, .. }
            | State::CalledBack { team, .. }
            | State::Archived { team, .. } => Some(*team),
            State::Triaged { .. }
            | State::Dispatched { .. }
            | State::UnitTaken { .. }
            | State::Suspended { .. }
            | State::Merged { .. }
            | State::Withdrawn { .. } => None,
        }
    }

    /// The unit that has the order, or is asked to take it.
    pub fn unit(&self) -> Option<UnitId> {
        match self {
            State::Dispatched { unit, .. }
            | State::UnitTaken { unit, .. }
            | State::Suspended { unit, .. } => Some(*unit),
            other => other.team().map(|team| team.unit),
        }
    }

    /// The crew this order occupies: a crew has one such order at most. Restoring frees it, suspending too.
    pub fn occupied_crew(&self) -> Option<CrewId> {
        match self {
            State::Assigned { team, .. }
            | State::Taken { team }
            | State::EnRoute { team, .. }
            | State::Arrived { team, .. }
            | State::Surveyed { team, .. }
            | State::Repairing { team, .. } => Some(team.crew),
            _ => None,
        }
    }

    /// Nobody is on it and nothing was done yet, so it may be merged or withdrawn.
    pub fn is_free(&self) -> bool {
        matches!(
            self,
            State::Triaged { .. }
                | State::Dispatched { .. }
                | State::UnitTaken { .. }
                | State::Suspended { .. }
        )
    }

    /// Whether nobody has been there yet.
    pub fn is_before_arrival(&self) -> bool {
        matches!(
            self,
            State::Triaged { .. }
                | State::Dispatched { .. }
                | State::UnitTaken { .. }
                | State::Assigned { .. }
                | State::Taken { .. }
                | State::EnRoute { .. }
        )
    }

    /// Whether supply is still to be restored.
    pub fn is_before_restored(&self) -> bool {
        self.is_free() || self.occupied_crew().is_some()
    }

    /// Whether nothing more is expected to happen.
    pub fn is_over(&self) -> bool {
        matches!(
            self,
            State::Archived { .. } | State::Merged { .. } | State::Withdrawn { .. }
        )
    }
}
