//! What is true around an outage at the moment of a decision: read under its lock, passed in.

use super::{form::Lacks, window::Instant};

/// Everything a decision may depend on beside the outage itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// What the plan collides with.
    pub balance: Balance,
    /// What its form lacks (operations.md O31).
    pub form: Lacks,
    /// How far the people are told, in this plan.
    pub coverage: Coverage,
    /// Customers who would lose supply by now and are not in the plan: the network changed.
    pub network_added: u32,
    /// Dedicated-line customers without a recorded agreement or decision about this window. Silence is none (SI14).
    pub dedicated_open: u32,
    /// Own generation not ticked as isolated (operations.md O3).
    pub backfeed_open: u32,
    /// Own generation, high voltage and several supplies not called before supply returns (O2).
    pub backfeed_untold: u32,
    /// Leaders checked in, and those of them without a full clearance.
    pub leaders: u32,
    /// Leaders who did not yet say: people out, earths off, ticket ended.
    pub uncleared: u32,
    /// More customers are above a yearly limit than when it was decided.
    pub limits_passed: bool,
    /// Important and life-support customers not called although it takes much longer than they were told.
    pub uncalled: u32,
}

/// What the plan collides with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Balance {
    /// Numbers of live plans on the same feeder or with the same customers, closer together than the pack allows.
    pub conflicts: Vec<String>,
    /// Customers above the yearly count of planned interruptions, this one included.
    pub above_count: u32,
    /// Customers above the hours of planned interruption in a year, this one included.
    pub above_hours: u32,
    /// Important customers without a second supply.
    pub single_source: u32,
    /// Locks (event, holiday, weather, guarantee) that stand in the window, in words.
    pub locks: Vec<String>,
}

impl Balance {
    /// Whether anything needs a reason why it is done all the same. Locks are not among it: they are lifted or they hold.
    pub fn needs_reason(&self) -> bool {
        !self.conflicts.is_empty() || self.above_count + self.above_hours + self.single_source > 0
    }
}

/// How far the people are told of the present plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Who has to be told individually.
    pub required: u32,
    /// Of those, who was: with evidence.
    pub served: u32,
    /// The last of their first effective notices: who was told last decides (domain.md 5.5 no. 2, 15).
    pub individual_at: Option<Instant>,
    /// Of those who have to be told, who moved in later: told as well, but their notice does not begin the lead anew
    /// (domain.md 5.5 no. 12).
    pub late_joiners: u32,
    /// Important and life-support customers who neither acknowledged nor had their escalation closed.
    pub unacknowledged: u32,
    /// Members reached by no channel and not worked by a person (O22).
    pub unreached: u32,
    /// Of those who have to be told individually, who was told of the later start.
    pub told_late_start: u32,
}

impl Coverage {
    /// Whether everybody who must be told individually was.
    pub fn is_complete(&self) -> bool {
        self.served >= self.required
    }

    /// The instant of the last individual notice that had to be given; `published_at` when nobody has to be told
    /// individually; none while somebody is not told.
    pub fn individual_at(&self, published_at: Instant) -> Option<Instant> {
        if !self.is_complete() {
            None
        } else if self.required <= self.late_joiners {
            Some(published_at)
        } else {
            self.individual_at
        }
    }
}
