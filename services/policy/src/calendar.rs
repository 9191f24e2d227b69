//! Working days and days off of a jurisdiction, year by year as its government announces them.
//!
//! A year that is not in the calendar is not known: no guess is made from weekdays alone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, Weekday};

/// The days of one announced year that differ from the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Year {
    /// Days off that the week would not give, and those inside a weekend.
    pub(crate) holidays: BTreeSet<NaiveDate>,
    /// Weekend days that are worked to make up for a long holiday.
    pub(crate) workdays: BTreeSet<NaiveDate>,
    /// Only what the law itself says; the government's arrangement is not out yet.
    pub(crate) provisional: bool,
}

/// A calendar of working days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    pub(crate) id: String,
    pub(crate) weekend: Vec<Weekday>,
    pub(crate) years: BTreeMap<i32, Year>,
}

impl Calendar {
    /// Id, such as `CN`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The first day it says anything about.
    pub(crate) fn begins_on(&self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(*self.years.keys().next()?, 1, 1)
    }

    /// Whether `day` is worked; `None` for a year the calendar does not have.
    pub fn is_business_day(&self, day: NaiveDate) -> Option<bool> {
        let year = self.years.get(&day.year())?;
        Some(
            year.workdays.contains(&day)
                || !(year.holidays.contains(&day) || self.weekend.contains(&day.weekday())),
        )
    }

    /// Whether the year of `day` is only what the law says, without the government's arrangement.
    pub fn is_provisional(&self, day: NaiveDate) -> bool {
        self.years.get(&day.year()).is_some_and(|year| year.provisional)
    }
}
