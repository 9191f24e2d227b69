//! All SQL of notify.

pub mod attempt;
pub mod incident;
pub mod message;
pub mod receipt;
