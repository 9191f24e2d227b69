//! `cargo xtask test`: all tests on real servers that live as long as the run.

use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;

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

/// Runs the tests and gives back the runner's exit code; its summary is the last thing printed.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let stop = Stop::on_signals()?;
    let root = workspace::root()?;
    install::missing(Needs {
        postgres: true,
        redis: true,
    })?;
    let servers = Scratch::start(&root, &stop)?;
    let mut command = runner(cargo(&root), on_path("cargo-nextest"), &args.runner);
    servers.lend_to(&mut command).stdin(Stdio::null());
    let mut tests = Guard::start_group("the tests", &mut command, Signal::SIGINT, RUNNER_PATIENCE)?;
    let status = stop.wait_for_end(&mut tests);
    servers.stop()?;
    let code = status?
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Ok(ExitCode::from(code))
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
