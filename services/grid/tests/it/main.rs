//! The crate from outside: golden networks, importers, the pack, the demo town.

mod bad_input;
mod brute_force;
mod data;
mod demo;
mod golden;
mod opendss;
mod pack;
