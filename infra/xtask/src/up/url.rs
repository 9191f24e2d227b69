//! The port of the web address.

use std::net::TcpListener;

use anyhow::Result;

use crate::servers::free_port;
use crate::usage::usage;

/// The port asked for, or `preferred` when it is free, or any free one.
///
/// # Errors
/// Exit 2 when the port asked for is taken.
pub(crate) fn port(asked: Option<u16>, preferred: u16) -> Result<u16> {
    match asked {
        Some(port) if is_free(port) => Ok(port),
        Some(port) => Err(usage(format!(
            "port {port} is taken; choose another with --port or leave it out"
        ))),
        None if is_free(preferred) => Ok(preferred),
        None => free_port(),
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_refused_when_asked_for_and_avoided_otherwise() -> Result<()> {
        let holder = TcpListener::bind(("127.0.0.1", 0))?;
        let taken = holder.local_addr()?.port();
        assert!(port(Some(taken), taken).is_err());
        assert_ne!(port(None, taken)?, taken);
        Ok(())
    }
}
