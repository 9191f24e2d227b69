//! `cargo xtask test`: all tests on real servers that live as long as the run.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;
use tempfile::NamedTempFile;

use crate::cargo::{cargo, on_path};
use crate::servers::guard::Guard;
use crate::servers::install::{self, Needs};
use crate::servers::scratch::Scratch;
use crate::stop::Stop;
use crate::workspace;

/// Long enough for the runner to end its tests and print what it has.
const RUNNER_PATIENCE: Duration = Duration::from_secs(60);

/// Options of `test`.
#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Handed to the runner, such as `-p relight-grid`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    runner: Vec<String>,
}

/// Runs the tests and gives back the runner's exit code. Its summary is the last thing printed, but for the number of
/// tests that had no data and did nothing: the runner counts those among the passed.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let stop = Stop::on_signals()?;
    let root = workspace::root()?;
    install::missing(Needs {
        postgres: true,
        redis: true,
    })?;
    let servers = Scratch::start(&root, &stop)?;
    let mut command = runner(cargo(&root), on_path("cargo-nextest"), &args.runner);
    let skipped = NamedTempFile::new().context("make a file for the names of skipped tests")?;
    servers
        .lend_to(&mut command)
        .env("RELIGHT_TEST_SKIPPED", skipped.path())
        .stdin(Stdio::null());
    let mut tests = Guard::start_group("the tests", &mut command, Signal::SIGINT, RUNNER_PATIENCE)?;
    let status = stop.wait_for_end(&mut tests);
    servers.stop()?;
    let notes = fs::read_to_string(skipped.path()).context("read the names of skipped tests")?;
    if let Some(words) = without_data(&notes) {
        println!("{words}");
    }
    let code = status?
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// How many tests left a line because their data is absent, and where it would be. `notes` has `TEST<tab>FOLDER` lines; a
/// test that looked for data twice has two.
fn without_data(notes: &str) -> Option<String> {
    let all: BTreeSet<(&str, &str)> = notes.lines().filter_map(|line| line.split_once('\t')).collect();
    let folders: BTreeSet<&str> = all.iter().map(|(_, folder)| *folder).collect();
    let folders: Vec<&str> = folders.into_iter().collect();
    (!all.is_empty()).then(|| {
        format!(
            "{} of the passed tests did nothing: their data is not part of the repository and is looked for in {}",
            all.len(),
            folders.join(", ")
        )
    })
}

/// nextest where it is installed (a process per test, and faster); otherwise what comes with cargo.
fn runner(mut cargo: Command, has_nextest: bool, extra: &[String]) -> Command {
    if has_nextest {
        cargo.args(["nextest", "run"]);
    } else {
        println!("cargo-nextest is not installed; using `cargo test`");
        cargo.arg("test");
    }
    // A run that ends with the first failure hides the others, and a run on a fresh machine is dear.
    cargo.arg("--no-fail-fast");
    if !names_packages(extra) {
        cargo.arg("--workspace");
    } else if extra.iter().any(|one| one.ends_with("relight-tests")) {
        // They start the built binary; without this it would be the one of some build before.
        cargo.args(["-p", "relight"]);
    }
    cargo.args(extra);
    cargo
}

/// Whether the caller chose packages; otherwise all are tested.
fn names_packages(extra: &[String]) -> bool {
    let ours = extra.iter().take_while(|one| *one != "--");
    ours.into_iter()
        .any(|one| one.starts_with("-p") || one.starts_with("--package"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(has_nextest: bool, extra: &[&str]) -> Vec<String> {
        let extra: Vec<_> = extra.iter().map(|one| (*one).to_owned()).collect();
        let command = runner(Command::new("cargo"), has_nextest, &extra);
        command
            .get_args()
            .map(|one| one.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn tests_without_data_are_counted_once_each() {
        assert_eq!(without_data(""), None);
        let words = without_data("it a\t/x\nit a\t/x\nsystem b\t/x\n").unwrap();
        assert!(
            words.starts_with("2 of the passed tests") && words.ends_with("in /x"),
            "{words}"
        );
    }

    #[test]
    fn without_a_package_the_whole_workspace_is_tested() {
        assert_eq!(
            arguments(true, &[]),
            ["nextest", "run", "--no-fail-fast", "--workspace"]
        );
        assert_eq!(
            arguments(false, &["--", "-p"]),
            ["test", "--no-fail-fast", "--workspace", "--", "-p"]
        );
        assert_eq!(
            arguments(true, &["-p", "relight-grid"]),
            ["nextest", "run", "--no-fail-fast", "-p", "relight-grid"]
        );
        assert_eq!(
            arguments(true, &["-prelight-tests"]),
            [
                "nextest",
                "run",
                "--no-fail-fast",
                "-p",
                "relight",
                "-prelight-tests"
            ]
        );
    }
}
