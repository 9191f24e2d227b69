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
    /// Whether cuts are locked there at the moment that counts.
    pub locks: &'a Locks,
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

/// What the planner says of locks there: event, holiday, weather (domain.md 5.5 no. 21).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locks {
    /// None stands.
    Free,
    /// One does.
    Locked {
        /// Its kind and reason, in words.
        reason: String,
        /// Its end.
        until: Instant,
    },
    /// Nobody answered, or nobody was asked.
    Unknown,
}

/// What the others know of the premises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Whether they have supply otherwise.
    pub premises: Premises,
    /// Whether cuts are locked there.
    pub locks: Locks,
}

/// Nobody was asked.
pub static NOT_ASKED: Site = Site {
    premises: Premises::Unknown,
    locks: Locks::Unknown,
};

/// A release token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The one meter it is for.
    pub meter_no: String,
    /// Its end.
    pub expires_at: Instant,
    /// When it was used, or taken back.
    pub spent_at: Option<Instant>,
    /// The desk read it out to a crew without a signal.
    pub spoken: bool,
}
