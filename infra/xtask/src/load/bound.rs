//! `relight-load` at work: what it prints is shown, and where it asks for a server to be restarted, that is done.
//!
//! It asks with a line `>> postgres restart` and reads `done` or `failed WHY`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, ExitStatus};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::disk::Servers;
use crate::servers::guard::Guard;
use crate::servers::postgres::Parting;
use crate::stop::Stop;

/// It stops the processes it started.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Begins a line that asks.
const ASK: &str = ">> ";

/// The program and its pipes.
pub(super) struct Bound {
    guard: Guard,
    lines: Receiver<String>,
    answers: ChildStdin,
}

impl Bound {
    /// Takes the pipes of a program just started.
    pub(super) fn new(mut guard: Guard) -> Result<Self> {
        let output = guard.child().stdout.take().context("the output is not a pipe")?;
        let answers = guard.child().stdin.take().context("the input is not a pipe")?;
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(std::io::Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            guard,
            lines,
            answers,
        })
    }

    /// Shows and answers until the program ends. Servers are restarted on this thread: the kernel stops them with the
    /// thread that started them.
    pub(super) fn serve(mut self, servers: &mut Servers, stop: &Stop) -> Result<ExitStatus> {
        stop.wait_until(|| self.heed(servers, stop))?;
        if stop.requested() {
            drop(self.answers);
            self.guard.stop()?;
            bail!("stopped");
        }
        self.guard.ended()?.context("the output ended before the program")
    }

    /// Deals with what was printed; true when the program has ended.
    fn heed(&mut self, servers: &mut Servers, stop: &Stop) -> Result<bool> {
        loop {
            match self.lines.try_recv() {
                Ok(line) => match line.strip_prefix(ASK) {
                    Some(asked) => self.answer(asked, servers, stop)?,
                    None => println!("{line}"),
                },
                Err(TryRecvError::Empty) => return Ok(false),
                Err(TryRecvError::Disconnected) => return Ok(self.guard.ended()?.is_some()),
            }
        }
    }

    fn answer(&mut self, asked: &str, servers: &mut Servers, stop: &Stop) -> Result<()> {
        let done = match asked {
            "postgres restart" => servers.postgres.restart(Parting::Fast, stop),
            "postgres crash" => servers.postgres.restart(Parting::Crash, stop),
            "redis stop" => servers.redis.kill(),
            "redis start" => servers.redis.start_again(stop),
            other => bail!("relight-load asks for something unknown: {other}"),
        };
        let answer = match done {
            Ok(()) => "done".to_owned(),
            Err(error) => format!("failed {error:#}"),
        };
        writeln!(self.answers, "{answer}").context("answer relight-load")
    }
}
