//! `cargo xtask relight ARGS`: a verb of the binary that `up` runs, with what it was given. `up` leaves both in
//! `.relight/running.json` while it runs.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::environment::Environment;
use super::lock;
use crate::usage::usage;
use crate::workspace;

/// Options of `relight`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Handed to the binary, such as `demo storm --faults 4`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// The note about a running `up`; removed when it is dropped.
pub(super) struct Note(PathBuf);

impl Note {
    /// Leaves the note, readable by its owner only: the environment holds passwords.
    pub(super) fn leave(state: &Path, binary: &Path, environment: &Environment) -> Result<Self> {
        let path = note(state);
        let pairs: serde_json::Map<String, Value> = environment
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let text = json!({ "binary": binary, "environment": pairs }).to_string();
        remove(&path)?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("write {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            eprintln!("xtask: {error:#}");
        }
    }
}

/// Becomes the binary, so that its input, output, signals and exit code are the caller's.
///
/// # Errors
/// Exit 2 when no `up` of this clone runs; otherwise it does not come back.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let state = workspace::root()?.join(".relight");
    let (binary, environment) = read(&state)?;
    let mut command = Command::new(&binary);
    let error = environment.lend_to(command.args(&args.arguments)).exec();
    Err(error).with_context(|| format!("start {}", binary.display()))
}

fn read(state: &Path) -> Result<(PathBuf, Environment)> {
    // A killed `up` leaves its note; the lock it does not leave.
    let text = fs::read_to_string(note(state))
        .ok()
        .filter(|_| lock::is_held(state));
    let text = text.ok_or_else(|| usage("Relight does not run here; `cargo xtask up` starts it"))?;
    parse(&text).context("the note in .relight/running.json is not whole")
}

fn parse(text: &str) -> Option<(PathBuf, Environment)> {
    let note: Value = serde_json::from_str(text).ok()?;
    let pairs = note["environment"].as_object()?;
    let pairs = pairs
        .iter()
        .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    Some((
        note["binary"].as_str()?.into(),
        pairs.collect::<Option<Environment>>()?,
    ))
}

fn note(state: &Path) -> PathBuf {
    state.join("running.json")
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_counts_while_its_up_holds_the_lock() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let mut environment = Environment::default();
        environment.set("RELIGHT_REDIS_URL", "redis://x");
        let note = Note::leave(dir.path(), Path::new("/t/relight"), &environment)?;
        assert!(read(dir.path()).is_err());

        let lock = lock::take(dir.path())?;
        assert_eq!(read(dir.path())?, (PathBuf::from("/t/relight"), environment));
        drop(note);
        assert!(read(dir.path()).is_err());
        drop(lock);
        Ok(())
    }
}
