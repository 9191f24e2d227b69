//! `cargo xtask bench` and `cargo xtask soak`: builds with optimisations, starts servers whose every commit reaches the
//! disk, and runs `relight-load` on them.

mod bound;
mod disk;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;

use crate::cargo::{cargo, must};
use crate::servers::guard::Guard;
use crate::servers::install::{self, Needs};
use crate::servers::user::ServerUser;
use crate::stop::Stop;
use crate::workspace;
use bound::Bound;
use disk::Servers;

/// Options of `bench`.
#[derive(clap::Args)]
pub(crate) struct BenchArgs {
    /// Build without optimisations: to try the bench itself; its numbers say nothing.
    #[arg(long)]
    debug: bool,
    /// Handed to `relight-load bench`, such as `--only reports --rounds 5`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    more: Vec<OsString>,
}

/// Options of `soak`.
#[derive(clap::Args)]
pub(crate) struct SoakArgs {
    /// Build without optimisations: to try the soak itself.
    #[arg(long)]
    debug: bool,
    /// Handed to `relight-load soak`, such as `--minutes 1`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    more: Vec<OsString>,
}

/// Prints one table; never part of CI.
pub(crate) fn bench(args: &BenchArgs) -> Result<ExitCode> {
    let stop = Stop::on_signals()?;
    needs()?;
    disk::add_postgis();
    run("bench", !args.debug, &args.more, &stop)
}

/// Prints the counts; exit code 1 when a promise is broken.
pub(crate) fn soak(args: &SoakArgs) -> Result<ExitCode> {
    let stop = Stop::on_signals()?;
    needs()?;
    run("soak", !args.debug, &args.more, &stop)
}

fn needs() -> Result<()> {
    install::missing(Needs {
        postgres: true,
        redis: true,
    })
}

fn run(verb: &str, release: bool, more: &[OsString], stop: &Stop) -> Result<ExitCode> {
    let root = workspace::root()?;
    let programs = build(&root, release)?;
    let mut servers = Servers::start(&root, stop)?;
    let mut command = ServerUser::Myself.server(&programs.join("relight-load"), "TERM");
    command
        .arg(verb)
        .arg("--relight")
        .arg(programs.join("relight"))
        .arg("--dir")
        .arg(servers.logs())
        .args(more)
        .envs(servers.environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    println!(
        "running relight-load {verb}; the data is in {}, on {}",
        servers.data().display(),
        servers.disk()
    );
    println!("logs: {}", servers.logs().display());
    let guard = Guard::start_group("relight-load", &mut command, Signal::SIGTERM, bound::PATIENCE)?;
    let status = Bound::new(guard)?.serve(&mut servers, stop);
    servers.stop()?;
    let code = status?
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// Folder of the built programs.
fn build(root: &Path, release: bool) -> Result<PathBuf> {
    let mut command: Command = cargo(root);
    command
        .args(["build", "--package", "relight", "--package", "relight-load"])
        .args(release.then_some("--release"));
    must("cargo build", command.stdin(Stdio::null()))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let target = if target.is_absolute() {
        target
    } else {
        root.join(target)
    };
    let programs = target.join(if release { "release" } else { "debug" });
    let built = programs.join("relight-load");
    built
        .exists()
        .then_some(programs)
        .with_context(|| format!("cargo built no {}", built.display()))
}
