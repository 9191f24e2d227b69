//! The crate from outside: golden networks, importers, the pack, the demo town.

mod bad_input;
mod brute_force;
mod cim;
mod data;
mod demo;
mod doubts;
mod every_device;
mod golden;
mod infer_accuracy;
mod infer_crossing;
mod infer_engine;
mod opendss;
mod opendss_nodes;
mod opendss_state;
mod pack;
mod small;
