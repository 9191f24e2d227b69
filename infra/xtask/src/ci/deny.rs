//! cargo-deny: licences, bans and sources of every dependency (`deny.toml`). Advisories are left out: their database
//! is not in the package registry.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::cargo::{cargo, must};

/// The version CI runs. Another one may judge differently.
const VERSION: &str = "0.20.2";

/// Checks the workspace, building the tool first where it is missing.
pub(crate) fn run(root: &Path) -> Result<()> {
    let tool = tool(root)?;
    let mut command = Command::new(tool);
    command
        .current_dir(root)
        .args(["--log-level", "error", "--workspace", "--all-features"]);
    must(
        "cargo-deny",
        command.args(["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]),
    )
}

/// The pinned version: on the PATH, or built into `.relight/tools` (unoptimised: that builds in a third of the time
/// and a check takes seconds either way).
fn tool(root: &Path) -> Result<PathBuf> {
    let on_path = PathBuf::from("cargo-deny");
    if has_version(&on_path) {
        return Ok(on_path);
    }
    let tools = root.join(".relight/tools");
    let built = tools.join("bin/cargo-deny");
    if !has_version(&built) {
        install(root, &tools)?;
    }
    Ok(built)
}

fn install(root: &Path, tools: &Path) -> Result<()> {
    println!("building cargo-deny {VERSION} into {}", tools.display());
    let scratch = tempfile::tempdir().context("make a temporary folder")?;
    let mut command = cargo(root);
    command.args([
        "install",
        "--quiet",
        "--debug",
        "--locked",
        "--force",
        "cargo-deny",
        "--version",
    ]);
    command
        .arg(format!("={VERSION}"))
        .arg("--root")
        .arg(tools)
        .env("CARGO_TARGET_DIR", scratch.path());
    must("cargo install cargo-deny", &mut command)
}

fn has_version(tool: &Path) -> bool {
    let output = Command::new(tool).arg("--version").output();
    output.is_ok_and(|output| is_pinned(&String::from_utf8_lossy(&output.stdout)))
}

fn is_pinned(answer: &str) -> bool {
    answer.split_whitespace().nth(1) == Some(VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_not_taken() {
        assert!(is_pinned("cargo-deny 0.20.2\n"));
        assert!(!is_pinned("cargo-deny 0.20.20\n"));
        assert!(!is_pinned(""));
    }
}
