//! Reads a calendar of working days and refuses gaps and days that cannot be.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, Weekday};
use serde::Deserialize;

use super::{Fault, LoadError};
use crate::{
    Tag,
    calendar::{Calendar, Year},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    #[expect(dead_code, reason = "a calendar must say for people what it is")]
    name: String,
    weekend: Vec<Weekday>,
    year: Vec<WrittenYear>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenYear {
    year: i32,
    source: String,
    tag: String,
    #[serde(default)]
    provisional: bool,
    /// Days or spans of days such as 2026-10-01/2026-10-07.
    holidays: Vec<String>,
    #[serde(default)]
    workdays: Vec<String>,
}

/// Reads the text of a calendar.
pub(crate) fn read_calendar(text: &str) -> Result<Calendar, LoadError> {
    let written: Written = toml::from_str(text)
        .map_err(|error| LoadError::Faults(vec![Fault::new("the calendar", error.message())]))?;
    let mut faults = Vec::new();
    let mut years = BTreeMap::new();
    for year in &written.year {
        let place = format!("year {}", year.year);
        match read_year(year, &written.weekend) {
            Ok(read) => {
                if years.insert(year.year, read).is_some() {
                    faults.push(Fault::new(place, "is there twice"));
                }
            }
            Err(problems) => faults.extend(problems.into_iter().map(|problem| Fault::new(&place, problem))),
        }
    }
    faults.extend(gaps(&years));
    if faults.is_empty() {
        Ok(Calendar {
            id: written.id,
            weekend: written.weekend,
            years,
        })
    } else {
        Err(LoadError::Faults(faults))
    }
}

/// Years between the first and the last that nobody wrote down.
fn gaps(years: &BTreeMap<i32, Year>) -> Vec<Fault> {
    let (Some(first), Some(last)) = (years.keys().next(), years.keys().last()) else {
        return vec![Fault::new("year", "a calendar without a year says nothing")];
    };
    (*first..=*last)
        .filter(|year| !years.contains_key(year))
        .map(|year| Fault::new(format!("year {year}"), "is missing between years that are there"))
        .collect()
}

fn read_year(written: &WrittenYear, weekend: &[Weekday]) -> Result<Year, Vec<String>> {
    let mut problems = Vec::new();
    if written.source.trim().is_empty() {
        problems.push("source must say who announced the days".to_owned());
    }
    if let Err(problem) = written.tag.parse::<Tag>() {
        problems.push(problem);
    }
    let holidays = days(&written.holidays, written.year, &mut problems);
    let workdays = days(&written.workdays, written.year, &mut problems);
    for day in &workdays {
        if holidays.contains(day) {
            problems.push(format!("{day} is a holiday and a workday"));
        } else if !weekend.contains(&day.weekday()) {
            problems.push(format!("{day} is no weekend day; a make-up workday is"));
        }
    }
    let year = Year {
        holidays,
        workdays,
        provisional: written.provisional,
    };
    if problems.is_empty() {
        Ok(year)
    } else {
        Err(problems)
    }
}

fn days(spans: &[String], year: i32, problems: &mut Vec<String>) -> BTreeSet<NaiveDate> {
    let mut all = BTreeSet::new();
    for text in spans {
        let (first, last) = text.split_once('/').unwrap_or((text, text));
        let (Ok(first), Ok(last)) = (first.parse::<NaiveDate>(), last.parse::<NaiveDate>()) else {
            problems.push(format!(
                "{text:?} is no day such as 2026-10-01 nor span such as 2026-10-01/2026-10-07"
            ));
            continue;
        };
        if first > last || first.year() != year || last.year() != year {
            problems.push(format!("{text:?} is not inside the year {year}"));
            continue;
        }
        for day in first.iter_days().take_while(|day| *day <= last) {
            if !all.insert(day) {
                problems.push(format!("{day} is there twice"));
            }
        }
    }
    all
}
