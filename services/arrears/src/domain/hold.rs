//! What stands in the way of a case.

use serde::{Deserialize, Serialize};

use super::Instant;

/// Why a case may not go on for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// The bill is disputed or a complaint is open.
    Dispute,
    /// A payment plan is being kept or has to be made.
    Plan,
    /// The customer is protected.
    Protected,
    /// Cuts are locked there: event, exam, weather.
    Lock,
    /// A payment is proven to be on its way.
    Payment,
}

impl HoldKind {
    /// Every kind.
    pub const ALL: [HoldKind; 5] = [
        HoldKind::Dispute,
        HoldKind::Plan,
        HoldKind::Protected,
        HoldKind::Lock,
        HoldKind::Payment,
    ];

    /// The word in tables and on the wire.
    pub fn word(self) -> &'static str {
        match self {
            HoldKind::Dispute => "dispute",
            HoldKind::Plan => "plan",
            HoldKind::Protected => "protected",
            HoldKind::Lock => "lock",
            HoldKind::Payment => "payment",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// As the policy packs know it.
    pub fn in_policy(self) -> relight_policy::Hold {
        match self {
            HoldKind::Dispute => relight_policy::Hold::Dispute,
            HoldKind::Plan => relight_policy::Hold::Plan,
            HoldKind::Protected => relight_policy::Hold::Protected,
            HoldKind::Lock => relight_policy::Hold::Lock,
            HoldKind::Payment => relight_policy::Hold::Payment,
        }
    }
}

/// A hold that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Since when.
    pub since: Instant,
    /// When it ends by itself; `None`: only when somebody lifts it.
    pub until: Option<Instant>,
    /// Why, in words.
    pub reason: String,
}
