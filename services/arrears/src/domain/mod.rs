//! The life of one arrears case: pure. No I/O, no clock, no randomness; what is lawful is asked of the policy pack.

pub mod bill;
pub mod call;
pub mod case;
pub mod class;
mod cut;
mod disprove;
pub mod event;
mod facts;
pub mod hold;
pub mod known;
mod late;
pub mod law;
pub mod message;
mod moment;
pub mod money;
pub mod proof;
pub mod refusal;
pub mod service;
mod stood;
mod stranger;
mod told;
mod transition;
mod upkeep;
mod wrongful;

#[cfg(test)]
mod any_order;
#[cfg(test)]
mod given;
#[cfg(test)]
mod table;

pub use case::{Case, State};
pub use cut::check_cut;
pub use event::{Effect, Event};
pub use facts::{Facts, Locks, NOT_ASKED, Premises, Release, Site};
pub use law::Law;
pub use moment::AHEAD_MAX;
pub use refusal::Refusal;
pub use stranger::rests_on;
pub use transition::transition;
pub use upkeep::next_look;

/// An instant, UTC.
pub type Instant = chrono::DateTime<chrono::Utc>;
