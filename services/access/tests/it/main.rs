//! Access on a real database.

mod accounts;
mod codes;
mod given;
mod sessions;
