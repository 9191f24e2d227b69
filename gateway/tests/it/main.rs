//! The gateway's routes without any service behind: what is refused, and how it is said.

#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod bad_input;
mod deny;
mod given;
mod pages;
mod routes;
mod schemas;
mod urls;
