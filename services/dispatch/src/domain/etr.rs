//! Whose estimate of restoration holds (O19): a crew's own wins until it lapses.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Estimates further ahead are typing errors.
const FURTHEST: TimeDelta = TimeDelta::days(14);
/// The crew is asked again so long before its estimate lapses.
const PROMPT_BEFORE: TimeDelta = TimeDelta::minutes(15);

/// Who made an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The crew at the work.
    Crew,
    /// The control room.
    Dispatcher,
}

impl Source {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Source::Crew => "crew",
            Source::Dispatcher => "dispatcher",
        }
    }

    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Source::Crew, Source::Dispatcher]
            .into_iter()
            .find(|source| source.word() == word)
    }
}

/// An estimate that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// When supply is expected back.
    pub at: DateTime<Utc>,
    /// Who says so.
    pub source: Source,
}

/// Why an estimate is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The crew knows better.
    #[error("the crew's own estimate holds until {until}")]
    CrewKnows {
        /// When it lapses.
        until: DateTime<Utc>,
    },
    /// Not a time that can be promised.
    #[error("etr_at: must lie ahead, and at most 14 days")]
    OutOfRange,
    /// Nothing left to estimate.
    #[error("an order that is {state} has no estimate to set")]
    NothingToEstimate {
        /// Word of the state.
        state: &'static str,
    },
}

/// Whether `new` replaces `current` at `now`; `Ok(false)` when it says the same.
///
/// # Errors
/// [`Refusal::CrewKnows`], [`Refusal::OutOfRange`].
pub fn replaces(current: Option<Estimate>, new: Estimate, now: DateTime<Utc>) -> Result<bool, Refusal> {
    if new.at <= now || new.at > now + FURTHEST {
        return Err(Refusal::OutOfRange);
    }
    match current {
        Some(current) if current == new => Ok(false),
        Some(Estimate {
            at,
            source: Source::Crew,
        }) if new.source == Source::Dispatcher && at > now => Err(Refusal::CrewKnows { until: at }),
        _ => Ok(true),
    }
}

/// When the crew is asked whether its estimate still holds; none when the estimate is nearer than that.
pub fn prompt_at(etr_at: DateTime<Utc>, set_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    Some(etr_at - PROMPT_BEFORE).filter(|prompt| *prompt > set_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crews_estimate_wins_until_it_lapses() {
        let now: DateTime<Utc> = "2026-03-01T02:00:00Z".parse().expect("an instant");
        let at = |minutes, source| Estimate {
            at: now + TimeDelta::minutes(minutes),
            source,
        };
        use Source::{Crew, Dispatcher};
        let cases = [
            (None, at(60, Dispatcher), Ok(true)),
            (Some(at(60, Dispatcher)), at(60, Dispatcher), Ok(false)),
            (Some(at(60, Dispatcher)), at(90, Dispatcher), Ok(true)),
            (Some(at(60, Dispatcher)), at(60, Crew), Ok(true)),
            (Some(at(60, Crew)), at(90, Crew), Ok(true)),
            (
                Some(at(60, Crew)),
                at(90, Dispatcher),
                Err(Refusal::CrewKnows {
                    until: at(60, Crew).at,
                }),
            ),
            (Some(at(0, Crew)), at(90, Dispatcher), Ok(true)),
            (None, at(0, Crew), Err(Refusal::OutOfRange)),
            (None, at(14 * 24 * 60 + 1, Crew), Err(Refusal::OutOfRange)),
        ];
        for (current, new, expected) in cases {
            assert_eq!(replaces(current, new, now), expected, "{current:?} {new:?}");
        }
    }

    #[test]
    fn the_prompt_comes_a_quarter_of_an_hour_before_or_not_at_all() {
        let now: DateTime<Utc> = "2026-03-01T02:00:00Z".parse().expect("an instant");
        assert_eq!(
            prompt_at(now + TimeDelta::minutes(60), now),
            Some(now + TimeDelta::minutes(45))
        );
        assert_eq!(prompt_at(now + TimeDelta::minutes(15), now), None);
    }
}
