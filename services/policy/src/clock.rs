//! Counting time as rules do: hours by elapsed time, days by dates in the zone of the supply point.
//!
//! Instants are UTC, so that a change of the clocks adds and removes nothing; only dates look at the zone.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::{
    calendar::Calendar,
    quantity::{DayMode, Quantity},
};

/// Why a span cannot be counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotCountable {
    /// No announced calendar for that time.
    #[error("the calendar {0} does not cover {1}")]
    NoYear(String, i32),
    /// The pack has no calendar at all.
    #[error("the pack names no calendar of working days")]
    NoCalendar,
    /// Later than time can be written.
    #[error("the time is out of range")]
    OutOfRange,
    /// The leaf is no span.
    #[error("the rule states no span of time")]
    NoSpan,
}

/// The zone and the calendar a case is counted in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock<'a> {
    pub(crate) zone: Tz,
    pub(crate) calendar: Option<&'a Calendar>,
}

type Counted<T> = Result<T, NotCountable>;

impl Clock<'_> {
    /// The local date of an instant.
    pub(crate) fn date(&self, at: DateTime<Utc>) -> NaiveDate {
        let offset = self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        // At the far ends of time there is no local date; the UTC date is within a day of it.
        let local = at.naive_utc().checked_add_offset(offset);
        local.map_or(at.date_naive(), |local| local.date())
    }

    /// The first instant of a local date.
    pub(crate) fn start_of(&self, day: NaiveDate) -> Counted<DateTime<Utc>> {
        self.local(day, NaiveTime::MIN)
    }

    /// The instant a local wall clock shows `time`: the first of two, or the first after a gap.
    pub(crate) fn local(&self, day: NaiveDate, time: NaiveTime) -> Counted<DateTime<Utc>> {
        let wall = day.and_time(time);
        // The longest gap so far was the day Samoa left out; steps of a minute meet every end of one.
        (0..=25 * 60)
            .filter_map(|minute| wall.checked_add_signed(TimeDelta::minutes(minute)))
            .find_map(|wall| self.zone.from_local_datetime(&wall).earliest())
            .map(|at| at.with_timezone(&Utc))
            .ok_or(NotCountable::OutOfRange)
    }

    /// First instant that is at least `span` after `from`.
    pub(crate) fn after(&self, span: &Quantity, from: DateTime<Utc>) -> Counted<DateTime<Utc>> {
        let day = self.date(from);
        match *span {
            Quantity::Duration(span) => later(from, span),
            Quantity::Days(n, DayMode::Calendar) => self.start_of(shifted(day, i64::from(n))?),
            Quantity::Days(n, DayMode::Clear) => self.start_of(shifted(day, i64::from(n) + 1)?),
            Quantity::Days(n, DayMode::Business) => {
                self.start_of(self.business_day(self.counted_from(day), n, 1)?)
            }
            Quantity::Days(n, DayMode::Strict) => {
                let elapsed = later(from, TimeDelta::days(n.into()))?;
                Ok(elapsed.max(self.start_of(shifted(day, i64::from(n))?)?))
            }
            _ => Err(NotCountable::NoSpan),
        }
    }

    /// Last second from which `to` is at least `span` away: the inverse of [`Clock::after`].
    pub(crate) fn before(&self, span: &Quantity, to: DateTime<Utc>) -> Counted<DateTime<Utc>> {
        let day = self.date(to);
        match *span {
            Quantity::Duration(span) => earlier(to, span),
            Quantity::Days(n, DayMode::Calendar) => self.last_second(shifted(day, -i64::from(n))?),
            Quantity::Days(n, DayMode::Clear) => self.last_second(shifted(day, -i64::from(n) - 1)?),
            Quantity::Days(n, DayMode::Business) => self.last_second(self.notice_day(day, n)?),
            Quantity::Days(n, DayMode::Strict) => {
                let elapsed = earlier(to, TimeDelta::days(n.into()))?;
                Ok(elapsed.min(self.last_second(shifted(day, -i64::from(n))?)?))
            }
            _ => Err(NotCountable::NoSpan),
        }
    }

    /// Last instant for something due within `span` of `from`: days run to their 24:00.
    pub(crate) fn within(&self, span: &Quantity, from: DateTime<Utc>) -> Counted<DateTime<Utc>> {
        let day = self.date(from);
        match *span {
            Quantity::Duration(span) => later(from, span),
            Quantity::Days(n, DayMode::Calendar | DayMode::Clear) => self.end_of(shifted(day, n.into())?),
            Quantity::Days(n, DayMode::Business) => self.end_of(self.business_day(day, n, 1)?),
            Quantity::Days(n, DayMode::Strict) => {
                let elapsed = later(from, TimeDelta::days(n.into()))?;
                Ok(elapsed.min(self.end_of(shifted(day, n.into())?)?))
            }
            _ => Err(NotCountable::NoSpan),
        }
    }

    /// From where working days after `day` are counted. Before its first year the calendar knows none, so none is counted:
    /// the later of the readings (O14), and a notice given even earlier carries no less.
    pub(crate) fn counted_from(&self, day: NaiveDate) -> NaiveDate {
        let first = self.calendar.and_then(Calendar::begins_on);
        first
            .and_then(|first| first.pred_opt())
            .map_or(day, |eve| day.max(eve))
    }

    /// Whether `day` is worked.
    pub(crate) fn is_business_day(&self, day: NaiveDate) -> Counted<bool> {
        let calendar = self.calendar.ok_or(NotCountable::NoCalendar)?;
        calendar
            .is_business_day(day)
            .ok_or_else(|| NotCountable::NoYear(calendar.id.clone(), day.year()))
    }

    /// Working days after `from` up to and including `to`.
    pub(crate) fn business_days_between(&self, from: NaiveDate, to: NaiveDate) -> Counted<usize> {
        let mut found = 0;
        let mut day = from;
        while day < to {
            day = shifted(day, 1)?;
            found += usize::from(self.is_business_day(day)?);
        }
        Ok(found)
    }

    /// 24:00 of a local date.
    pub(crate) fn end_of(&self, day: NaiveDate) -> Counted<DateTime<Utc>> {
        self.start_of(shifted(day, 1)?)
    }

    fn last_second(&self, day: NaiveDate) -> Counted<DateTime<Utc>> {
        earlier(self.end_of(day)?, TimeDelta::seconds(1))
    }

    /// The `n`th working day after `day` (`step` 1) or before it (`step` -1).
    fn business_day(&self, day: NaiveDate, n: u16, step: i64) -> Counted<NaiveDate> {
        let mut day = day;
        let mut left = n;
        while left > 0 {
            day = shifted(day, step)?;
            left -= u16::from(self.is_business_day(day)?);
        }
        Ok(day)
    }

    /// The last day from which `n` working days pass up to and including `day`.
    fn notice_day(&self, day: NaiveDate, n: u16) -> Counted<NaiveDate> {
        let first = if self.is_business_day(day)? { n - 1 } else { n };
        let counted_from = self.business_day(day, first, -1)?;
        shifted(counted_from, -1)
    }
}

/// `at` plus `span`, or out of range.
pub(crate) fn later(at: DateTime<Utc>, span: TimeDelta) -> Counted<DateTime<Utc>> {
    at.checked_add_signed(span).ok_or(NotCountable::OutOfRange)
}

/// `at` minus `span`, or out of range.
pub(crate) fn earlier(at: DateTime<Utc>, span: TimeDelta) -> Counted<DateTime<Utc>> {
    at.checked_sub_signed(span).ok_or(NotCountable::OutOfRange)
}

/// A date so many days on, or back.
pub(crate) fn shifted(day: NaiveDate, days: i64) -> Counted<NaiveDate> {
    let by = Days::new(days.unsigned_abs());
    let moved = if days < 0 {
        day.checked_sub_days(by)
    } else {
        day.checked_add_days(by)
    };
    moved.ok_or(NotCountable::OutOfRange)
}
