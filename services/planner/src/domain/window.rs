//! When supply is to end and to be back.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// An instant.
pub type Instant = DateTime<Utc>;

/// Shortest window: below this it is no planned work but a mistake in the form.
pub const SHORTEST: TimeDelta = TimeDelta::minutes(5);
/// Longest window. Longer work is planned in parts, each with a notice of its own.
pub const LONGEST: TimeDelta = TimeDelta::days(7);
/// How far ahead an outage is planned at most.
pub const AHEAD: TimeDelta = TimeDelta::days(400);

/// From switching off to supply being back, as told to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Supply ends, never earlier.
    pub off_at: Instant,
    /// Supply is back.
    pub on_at: Instant,
}

/// What is wrong with a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It ends before it begins, or at once.
    #[error("must be at least 5 minutes after off_at")]
    TooShort,
    /// It is longer than any one notice can cover.
    #[error("must be at most 7 days after off_at; plan longer work in parts")]
    TooLong,
    /// It begins in the past.
    #[error("must be in the future")]
    Past,
    /// It begins too far ahead.
    #[error("must be within 400 days")]
    TooFar,
}

impl Fault {
    /// The field that is wrong.
    pub fn field(self) -> &'static str {
        match self {
            Fault::TooShort | Fault::TooLong => "window.on_at",
            Fault::Past | Fault::TooFar => "window.off_at",
        }
    }
}

impl Window {
    /// A window to be planned at `now`.
    ///
    /// # Errors
    /// [`Fault`] naming the bound it breaks.
    pub fn plan(off_at: Instant, on_at: Instant, now: Instant) -> Result<Self, Fault> {
        if off_at <= now {
            return Err(Fault::Past);
        }
        if off_at - now > AHEAD {
            return Err(Fault::TooFar);
        }
        Self::spanning(off_at, on_at)
    }

    /// A window of a length that makes sense, wherever it lies.
    ///
    /// # Errors
    /// [`Fault::TooShort`], [`Fault::TooLong`].
    pub fn spanning(off_at: Instant, on_at: Instant) -> Result<Self, Fault> {
        let length = on_at - off_at;
        if length < SHORTEST {
            Err(Fault::TooShort)
        } else if length > LONGEST {
            Err(Fault::TooLong)
        } else {
            Ok(Self { off_at, on_at })
        }
    }

    /// Its length.
    pub fn length(&self) -> TimeDelta {
        self.on_at - self.off_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_nothing_of_400_days_or_of_yesterday_is_no_window() {
        let now: Instant = "2026-03-01T00:00:00Z".parse().unwrap();
        let plan = |off_h: i64, on_h: i64| {
            Window::plan(now + TimeDelta::hours(off_h), now + TimeDelta::hours(on_h), now)
        };
        let table = [
            (240, 240, Err(Fault::TooShort)),
            (240, 239, Err(Fault::TooShort)),
            (240, 240 + 400 * 24, Err(Fault::TooLong)),
            (240, 240 + 7 * 24 + 1, Err(Fault::TooLong)),
            (0, 4, Err(Fault::Past)),
            (-1, 4, Err(Fault::Past)),
            (401 * 24, 401 * 24 + 1, Err(Fault::TooFar)),
        ];
        for (off_h, on_h, expected) in table {
            assert_eq!(plan(off_h, on_h), expected, "{off_h} to {on_h}");
        }
        assert_eq!(plan(240, 248).map(|w| w.length()), Ok(TimeDelta::hours(8)));
    }
}
