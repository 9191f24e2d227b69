//! Reports and incidents.
pub mod domain;
