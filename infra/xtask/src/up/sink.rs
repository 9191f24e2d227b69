//! `relight-sink` in place of the SMS gateway and the mail server: whatever Relight sends lands in one file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;

use super::environment::{Environment, given};
use super::output;
use crate::servers::guard::Guard;
use crate::servers::place::Place;
use crate::servers::user::ServerUser;
use crate::stop::Stop;

const SMS: &str = "RELIGHT_SMS__ADDRESS";
const MAIL: &str = "RELIGHT_MAIL__ADDRESS";
const READY_LIMIT: Duration = Duration::from_secs(20);
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// A running sink.
pub(super) struct Sink {
    guard: Guard,
    sms: String,
    mail: String,
    messages: PathBuf,
}

impl Sink {
    /// Starts it unless both providers were given.
    pub(super) fn start(program: &Path, place: &Place, stop: &Stop) -> Result<Option<Self>> {
        if given(SMS).is_some() && given(MAIL).is_some() {
            return Ok(None);
        }
        let messages = place.messages();
        private(&messages)?;
        let log_path = place.state().join("sink.log");
        let log = File::create(&log_path).with_context(|| format!("make {}", log_path.display()))?;
        let mut command = ServerUser::Myself.server(program, "INT");
        for kind in ["--smpp", "--smtp", "--otlp"] {
            command.args([kind, "127.0.0.1:0"]);
        }
        command.arg("--out").arg(&messages);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(log.try_clone().context("share the log")?);
        let mut guard = Guard::start("relight-sink", &mut command, Signal::SIGINT, STOP_PATIENCE)?;
        let lines = output::logged_lines_of(guard.child(), log)?;
        let mut found = None;
        output::wait_for_line(
            ("relight-sink", &mut guard),
            &lines,
            (READY_LIMIT, stop),
            |line| {
                found = addresses(line);
                found.is_some()
            },
        )
        .with_context(|| format!("its log is {}", log_path.display()))?;
        let (sms, mail) = found.expect("waited until it was found");
        Ok(Some(Self {
            guard,
            sms,
            mail,
            messages,
        }))
    }

    /// Sets the providers that were not given.
    pub(super) fn set(&self, environment: &mut Environment) {
        for (name, address) in [(SMS, &self.sms), (MAIL, &self.mail)] {
            if given(name).is_none() {
                environment.set(name, address.as_str());
            }
        }
    }

    /// The file it writes to, one JSON object a line.
    pub(super) fn messages(&self) -> &Path {
        &self.messages
    }

    /// Fails once it ended by itself.
    pub(super) fn check(&mut self) -> Result<()> {
        match self.guard.ended()? {
            Some(status) => bail!("relight-sink ended by itself ({status})"),
            None => Ok(()),
        }
    }

    /// Stops it.
    pub(super) fn stop(mut self) -> Result<()> {
        self.guard.stop().map(drop)
    }
}

/// Made here, so that only its owner reads what customers are told.
fn private(path: &Path) -> Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .with_context(|| format!("make {}", path.display()))
}

/// (texts, mails) of the line it prints once it listens: `texts ADDRESS mails ADDRESS ...`.
fn addresses(line: &str) -> Option<(String, String)> {
    let mut words = line.strip_prefix("texts ")?.split(' ');
    let sms = words.next()?.to_owned();
    (words.next()? == "mails").then_some(())?;
    Some((sms, words.next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_are_read_off_the_line() {
        let line = "texts 127.0.0.1:1 mails 127.0.0.1:2 traces 127.0.0.1:3 to messages.jsonl";
        assert_eq!(
            addresses(line),
            Some(("127.0.0.1:1".to_owned(), "127.0.0.1:2".to_owned()))
        );
        assert_eq!(addresses("texts 127.0.0.1:1"), None);
    }
}
