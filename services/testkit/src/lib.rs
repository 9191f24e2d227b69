//! What tests stand on: a database and a Redis namespace per test, a server that may crash, and receivers that record what reached them.

pub mod database;
pub mod otlp;
pub mod outside;
pub mod postgres;
pub mod redis;
pub mod seen;
pub mod smsc;
pub mod smtp;
pub mod wait;

pub use database::{TestDb, database, database_on};
pub use outside::outside;
pub use postgres::PrivatePostgres;
pub use wait::{until, wait_until};
