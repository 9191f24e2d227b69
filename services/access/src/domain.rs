//! What an account must look like, how long a session lasts, when a wrong password or code is one too many. Pure.

pub mod account;
pub mod code;
pub mod limits;
