//! What tests stand on: a database per test, and receivers that record what reached them.

pub mod database;
pub mod otlp;
pub mod seen;
pub mod smsc;
pub mod smtp;

pub use database::{TestDb, database};
