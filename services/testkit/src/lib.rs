//! What tests stand on: a database per test, and receivers that record what reached them.

pub mod database;

pub use database::{TestDb, database};
