//! Clocks of an order: when to warn, when the limit is broken, what is told next.

use chrono::{DateTime, TimeDelta, Utc};
use relight_policy::Limit;

/// An alarm nobody acknowledged within this time climbs.
pub const CLIMB_AFTER: TimeDelta = TimeDelta::minutes(2);
/// Desk, supervisor, duty manager: higher it does not go.
pub const CLIMB_MAX: i16 = 2;

/// What a clock measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name {
    /// From acceptance to arrival at the work.
    Arrival,
    /// From the offer until the unit takes or returns it.
    UnitTake,
    /// From the offer until the crew takes it.
    CrewTake,
    /// Until a suspended order is looked at again.
    Review,
    /// Until the estimate lapses.
    Etr,
    /// Until a planned outage or a cut begins.
    Start,
    /// Until a customer who may have supply again has it.
    Reconnect,
}

impl Name {
    /// All of them.
    pub const ALL: [Name; 7] = [
        Name::Arrival,
        Name::UnitTake,
        Name::CrewTake,
        Name::Review,
        Name::Etr,
        Name::Start,
        Name::Reconnect,
    ];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Name::Arrival => "arrival",
            Name::UnitTake => "unit_take",
            Name::CrewTake => "crew_take",
            Name::Review => "review",
            Name::Etr => "etr",
            Name::Start => "start",
            Name::Reconnect => "reconnect",
        }
    }

    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }

    /// Whether its alarms climb until somebody acknowledges them. A prompt to the crew does not.
    pub fn climbs(self) -> bool {
        self != Name::Etr
    }
}

/// How near the limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Far.
    None,
    /// 70 % gone.
    Watch,
    /// 90 % gone.
    AtRisk,
    /// Past.
    Breach,
}

impl Level {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Level::None => "none",
            Level::Watch => "watch",
            Level::AtRisk => "at_risk",
            Level::Breach => "breach",
        }
    }

    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Level::None, Level::Watch, Level::AtRisk, Level::Breach]
            .into_iter()
            .find(|level| level.word() == word)
    }
}

/// The moments of one clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    /// Start.
    pub started_at: DateTime<Utc>,
    /// First warning, where there is one.
    pub watch_at: Option<DateTime<Utc>>,
    /// Second warning, where there is one.
    pub at_risk_at: Option<DateTime<Utc>>,
    /// The limit.
    pub due_at: DateTime<Utc>,
    /// Which rule set it.
    pub rule: String,
}

impl From<Limit> for Times {
    fn from(limit: Limit) -> Self {
        Self {
            started_at: limit.started_at,
            watch_at: Some(limit.watch_at),
            at_risk_at: Some(limit.at_risk_at),
            due_at: limit.due_at,
            rule: limit.rule,
        }
    }
}

impl Times {
    /// A clock without warnings before its end.
    pub fn plain(started_at: DateTime<Utc>, due_at: DateTime<Utc>, rule: impl Into<String>) -> Self {
        Self {
            started_at,
            watch_at: None,
            at_risk_at: None,
            due_at,
            rule: rule.into(),
        }
    }

    /// A clock that warns at 70 % and 90 % of its time.
    pub fn warning(started_at: DateTime<Utc>, due_at: DateTime<Utc>, rule: impl Into<String>) -> Self {
        let part = |tenths| started_at + (due_at - started_at) * tenths / 10;
        Self {
            watch_at: Some(part(7)),
            at_risk_at: Some(part(9)),
            ..Self::plain(started_at, due_at, rule)
        }
    }

    /// The level at `now`; the due moment itself is still in time until it has passed for a running clock, so a
    /// timer that fires exactly then already means nothing happened in time.
    pub fn level_at(&self, now: DateTime<Utc>) -> Level {
        let past = |at: Option<DateTime<Utc>>| at.is_some_and(|at| at <= now);
        if past(Some(self.due_at)) {
            Level::Breach
        } else if past(self.at_risk_at) {
            Level::AtRisk
        } else if past(self.watch_at) {
            Level::Watch
        } else {
            Level::None
        }
    }

    /// The level a clock stopped at `at` ends with: exactly on the limit is in time.
    pub fn level_when_stopped(&self, at: DateTime<Utc>) -> Level {
        if at == self.due_at {
            self.level_at(at - TimeDelta::microseconds(1))
        } else {
            self.level_at(at)
        }
    }

    /// When a timer has to look at this clock, whose alarms so far reached `level`; none after its end.
    pub fn look_at(&self, level: Level, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.level_at(now) > level {
            Some(now)
        } else {
            self.next_after(now)
        }
    }

    /// When the level rises next after `now`.
    pub fn next_after(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        [self.watch_at, self.at_risk_at, Some(self.due_at)]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .min()
    }
}

#[cfg(test)]
mod tests {
    use relight_policy::{AreaClass, Pack};

    use super::*;

    #[test]
    fn an_arrival_clock_warns_at_70_and_90_percent_and_breaks_at_its_limit() {
        let accepted: DateTime<Utc> = "2026-03-01T02:00:00Z".parse().expect("an instant");
        let pack = Pack::load("CN-SGCC").expect("part of the program");
        let limit = pack
            .fault_arrival(AreaClass::Urban, accepted)
            .expect("a rule of that day");
        let times = Times::from(limit);
        let at = |seconds| accepted + TimeDelta::seconds(seconds);
        let cases = [
            (0, Level::None, Some(1890)),
            (1889, Level::None, Some(1890)),
            (1890, Level::Watch, Some(2430)),
            (2430, Level::AtRisk, Some(2700)),
            (2699, Level::AtRisk, Some(2700)),
            (2700, Level::Breach, None),
        ];
        for (seconds, level, next) in cases {
            assert_eq!(times.level_at(at(seconds)), level, "{seconds}");
            assert_eq!(times.next_after(at(seconds)), next.map(at), "{seconds}");
        }
        assert_eq!(times.look_at(Level::None, at(0)), Some(at(1890)));
        assert_eq!(
            times.look_at(Level::None, at(5000)),
            Some(at(5000)),
            "entered late: alarm at once"
        );
        assert_eq!(times.look_at(Level::Breach, at(5000)), None);
        assert_eq!(times.level_when_stopped(at(2700)), Level::AtRisk);
        assert_eq!(times.level_when_stopped(at(2701)), Level::Breach);
    }

    #[test]
    fn a_warning_clock_warns_at_70_and_90_percent_also_when_it_is_late_already() {
        let start: DateTime<Utc> = "2026-03-01T02:00:00Z".parse().expect("an instant");
        let at = |minutes| start + TimeDelta::minutes(minutes);
        let times = Times::warning(start, at(100), "as announced");
        for (minutes, level) in [
            (69, Level::None),
            (70, Level::Watch),
            (90, Level::AtRisk),
            (100, Level::Breach),
        ] {
            assert_eq!(times.level_at(at(minutes)), level, "{minutes}");
        }
        let late = Times::warning(start, at(-5), "as announced");
        assert_eq!(late.look_at(Level::None, start), Some(start), "alarm at once");
        assert_eq!(late.level_at(start), Level::Breach);
    }

    #[test]
    fn words_are_read_back() {
        for name in Name::ALL {
            assert_eq!(Name::parse(name.word()), Some(name));
        }
        for level in [Level::None, Level::Watch, Level::AtRisk, Level::Breach] {
            assert_eq!(Level::parse(level.word()), Some(level));
        }
    }
}
