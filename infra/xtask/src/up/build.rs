//! The programs `up` runs, built from this clone.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;

use super::output::lines_of;
use crate::cargo::cargo;
use crate::servers::guard::Guard;
use crate::stop::Stop;

const PATIENCE: Duration = Duration::from_secs(20);
/// (package, binary)
const PROGRAMS: [(&str, &str); 2] = [("relight", "relight"), ("relight-testkit", "relight-sink")];

/// Paths of the built programs.
pub(super) struct Programs {
    /// Every role and verb.
    pub(super) relight: PathBuf,
    /// Takes texts and mails in place of the providers.
    pub(super) sink: PathBuf,
}

/// Builds them; cargo's own progress is shown.
pub(super) fn build(root: &Path, release: bool, stop: &Stop) -> Result<Programs> {
    let mut command = cargo(root);
    command.args(["build", "--message-format=json-render-diagnostics"]);
    for (package, binary) in PROGRAMS {
        command.args(["--package", package, "--bin", binary]);
    }
    command
        .args(release.then_some("--release"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut guard = Guard::start_group("cargo build", &mut command, Signal::SIGTERM, PATIENCE)?;
    let lines = lines_of(guard.child())?;
    let status = stop.wait_for_end(&mut guard)?;
    if !status.success() {
        bail!("cargo build failed ({status})");
    }
    let lines: Vec<String> = lines.iter().collect();
    let [relight, sink] = PROGRAMS.map(|(_, name)| {
        let found = lines.iter().find_map(|line| executable(line, name));
        found.with_context(|| format!("cargo build named no executable for `{name}`"))
    });
    Ok(Programs {
        relight: relight?,
        sink: sink?,
    })
}

/// The path in cargo's message about the finished binary `name`.
fn executable(line: &str, name: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    (message["target"]["name"] == name).then_some(())?;
    message["executable"].as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_the_binary_and_not_its_library() {
        let binary = r#"{"target":{"name":"relight"},"executable":"/t/debug/relight"}"#;
        assert_eq!(executable(binary, "relight"), Some("/t/debug/relight".into()));
        assert_eq!(executable(binary, "relight-sink"), None);
        let library = r#"{"target":{"name":"relight"},"executable":null}"#;
        assert_eq!(executable(library, "relight"), None);
    }
}
