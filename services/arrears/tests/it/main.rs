//! Arrears on a real database, through its own contract.

mod calls;
mod feed;
mod given;
mod known;
mod message;
mod notice;
mod release;
mod rights;
mod strangers;
mod walk;
