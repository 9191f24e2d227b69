//! Notices: who is told what, on which channel, with proof.

pub mod channel;
