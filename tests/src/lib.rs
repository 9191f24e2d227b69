//! The built system as a whole, as its users meet it: the real binary, Postgres and Redis, receivers for messages.

pub mod api;
pub mod events;
pub mod pack;
pub mod photo;
pub mod process;
pub mod system;

pub use api::Api;
pub use system::{PASSWORD, System};
