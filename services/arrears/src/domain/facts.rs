//! What the machine has to know beside the case.

use super::{Instant, Law, money::Terms};

/// What the machine has to know beside the case.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What is lawful.
    pub law: &'a Law,
    /// The house's own numbers.
    pub terms: &'a Terms,
    /// Whether the premises have supply otherwise.
    pub premises: Premises,
    /// The release shown for a cut.
    pub release: Option<&'a Release>,
}

/// What the ledger says of the premises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Premises {
    /// No outage there.
    Supplied,
    /// Another outage.
    Off,
    /// Nobody answered, or nobody was asked.
    Unknown,
}

/// A release token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The one meter it is for.
    pub meter_no: String,
    /// Its end.
    pub expires_at: Instant,
    /// It was used, or taken back.
    pub spent: bool,
}
