//! Arrears on a real database, through its own contract.

mod breach;
mod feed;
mod given;
mod message;
mod notice;
mod owed;
mod release;
mod rights;
mod strangers;
mod walk;
