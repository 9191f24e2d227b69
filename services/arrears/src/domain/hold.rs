//! What stands in the way of a case, whatever its state: the whole of it, or a part that is disputed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Instant, case::Case};

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
    /// A dispute about a part only, hundredths of the currency; `None`: about all of it.
    #[serde(default)]
    pub part: Option<Part>,
}

/// The part of a debt that is disputed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// How much, hundredths of the currency.
    pub cents: i64,
    /// The day the oldest bill beside it was due; the disputed part is taken to be the oldest debt, the safe reading.
    pub rest_due_on: NaiveDate,
}

impl Held {
    /// All of the debt.
    pub fn new(since: Instant, until: Option<Instant>, reason: &str) -> Self {
        Self {
            since,
            until,
            reason: reason.to_owned(),
            part: None,
        }
    }

    /// Whether it is on at `now`.
    pub fn is_on(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Case {
    fn disputed(&self) -> Option<Part> {
        self.holds.get(&HoldKind::Dispute).and_then(|held| held.part)
    }

    /// How much of the debt is disputed beside the rest.
    pub fn disputed_cents(&self) -> i64 {
        self.disputed().map_or(0, |part| part.cents)
    }

    /// What is owed and not disputed; only for this anybody may be cut, reminded or noticed.
    pub fn claimed_cents(&self) -> i64 {
        self.balance_cents.saturating_sub(self.disputed_cents())
    }

    /// The day the oldest of that was due.
    pub fn claimed_due_on(&self) -> NaiveDate {
        let beside = self.disputed().map(|part| part.rest_due_on);
        beside.map_or(self.due_on, |day| day.max(self.due_on))
    }

    /// What stops the whole case. A dispute about a part leaves the rest, while that is worth `minimum_cents`.
    pub fn stopped_by(&self, minimum_cents: i64) -> Vec<HoldKind> {
        let whole = |held: &Held| held.part.is_none() || self.claimed_cents() < minimum_cents;
        let stopping = self.holds.iter().filter(|(_, held)| whole(held));
        stopping.map(|(kind, _)| *kind).collect()
    }
}
