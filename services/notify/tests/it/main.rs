//! Integration tests of notify.

mod attempts;
mod batches;
mod beside;
mod calls;
mod channel;
mod debts;
mod desk;
mod given;
mod named;
mod notices;
mod orders;
mod outages;
mod questions;
mod rounds;
mod together;
mod town;
mod twice;
mod whole;
mod world;
