//! Import, affected sets and look-ups on a real database.

mod bad_input;
mod customers;
mod given;
mod golden;
mod grid;
mod import;
mod served;
mod sets;
mod then;
