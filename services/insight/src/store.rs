//! All SQL of the ledger.

pub(crate) mod book;
pub(crate) mod closing;
pub(crate) mod exception;
pub(crate) mod held;
pub(crate) mod read;
pub(crate) mod records;
pub(crate) mod view;
pub(crate) mod voltage;

/// Rows written by one statement.
pub(crate) const CHUNK: usize = 5_000;
