//! The whole system: the real binary on real servers.

mod field;
mod journey;
mod town;
