//! A loaded pack and what can be asked of it.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::{
    AreaClass, Library,
    calendar::Calendar,
    clock::Clock,
    leaf::Leaf,
    load::{self, LoadError},
    quantity::{DayMode, Quantity, Recipients},
};

/// By when something must have happened, and when to worry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// When the clock started.
    pub started_at: DateTime<Utc>,
    /// `alarm.watch` of the limit has passed.
    pub watch_at: DateTime<Utc>,
    /// `alarm.at_risk` of the limit has passed.
    pub at_risk_at: DateTime<Utc>,
    /// The last moment in time; later is a breach.
    pub due_at: DateTime<Utc>,
    /// The rule in words: `CN-SGCC fault.arrival.urban 45 min`.
    pub rule: String,
}

/// No rule of the pack answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy pack {pack} has no rule {path} for {at}")]
pub struct NoRule {
    /// Id of the pack.
    pub pack: String,
    /// Dotted path asked for.
    pub path: String,
    /// The moment asked about.
    pub at: DateTime<Utc>,
}

/// The rules of one jurisdiction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) zone: Tz,
    pub(crate) currency: String,
    pub(crate) calendar: Option<Calendar>,
    /// Dotted path -> periods in order of time.
    pub(crate) leaves: BTreeMap<String, Vec<Leaf>>,
}

impl Pack {
    /// The pack of this name that is part of the program, with overlays when the name says so: `CN-CSG+CN-LOCAL-1H`.
    ///
    /// # Errors
    /// [`LoadError::Unknown`] with the names there are; the others when the pack is broken.
    pub fn load(name: &str) -> Result<Self, LoadError> {
        Library::shipped().load(name)
    }

    /// The names [`Pack::load`] knows, packs first, then each overlay over the packs it is written for.
    pub fn names() -> Vec<String> {
        Library::shipped().names()
    }

    /// Every fault of one file: a pack, an overlay (over each pack it names) or a calendar.
    ///
    /// # Errors
    /// [`LoadError::Syntax`] or every fault at once.
    pub fn check(text: &str) -> Result<(), LoadError> {
        Library::shipped().check(text)
    }

    /// Reads the text of a pack.
    ///
    /// # Errors
    /// [`LoadError::Syntax`] or every fault at once.
    pub fn read(text: &str) -> Result<Self, LoadError> {
        load::read(&Library::shipped(), text, &[])
    }

    /// Id, such as `CN-SGCC`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Zone of the jurisdiction; a supply point's own wins.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// ISO 4217 code of the money people owe there, such as `CNY`; empty when the pack speaks of no money.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// The day of the last change of any rule that is not after `at`.
    pub(crate) fn changed_on(&self, at: DateTime<Utc>) -> Option<NaiveDate> {
        let edges = self
            .leaves
            .values()
            .flatten()
            .flat_map(|leaf| [Some(leaf.valid_from), leaf.valid_to]);
        let last = edges.flatten().filter(|edge| *edge <= at).max()?;
        Some(last.with_timezone(&self.zone).date_naive())
    }

    /// Arrival limit of a report accepted at `accepted_at` at a supply point of class `area`.
    ///
    /// # Errors
    /// [`NoRule`] when the pack did not hold at that time.
    pub fn fault_arrival(&self, area: AreaClass, accepted_at: DateTime<Utc>) -> Result<Limit, NoRule> {
        self.limit(&format!("fault.arrival.{area}"), accepted_at)
    }

    /// The limit `path` for a clock started at `started_at`, with its alarms.
    ///
    /// # Errors
    /// [`NoRule`] when there is no such duration, or no alarm share, at that time.
    pub fn limit(&self, path: &str, started_at: DateTime<Utc>) -> Result<Limit, NoRule> {
        let leaf = self.leaf(path, started_at)?;
        let span = self.duration(path, started_at)?;
        let after = |percent: i32| later(started_at, span * percent / 100);
        Ok(Limit {
            started_at,
            watch_at: after(self.percent("alarm.watch", started_at)?.into()),
            at_risk_at: after(self.percent("alarm.at_risk", started_at)?.into()),
            due_at: later(started_at, span),
            rule: format!("{} {path} {}", self.id, leaf.words),
        })
    }

