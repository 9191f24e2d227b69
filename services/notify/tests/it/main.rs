//! Integration tests of notify.

mod channel;
mod given;
