//! Life of one work order (domain.md 5.1). Pure: no I/O, no clock, no randomness.
//!
//! ```text
//! Triaged -> Dispatched -> UnitTaken -> Assigned -> Taken -> EnRoute -> Arrived -> Surveyed -> Repairing -> Restored
//!    ^           |             ^           |                                                      |            |
//!    +- returned, lapsed       +- lapsed --+                              Suspended <-------------+         Replied
//!    +------------------------------------------- still off --------------------------------- CalledBack <-----+
//!                                                                                                 +--> Archived
//! ```

mod event;
mod refusal;
mod state;
mod transition;

#[cfg(test)]
mod checker;
#[cfg(test)]
mod table;

pub use event::{Arrival, Event, ReturnReason, SafeStep, SafeWork, Section, Verification};
pub use refusal::Refusal;
pub use state::{Back, CallBackResult, Finding, FreedBy, Owner, Reply, State, Team};
pub use transition::{ARRIVAL_RADIUS_M, Context, Limits, REVIEW_MAX, transition};
