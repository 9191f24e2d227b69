//! The whole system: the real binary on real servers.

mod arrears;
mod ask;
mod bad_input;
mod bad_pack;
mod bad_wire;
mod danger;
mod doctor;
mod fed_again;
mod field;
mod guarantees;
mod head_end;
mod import;
mod important_fault;
mod journey;
mod metrics;
mod one_supply;
mod pages;
mod paper;
mod planned;
mod small;
mod still_out;
mod storm;
mod stream;
mod town;
