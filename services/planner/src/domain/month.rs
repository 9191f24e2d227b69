//! A month on the calendar of a place, as figures are asked for. Pure.

use chrono::{Days, Months, NaiveDate, TimeDelta};

use super::window::Instant;

/// One month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    first: NaiveDate,
}

impl Month {
    /// Reads `2026-03`; none when it is no month from 2000 to 2199.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits = |part: &str, n| part.len() == n && part.bytes().all(|byte| byte.is_ascii_digit());
        let known = digits(year, 4) && digits(month, 2);
        let first = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?;
        let years = NaiveDate::from_ymd_opt(2000, 1, 1)?..NaiveDate::from_ymd_opt(2200, 1, 1)?;
        (known && years.contains(&first)).then_some(Self { first })
    }

    /// Its first day, and that of the next month.
    pub fn days(self) -> (NaiveDate, NaiveDate) {
        let next = self.first.checked_add_months(Months::new(1));
        (self.first, next.expect("the years are bounded"))
    }

    /// Everything that is in the month somewhere on earth lies in here.
    pub fn around(self) -> (Instant, Instant) {
        let (first, next) = self.days();
        let at = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc();
        let next = next
            .checked_add_days(Days::new(1))
            .expect("the years are bounded");
        (at(first) - TimeDelta::days(1), at(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_four_digits_and_two() {
        for wrong in [
            "",
            "2026",
            "2026-3",
            "26-03",
            "2026-13",
            "2026-00",
            "1999-12",
            "2200-01",
            "+026-03",
            "2026-03-01",
        ] {
            assert_eq!(Month::parse(wrong), None, "{wrong}");
        }
        let december = Month::parse("2026-12").unwrap();
        let (first, next) = december.days();
        assert_eq!(
            (first.to_string(), next.to_string()),
            ("2026-12-01".to_owned(), "2027-01-01".to_owned())
        );
        let (from, until) = december.around();
        assert_eq!(from.to_rfc3339(), "2026-11-30T00:00:00+00:00");
        assert_eq!(until.to_rfc3339(), "2027-01-02T00:00:00+00:00");
    }
}
