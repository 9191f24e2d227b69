//! Arrears on a real database, through its own contract.

mod feed;
mod given;
mod message;
mod notice;
mod release;
mod rights;
mod strangers;
mod walk;
