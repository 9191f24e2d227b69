//! Dispatch on a real database: every rpc, every timer, two dispatchers at the same instant.

mod clocks;
mod crews;
mod cuts;
mod estimates;
mod given;
mod incidents;
mod lists;
mod others;
mod phone;
mod photos;
mod planned;
mod positions;
mod recommend;
mod reconcile;
mod rights;
mod stand_in;
mod then;
mod told;
mod walk;
