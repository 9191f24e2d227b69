//! What a child prints, line by line.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Child;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::servers::guard::Guard;
use crate::stop::Stop;

/// The child's output, read at once so that a full pipe never stops it. Ends with the output.
pub(super) fn lines_of(child: &mut Child) -> Result<Receiver<String>> {
    let output = child.stdout.take().context("the output is not a pipe")?;
    let (tell, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(std::io::Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    Ok(lines)
}

/// As [`lines_of`]; each line is also copied to `log`, which goes on when nobody takes the lines any more.
pub(super) fn logged_lines_of(child: &mut Child, mut log: File) -> Result<Receiver<String>> {
    let lines = lines_of(child)?;
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for line in lines {
            if writeln!(log, "{line}").is_err() {
                return;
            }
            // Fails once the start is over and the receiver gone.
            let _ = tell.send(line);
        }
    });
    Ok(told)
}

/// Waits until `is_last` says so of a line; it sees every line.
///
/// # Errors
/// The child ended before, the limit passed, or somebody asked to stop.
pub(super) fn wait_for_line(
    (name, guard): (&str, &mut Guard),
    lines: &Receiver<String>,
    (limit, stop): (Duration, &Stop),
    mut is_last: impl FnMut(&str) -> bool,
) -> Result<()> {
    stop.wait_for(name, limit, || {
        loop {
            match lines.try_recv() {
                Ok(line) if is_last(&line) => return Ok(true),
                Ok(_) => {}
                Err(TryRecvError::Empty) => return Ok(false),
                Err(TryRecvError::Disconnected) => match guard.ended()? {
                    Some(status) => bail!("{name} ended while starting ({status})"),
                    None => return Ok(false),
                },
            }
        }
    })
}
