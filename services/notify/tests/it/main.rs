//! Integration tests of notify.

mod attempts;
mod channel;
mod debts;
mod given;
mod notices;
mod orders;
mod outages;
mod town;
mod whole;
mod world;
