//! `cargo xtask ci`: everything a change must pass. Every step runs, so that one run shows all that is wrong; the
//! tests come last and their summary is the end of the output.

mod deny;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::Result;

use crate::cargo::{cargo, must, on_path};
use crate::prepare;
use crate::test;
use crate::tidy;
use crate::workspace;

/// One step before the tests.
struct Step {
    name: &'static str,
    run: fn(&Path) -> Result<()>,
}

const STEPS: [Step; 7] = [
    Step {
        name: "tidy",
        run: |_| tidy::run(&tidy::Args::default()),
    },
    Step {
        name: "fmt",
        run: |root| must("cargo fmt", cargo(root).args(["fmt", "--all", "--check"])),
    },
    Step {
        name: "clippy",
        run: clippy,
    },
    Step {
        name: "doc",
        run: doc,
    },
    Step {
        name: "deny",
        run: deny::run,
    },
    Step {
        name: "queries",
        run: |_| prepare::run(&prepare::Args::check()),
    },
    Step {
        name: "doctests",
        run: doctests,
    },
];

/// Runs the steps, prints how long each took, then runs the tests.
pub(crate) fn run() -> Result<ExitCode> {
    let root = workspace::root()?;
    let mut failed = Vec::new();
    for step in &STEPS {
        if !timed(step, &root) {
            failed.push(step.name);
        }
    }
    match failed.as_slice() {
        [] => println!("ci: every step passed; the tests follow"),
        names => println!("ci: FAILED: {}; the tests follow", names.join(", ")),
    }
    let tests = test::run(&test::Args::default())?;
    Ok(if failed.is_empty() {
        tests
    } else {
        ExitCode::FAILURE
    })
}

/// Runs one step and says how it went.
fn timed(step: &Step, root: &Path) -> bool {
    println!("ci: {}", step.name);
    let begun = Instant::now();
    let outcome = (step.run)(root);
    let took_s = begun.elapsed().as_secs_f64();
    match &outcome {
        Ok(()) => println!("ci: {} passed in {took_s:.1} s", step.name),
        Err(error) => println!("ci: {} FAILED in {took_s:.1} s: {error:#}", step.name),
    }
    outcome.is_ok()
}

fn clippy(root: &Path) -> Result<()> {
    let arguments = [
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    must("clippy", cargo(root).args(arguments))
}

fn doc(root: &Path) -> Result<()> {
    let mut command = cargo(root);
    command.args([
        "doc",
        "--quiet",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ]);
    must("cargo doc", command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// nextest leaves the examples in the documentation out; `cargo test` has them.
fn doctests(root: &Path) -> Result<()> {
    if !on_path("cargo-nextest") {
        return Ok(());
    }
    let mut command: Command = cargo(root);
    must(
        "doctests",
        command.args(["test", "--quiet", "--workspace", "--doc"]),
    )
}
