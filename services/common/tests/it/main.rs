//! The common machinery on a real Postgres and a real Redis: what is promised here is what every service stands on.

mod audit;
mod commands;
mod dead_letters;
mod leases;
mod mtls;
mod outbox;
mod reader_faults;
mod readers;
mod relays;
mod restarts;
mod schema;
mod shutdown;
mod timers;
mod trimmed;
mod world;
