//! The ledger on a real database: events in, answers out.

mod answers;
mod events;
mod given;
