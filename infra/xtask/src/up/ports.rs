//! Where people and phones reach Relight.

use std::net::TcpListener;

use anyhow::Result;

use super::environment::{Environment, given};
use crate::servers::free_port;
use crate::usage::usage;

/// Tried first, so that the addresses stay the same from one day to the next.
const HTTP_PREFERRED: u16 = 8080;
const MOBILE_PREFERRED: u16 = 8081;
const HTTP: &str = "RELIGHT_HTTP__LISTEN";
const MOBILE: &str = "RELIGHT_MOBILE__LISTEN";

/// One address for each of them.
pub(super) struct Addresses {
    http: String,
    mobile: String,
}

/// `asked` is the port on the command line; what the shell says comes next, then the usual port or a free one.
///
/// # Errors
/// Exit 2 when the port asked for is taken.
pub(super) fn choose(asked: Option<u16>) -> Result<Addresses> {
    let http = match (asked, given(HTTP)) {
        (None, Some(address)) => address,
        _ => local(port(asked, HTTP_PREFERRED)?),
    };
    let mobile = match given(MOBILE) {
        Some(address) => address,
        None if http.ends_with(&format!(":{MOBILE_PREFERRED}")) => local(free_port()?),
        None => local(port(None, MOBILE_PREFERRED)?),
    };
    Ok(Addresses { http, mobile })
}

impl Addresses {
    /// Tells `relight`.
    pub(super) fn set(self, environment: &mut Environment) {
        environment.set(HTTP, self.http);
        environment.set(MOBILE, self.mobile);
    }
}

fn local(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn port(asked: Option<u16>, preferred: u16) -> Result<u16> {
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
