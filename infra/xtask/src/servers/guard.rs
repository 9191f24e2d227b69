//! A server process that does not outlive this program.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A running child. Dropping it stops it.
pub(crate) struct Guard {
    name: &'static str,
    child: Child,
    parting: Signal,
    patience: Duration,
    whole_group: bool,
}

impl Guard {
    /// Starts `command`. `parting` is the signal that makes it stop in good order; after `patience` it is killed.
    pub(crate) fn start(
        name: &'static str,
        command: &mut Command,
        parting: Signal,
        patience: Duration,
    ) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        Ok(Self {
            name,
            child,
            parting,
            patience,
            whole_group: false,
        })
    }

    /// Starts `command` in a process group of its own; the signals go to all of the group. For programs that start
    /// others, such as cargo.
    pub(crate) fn start_group(
        name: &'static str,
        command: &mut Command,
        parting: Signal,
        patience: Duration,
    ) -> Result<Self> {
        let mut guard = Self::start(name, command.process_group(0), parting, patience)?;
        guard.whole_group = true;
        Ok(guard)
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("look after {}", self.name))
    }

    /// The child itself, for its output.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Stops it and says how it ended. Killed with a message when it does not heed the signal in time.
    pub(crate) fn stop(&mut self) -> Result<ExitStatus> {
        self.stop_by(self.parting)
    }

    /// As [`Guard::stop`], by another signal.
    pub(crate) fn stop_by(&mut self, signal: Signal) -> Result<ExitStatus> {
        if let Some(status) = self.ended()? {
            return Ok(status);
        }
        self.signal(signal);
        let begun = Instant::now();
        while begun.elapsed() < self.patience {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        eprintln!(
            "xtask: {} did not stop within {} s; killing it",
            self.name,
            self.patience.as_secs()
        );
        self.signal(Signal::SIGKILL);
        self.child
            .wait()
            .with_context(|| format!("wait for {}", self.name))
    }

    /// Not yet waited for, so the number is still this child's.
    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("the kernel's process numbers fit an i32");
        let target = if self.whole_group { -pid } else { pid };
        if let Err(error) = kill(Pid::from_raw(target), signal) {
            eprintln!("xtask: could not signal {}: {error}", self.name);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("xtask: {error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    #[test]
    fn a_child_that_heeds_the_signal_ends_by_it() -> Result<()> {
        let mut guard = Guard::start(
            "sleep",
            Command::new("sleep").arg("60"),
            Signal::SIGTERM,
            Duration::from_secs(30),
        )?;
        assert_eq!(guard.ended()?, None);
        assert_eq!(guard.stop()?.signal(), Some(Signal::SIGTERM as i32));
        Ok(())
    }

    #[test]
    fn a_group_is_stopped_with_its_grandchildren() -> Result<()> {
        let mut script = Command::new("sh");
        script
            .args(["-c", "sleep 60 & echo $!; wait"])
            .stdout(std::process::Stdio::piped());
        let mut guard = Guard::start_group("sh", &mut script, Signal::SIGTERM, Duration::from_secs(30))?;
        let mut line = String::new();
        let output = guard.child().stdout.take().context("has an output")?;
        let mut output = std::io::BufReader::new(output);
        std::io::BufRead::read_line(&mut output, &mut line)?;
        guard.stop()?;
        // The grandchild held the other end of the pipe; its end is the end of the file.
        assert_eq!(std::io::BufRead::read_line(&mut output, &mut line)?, 0);
        Ok(())
    }

    #[test]
    fn a_child_that_does_not_heed_it_is_killed() -> Result<()> {
        // SIGWINCH is ignored unless handled.
        let mut guard = Guard::start(
            "sleep",
            Command::new("sleep").arg("60"),
            Signal::SIGWINCH,
            Duration::from_millis(50),
        )?;
        assert_eq!(guard.stop()?.signal(), Some(Signal::SIGKILL as i32));
        Ok(())
    }
}
