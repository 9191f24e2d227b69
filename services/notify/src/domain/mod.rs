//! Rules of notices. Pure: no I/O, no clock, no randomness.

pub mod delivery;
pub mod notice;
pub mod quiet;
pub mod words;
