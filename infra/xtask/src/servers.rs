//! The private Postgres and Redis this program starts, and the system user they run as.

pub(crate) mod by_hand;
pub(crate) mod guard;
pub(crate) mod install;
pub(crate) mod place;
pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod scratch;
pub(crate) mod user;

use std::net::TcpListener;

use anyhow::{Context as _, Result};

/// A TCP port nobody listens on at 127.0.0.1. Somebody may take it before we do: starting is tried again then.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("find a free port")?;
    Ok(listener.local_addr().context("find a free port")?.port())
}
