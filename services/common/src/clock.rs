//! The one source of time. Domain code never asks it: edges, timers and consumers do, and pass the instant in.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::error::{Error, Invalid};

/// Wall clock, or one that tests and the simulator move.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Shows what was set last.
    Held(Arc<Mutex<DateTime<Utc>>>),
    /// The machine's clock, moved by the seconds a file says: weeks pass at once for a whole running system (tests).
    Moved(Arc<Moved>),
}

/// A file with a whole number of seconds, and what it said last.
#[derive(Debug)]
pub struct Moved {
    file: PathBuf,
    said: Mutex<TimeDelta>,
}

impl Moved {
    /// What the file says now, so that nothing is ever dated by what it said before; while nobody can read it, what it
    /// said last.
    fn offset(&self) -> TimeDelta {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        *said = read(&self.file).unwrap_or(*said);
        *said
    }
}

/// `None` when it is not there or says no number of seconds that a date can be moved by.
fn read(file: &std::path::Path) -> Option<TimeDelta> {
    let seconds = std::fs::read_to_string(file).ok()?.trim().parse().ok()?;
    TimeDelta::try_seconds(seconds).filter(|by| by.abs() < TimeDelta::days(3_660))
}

impl Clock {
    /// A held clock showing `at`.
    pub fn held(at: DateTime<Utc>) -> Self {
        Clock::Held(Arc::new(Mutex::new(at)))
    }

    /// A clock moved by the seconds that `file` says, now and whenever it says others (`clock.offset_file`).
    ///
    /// # Errors
    /// [`Error::Invalid`] when it does not say a whole number of seconds, ten years at most.
    pub fn moved(file: PathBuf) -> Result<Self, Error> {
        let by = read(&file).ok_or_else(|| {
            Invalid::new(
                "clock.offset_file",
                "must be a file that says a whole number of seconds, ten years at most",
            )
        })?;
        let said = Mutex::new(by);
        Ok(Clock::Moved(Arc::new(Moved { file, said })))
    }

    /// The present instant, cut to microseconds so that it survives Postgres unchanged.
    pub fn now(&self) -> DateTime<Utc> {
        let now = match self {
            Clock::System => Utc::now(),
            Clock::Held(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
            Clock::Moved(moved) => Utc::now() + moved.offset(),
        };
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }

    /// Moves a held clock forward; the others move by themselves and ignore this.
    pub fn advance(&self, by: TimeDelta) {
        if let Clock::Held(at) = self {
            *at.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the clock is about `days` away from the machine's.
    fn is_at(clock: &Clock, days: i64) -> bool {
        (clock.now() - Utc::now() - TimeDelta::days(days)).abs() < TimeDelta::seconds(5)
    }

    #[test]
    fn a_file_moves_the_clock_both_ways_and_a_broken_one_leaves_it() -> anyhow::Result<()> {
        let folder = tempfile::TempDir::new()?;
        let file = folder.path().join("clock");
        assert!(Clock::moved(file.clone()).is_err(), "no file");
        std::fs::write(&file, "0\n")?;
        let clock = Clock::moved(file.clone())?;
        assert!(is_at(&clock, 0));
        std::fs::write(&file, "691200")?;
        assert!(is_at(&clock, 8));
        std::fs::write(&file, "soon")?;
        assert!(is_at(&clock, 8), "it keeps what it said last");
        std::fs::write(&file, "-86400")?;
        assert!(is_at(&clock, -1));
        std::fs::write(&file, "9999999999999")?;
        assert!(Clock::moved(file).is_err(), "no date is that far");
        Ok(())
    }
}
