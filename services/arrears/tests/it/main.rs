//! Arrears on a real database, through its own contract.

mod breach;
mod calls;
mod feed;
mod given;
mod known;
mod locks;
mod message;
mod notice;
mod owed;
mod paid_after;
mod photo;
mod release;
mod rights;
mod strangers;
mod together;
mod told;
mod unplaced;
mod visits;
mod walk;