    /// The duration `path` (such as `dispatch.unit_take`) that rules a case triggered at `at`.
    ///
    /// # Errors
    /// [`NoRule`] when there is none at that time, or it is no duration.
    pub fn duration(&self, path: &str, at: DateTime<Utc>) -> Result<TimeDelta, NoRule> {
        match self.leaf(path, at)?.quantity {
            Quantity::Duration(span) => Ok(span),
            _ => Err(self.no_rule(path, at)),
        }
    }

    /// The share `path`, 1 to 100, that rules a case triggered at `at`.
    ///
    /// # Errors
    /// [`NoRule`] when there is none at that time, or it is no share.
    pub fn percent(&self, path: &str, at: DateTime<Utc>) -> Result<u8, NoRule> {
        match self.leaf(path, at)?.quantity {
            Quantity::Percent(share) => Ok(share),
            _ => Err(self.no_rule(path, at)),
        }
    }

    /// The last instant for something due within the span `path` of `from`, in a case ruled by the version of `ruled_at`. Working
    /// days of a year whose calendar is not announced are counted as dates: that is earlier.
    ///
    /// # Errors
    /// [`NoRule`] when there is none at that time, or it is no span.
    pub fn due(
        &self,
        path: &str,
        ruled_at: DateTime<Utc>,
        from: DateTime<Utc>,
        zone: Tz,
    ) -> Result<DateTime<Utc>, NoRule> {
        let clock = Clock {
            zone,
            calendar: self.calendar.as_ref(),
        };
        let span = &self.leaf(path, ruled_at)?.quantity;
        let counted = clock.within(span, from).or_else(|_| match *span {
            Quantity::Days(n, _) => clock.within(&Quantity::Days(n, DayMode::Calendar), from),
            _ => clock.within(span, from),
        });
        counted.map_err(|_| self.no_rule(path, ruled_at))
    }

    /// How often in a calendar year `path` (such as `planned.times.kv10`) allows something, for a case triggered at `at`.
    ///
    /// # Errors
    /// [`NoRule`] when there is none at that time, or it is no count.
    pub fn times_per_year(&self, path: &str, at: DateTime<Utc>) -> Result<u16, NoRule> {
        match self.leaf(path, at)?.quantity {
            Quantity::TimesPerYear(times) => Ok(times),
            _ => Err(self.no_rule(path, at)),
        }
    }

    /// How many days `path` (such as `planned.combine_within`) states, for a case triggered at `at`.
    ///
    /// # Errors
    /// [`NoRule`] when there is none at that time, or it is no number of days.
    pub fn days(&self, path: &str, at: DateTime<Utc>) -> Result<u16, NoRule> {
        match self.leaf(path, at)?.quantity {
            Quantity::Days(days, _) => Ok(days),
            _ => Err(self.no_rule(path, at)),
        }
    }

    /// Who a planned outage announced at `at` has to be told to one by one. A time without a rule leaves nobody out.
    pub fn told_individually(&self, at: DateTime<Utc>) -> Vec<Recipients> {
        let layers = self
            .leaves
            .iter()
            .filter(|(path, _)| path.starts_with("planned.individual."));
        let holding = layers.filter_map(|(_, periods)| periods.iter().find(|leaf| leaf.holds_at(at)));
        let classes: Vec<_> = holding
            .filter_map(|leaf| match leaf.quantity {
                Quantity::Recipients(class) => Some(class),
                _ => None,
            })
            .collect();
        if classes.is_empty() {
            vec![Recipients::All]
        } else {
            classes
        }
    }

    /// Working days and days off, where the pack names a calendar.
    pub fn calendar(&self) -> Option<&Calendar> {
        self.calendar.as_ref()
    }

    /// The leaf `path` with its source, for explaining.
    ///
    /// # Errors
    /// [`NoRule`] when there is none at that time.
    pub fn leaf(&self, path: &str, at: DateTime<Utc>) -> Result<&Leaf, NoRule> {
        self.leaves
            .get(path)
            .and_then(|periods| periods.iter().find(|leaf| leaf.holds_at(at)))
            .ok_or_else(|| self.no_rule(path, at))
    }

    fn no_rule(&self, path: &str, at: DateTime<Utc>) -> NoRule {
        NoRule {
            pack: self.id.clone(),
            path: path.to_owned(),
            at,
        }
    }
}

