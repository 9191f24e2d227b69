//! Integration tests of notify.

mod attempts;
mod channel;
mod given;
mod notices;
mod town;
mod whole;
mod world;
