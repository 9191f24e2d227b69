//! Integration tests of notify.

mod channel;
mod given;
mod notices;
mod town;
mod whole;
mod world;
