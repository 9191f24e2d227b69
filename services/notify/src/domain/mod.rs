//! Rules of notices. Pure: no I/O, no clock, no randomness.

pub mod debt;
pub mod delivery;
pub mod notice;
pub mod outage;
pub mod quiet;
pub mod receipt;
pub mod reply;
pub mod words;
