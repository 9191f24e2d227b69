//! Calling cargo from a program that cargo started.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// What `cargo run` sets for this program only. A build script that watches one of them would run again below us.
const OURS_ALONE: [&str; 6] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_CRATE_NAME",
    "CARGO_BIN_NAME",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_BIN_EXE_",
];

/// `cargo` in the root of the clone, as if called from the shell.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    for (name, _) in std::env::vars_os() {
        if OURS_ALONE
            .iter()
            .any(|prefix| name.to_string_lossy().starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
    command
}

/// Runs `command` to its end with our own input and output.
///
/// # Errors
/// It cannot be started, or it exits other than 0; named by `what`.
pub(crate) fn must(what: &str, command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("start {what}"))?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    Ok(())
}

/// Whether a program of this name is on the PATH.
pub(crate) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}
