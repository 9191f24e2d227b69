//! What every service stands on: commands remembered with their reply, the outbox and its relay, readers with stored
//! positions, fenced leases, durable timers, dead letters, the audit chain, typed ids, errors, claims, telemetry.
//!
//! Promises: a fact and the news of it commit together ([`work`]); news is published in order, gapless ([`relay`]);
//! a reader applies each event once, also after Redis lost everything ([`reader`]); a deadline survives a crash ([`timer`]).

pub mod audit;
pub mod batch;
pub mod claims;
pub mod clock;
pub mod command;
pub mod config;
pub mod cursor;
pub mod db;
pub mod dead_letter;
#[cfg(feature = "edge")]
pub mod edge;
pub mod error;
pub mod events;
pub mod grpc;
pub mod ids;
pub mod lease;
pub mod monitor;
pub mod reader;
pub mod reconcile;
pub mod relay;
pub mod seal;
pub mod secrets;
pub mod service;
pub mod telemetry;
pub mod timer;
pub mod token;
pub mod wire;
pub mod work;

pub use claims::{Claims, Grant, Role};
pub use clock::Clock;
pub use db::Db;
pub use error::{Code, Coded, Error, Invalid};
pub use work::{Begun, Work};
