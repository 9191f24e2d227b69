//! What tests stand on: a database per test, a server that may crash, and receivers that record what reached them.

pub mod database;
pub mod otlp;
pub mod postgres;
pub mod seen;
pub mod smsc;
pub mod smtp;

pub use database::{TestDb, database, database_on};
pub use postgres::PrivatePostgres;
