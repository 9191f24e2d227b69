//! `cargo xtask servers`: the test servers for working by hand.

use anyhow::Result;

use super::scratch::Scratch;
use crate::stop::Stop;
use crate::workspace;

/// Starts the servers, prints where they are, and stops them on Ctrl-C.
pub(crate) fn run() -> Result<()> {
    let stop = Stop::on_signals()?;
    let servers = Scratch::start(&workspace::root()?, &stop)?;
    for (name, value) in servers.environment() {
        println!("export {name}={value}");
    }
    println!("# running until Ctrl-C; nothing in them is kept");
    stop.wait_until(|| Ok(false))?;
    servers.stop()
}
