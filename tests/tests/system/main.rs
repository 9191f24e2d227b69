//! The whole system: the real binary on real servers.

mod ask;
mod bad_input;
mod field;
mod guarantees;
mod journey;
mod small;
mod town;
