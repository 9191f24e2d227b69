//! What one rule says about one case.

use chrono::{DateTime, Utc};

use crate::view::Rule;

/// How a rule that is not met weighs against others: the heavier one is named first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// It is met.
    Met,
    /// A fact is not known, or time cannot be counted.
    Unknown,
    /// Not yet, or not at this time.
    Time,
    /// Too late: only a new start helps.
    Expired,
    /// Something stands in the way until it is lifted.
    Hold,
    /// Never.
    Never,
}

/// One rule's word on a case.
#[derive(Debug, Clone)]
pub(crate) struct Finding<'a> {
    pub(crate) rule: Option<Rule<'a>>,
    pub(crate) weight: Weight,
    pub(crate) because: String,
    /// First moment from which this rule is met, where it is a matter of time.
    pub(crate) opens_at: Option<DateTime<Utc>>,
}

impl<'a> Finding<'a> {
    pub(crate) fn new(rule: Option<Rule<'a>>, weight: Weight, because: impl Into<String>) -> Self {
        Finding {
            rule,
            weight,
            because: because.into(),
            opens_at: None,
        }
    }

    /// Met from `opens_at` on.
    pub(crate) fn opening(mut self, opens_at: DateTime<Utc>) -> Self {
        self.opens_at = Some(opens_at);
        self
    }

    /// A fact is missing.
    pub(crate) fn unknown(rule: Option<Rule<'a>>, fact: &str) -> Self {
        Finding::new(rule, Weight::Unknown, format!("{fact} is not known"))
    }

    pub(crate) fn is_met(&self) -> bool {
        self.weight == Weight::Met
    }
}
