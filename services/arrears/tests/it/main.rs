//! Arrears on a real database, through its own contract.

mod feed;
mod given;
mod locks;
mod message;
mod notice;
mod release;
mod rights;
mod strangers;
mod told;
mod visits;
mod walk;
