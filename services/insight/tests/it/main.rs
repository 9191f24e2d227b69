//! The ledger on a real database: events in, answers out.

mod answers;
mod classes;
mod events;
mod exceptions;
mod given;
mod guesses;
mod handed_over;
mod in_a_row;
mod switched;
mod voltage;
