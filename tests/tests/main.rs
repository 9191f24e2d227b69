//! The whole system.

mod journey;
