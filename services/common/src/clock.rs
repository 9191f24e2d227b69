//! The one source of time. Domain code never asks it: edges, timers and consumers do, and pass the instant in.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// Wall clock, or a clock that stands still until it is told to move (tests, the simulator).
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Shows what was set last.
    Held(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// A held clock showing `at`.
    pub fn held(at: DateTime<Utc>) -> Self {
        Clock::Held(Arc::new(Mutex::new(at)))
    }

    /// The present instant, cut to microseconds so that it survives Postgres unchanged.
    pub fn now(&self) -> DateTime<Utc> {
        let now = match self {
            Clock::System => Utc::now(),
            Clock::Held(at) => *at.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
        };
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }

    /// Moves a held clock forward; a system clock moves by itself and ignores this.
    pub fn advance(&self, by: TimeDelta) {
        if let Clock::Held(at) = self {
            *at.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += by;
        }
    }
}
