//! Life of one work order (domain.md 5.1). Pure: no I/O, no clock, no randomness.
//!
//! ```text
//! Triaged -> Dispatched -> UnitTaken -> Assigned -> Taken -> EnRoute -> Arrived -> Surveyed -> Repairing -> Restored
//!    ^           |             ^           |                                                      |            |
//!    +- returned, lapsed       +- lapsed --+                              Suspended <-------------+         Replied
//!    +------------------------------------------- still off --------------------------------- CalledBack <-----+
//!                                                                                                 +--> Archived
//! ```
//!
//! This is the way of a fault. An order of another kind goes to the work alike; from there it follows its subject
//! ([`Course`]): Arrived -> Repairing -> Restored -> Archived, and to Withdrawn from wherever its crew is.

mod course;
mod event;
mod kind;
mod refusal;
mod state;
mod transition;

#[cfg(test)]
mod checker;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod table;

pub use course::Course;
pub use event::{Arrival, Event, ReturnReason, SafeStep, SafeWork, Section, Verification};
pub use kind::Kind;
pub use refusal::Refusal;
pub use state::{Back, CallBackResult, Finding, FreedBy, Owner, Reply, State, Team};
pub use transition::{ARRIVAL_RADIUS_M, Context, Limits, REVIEW_MAX, transition};
