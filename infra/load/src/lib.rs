//! Load and chaos against the built `relight`, from outside: `bench` measures it against peers on the same machine in
//! the same run, `soak` breaks what can break while it works and then checks every promise.
//!
//! Everything goes to 127.0.0.1 and is bounded in number and time. Nothing here runs in CI except what other tests
//! take from [`checks`].

pub mod bench;
pub mod checks;
pub mod county;
pub mod house;
pub mod lag;
pub mod line;
pub mod process;
pub mod report;
pub mod server;
pub mod soak;
pub mod statistics;
pub mod storm;
pub mod table;