fn later(at: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(span).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::PACKS;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().expect("a test's own instant")
    }

    #[test]
    fn every_embedded_pack_loads_under_its_own_name() {
        for (name, _) in PACKS {
            assert_eq!(Pack::load(name).map(|pack| pack.id), Ok(name.to_owned()));
        }
        let said = Pack::load("CN-MOON").expect_err("no such pack").to_string();
        assert!(said.contains("CN-SGCC, CN-CSG, AU-NERR"), "{said}");
    }

    #[test]
    fn working_days_of_a_year_nobody_announced_are_counted_as_dates() {
        let pack = Pack::load("CN-SGCC").unwrap();
        let due = |from: &str| {
            let from = utc(from);
            pack.due("planned.archive_within", from, from, chrono_tz::Asia::Shanghai)
        };
        // A Thursday: Friday, Monday, Tuesday. In 2099 a Tuesday: three dates.
        assert_eq!(due("2026-03-05T04:00:00Z"), Ok(utc("2026-03-10T16:00:00Z")));
        assert_eq!(due("2099-03-03T04:00:00Z"), Ok(utc("2099-03-06T16:00:00Z")));
        let none = pack.due(
            "planned.start_window_of_another",
            utc("2026-03-05T04:00:00Z"),
            utc("2026-03-05T04:00:00Z"),
            pack.zone,
        );
        assert!(none.is_err());
    }

    #[test]
    fn arrival_is_limited_by_area_class() {
        let cases = [
            (
                "CN-SGCC",
                AreaClass::Urban,
                "45:00",
                "31:30",
                "40:30",
                "CN-SGCC fault.arrival.urban 45 min",
            ),
            (
                "CN-SGCC",
                AreaClass::Rural,
                "90:00",
                "63:00",
                "81:00",
                "CN-SGCC fault.arrival.rural 90 min",
            ),
            (
                "CN-SGCC",
                AreaClass::Remote,
                "120:00",
                "84:00",
                "108:00",
                "CN-SGCC fault.arrival.remote 120 min",
            ),
            (
                "CN-CSG",
                AreaClass::Urban,
                "45:00",
                "31:30",
                "40:30",
                "CN-CSG fault.arrival.urban 45 min",
            ),
        ];
        let start = utc("2026-11-22T01:02:03.000004Z");
        for (name, area, due, watch, risk, rule) in cases {
            let limit = Pack::load(name).unwrap().fault_arrival(area, start).unwrap();
            let after = |at: DateTime<Utc>| {
                let s = (at - start).num_seconds();
                format!("{}:{:02}", s / 60, s % 60)
            };
            assert_eq!(
                (
                    after(limit.due_at),
                    after(limit.watch_at),
                    after(limit.at_risk_at),
                    limit.rule.as_str()
                ),
                (due.to_owned(), watch.to_owned(), risk.to_owned(), rule)
            );
        }
    }

    #[test]
    fn the_small_clocks_of_the_desk() {
        let pack = Pack::load("CN-SGCC").unwrap();
        let at = utc("2026-11-22T00:00:00Z");
        let cases = [
            ("dispatch.unit_take", TimeDelta::minutes(3)),
            ("dispatch.crew_take", TimeDelta::minutes(3)),
            ("urge.window", TimeDelta::hours(2)),
        ];
        for (path, span) in cases {
            assert_eq!(pack.duration(path, at), Ok(span), "{path}");
        }
        assert!(pack.duration("alarm.watch", at).is_err());
        assert!(pack.percent("urge.window", at).is_err());
        assert!(
            pack.duration("etr.first", at).is_err(),
            "nothing asks for it, so it is not in force"
        );
        assert!(pack.duration("dispatch.unit_tke", at).is_err());
    }

    /// The rule is the one of the triggering moment, to the second, in the pack's own zone.
    #[test]
    fn the_version_valid_at_the_trigger_rules() {
        let pack = Pack::load("CN-SGCC").unwrap();
        let source = |at| pack.leaf("fault.arrival.urban", utc(at)).map(|leaf| leaf.tag);
        assert_eq!(source("2021-12-31T15:59:59Z"), Ok(crate::Tag::Seed(4)));
        assert_eq!(source("2021-12-31T16:00:00Z"), Ok(crate::Tag::Verified));
        assert!(
            pack.fault_arrival(AreaClass::Urban, utc("2005-10-31T15:59:59Z"))
                .is_err()
        );
    }

    #[test]
    fn a_clock_at_the_end_of_time_does_not_overflow() {
        let pack = Pack::load("CN-SGCC").unwrap();
        let limit = pack
            .fault_arrival(AreaClass::Urban, DateTime::<Utc>::MAX_UTC)
            .unwrap();
        assert_eq!(limit.due_at, DateTime::<Utc>::MAX_UTC);
    }
}
