//! What a leaf may state, always in a unit: a bare number is no rule (5 days and 5 working days are not the same).

use chrono::{NaiveTime, TimeDelta};
use toml::Value;

use crate::words::words;

/// Longest span a leaf may state, days; longer ones are typing errors.
const LONGEST_D: i64 = 3_660;

/// What a leaf states, in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// A span of elapsed time (unit `s`, `min` or `h`), the same across a change of the clocks.
    Duration(TimeDelta),
    /// A number of days, counted as the mode says.
    Days(u16, DayMode),
    /// A share of something else, 1 to 100 (unit `percent`).
    Percent(u8),
    /// So many times in a calendar year (unit `times_per_year`).
    TimesPerYear(u16),
    /// An amount in hundredths (unit `CNY` or `AUD`, whole ones in the pack).
    Money(i64),
    /// A time of the local day (unit `time_of_day`).
    Time(NaiveTime),
    /// Days that come back every year, first and last as (month, day) (unit `yearly_dates`).
    YearlyDates((u32, u32), (u32, u32)),
    /// A kind of day in the pack's calendar (unit `day_kind`).
    DayKind(DayKind),
    /// Customers who are told individually (unit `recipients`).
    Recipients(Recipients),
    /// A fact without which the answer is no (unit `fact`).
    Fact(Fact),
    /// What a class, a hold or a change does (unit `effect`).
    Effect(Effect),
}

words! {
    /// How days are counted.
    DayMode {
        /// Local dates; the first day is not counted.
        Calendar = "calendar_days",
        /// Local dates; neither the first nor the last day is counted.
        Clear = "clear_days",
        /// Working days of the pack's calendar, make-up workdays included; the first day is not counted.
        Business = "business_days",
        /// n times 24 hours elapsed and n local dates apart, both.
        Strict = "strict_days",
    }
}

words! {
    /// A kind of day.
    DayKind {
        /// No working day: weekend or holiday, unless it is a make-up workday.
        Rest = "rest_day",
        /// The day before a rest day.
        RestEve = "rest_day_eve",
    }
}

words! {
    /// Customers a notice has to reach one by one.
    Recipients {
        /// Everybody affected.
        All = "all",
        /// Important customers.
        Important = "important",
        /// Those whose life hangs on supply.
        LifeSupport = "life_support",
        /// Those on a line of their own.
        DedicatedLine = "dedicated_line",
        /// Those with generation, storage or a second supply.
        OwnGeneration = "own_generation",
        /// Those supplied at high voltage, above 1 kV.
        HighVoltage = "high_voltage",
    }
}

words! {
    /// A fact a pack may insist on.
    Fact {
        /// The public announcement.
        PublishedAt = "published_at",
        /// The last individual notice.
        IndividualAt = "individual_at",
        /// The reminder.
        RemindedAt = "reminded_at",
        /// The stop time written on the notice.
        NotifiedStopAt = "notified_stop_at",
        /// The last warning before the stop.
        PreNoticedAt = "pre_noticed_at",
    }
}

words! {
    /// What a class or a hold does to switching off for arrears, or a change to a notice.
    Effect {
        /// Nothing.
        Allow = "allow",
        /// Never, and nobody may override it.
        Refuse = "refuse",
        /// Not before the authority has its copy and a manager approved.
        FileFirst = "file_first",
        /// Customers are told; the notice stays good.
        Inform = "inform",
        /// The notice is void; a new one with its full lead.
        NewNotice = "new_notice",
    }
}

impl Quantity {
    /// Reads `value` in `unit`.
    ///
    /// # Errors
    /// In words what is wrong with the unit or the value.
    pub(crate) fn read(value: &Value, unit: &str) -> Result<Self, String> {
        match unit {
            "s" | "min" | "h" => span(number(value, unit)?, unit),
            "percent" => within(number(value, unit)?, unit, 100).map(|n| Quantity::Percent(n as u8)),
            "times_per_year" => within(number(value, unit)?, unit, 366).map(Quantity::TimesPerYear),
            "CNY" | "AUD" => money(number(value, unit)?, unit),
            "time_of_day" => time(text(value, unit)?),
            "yearly_dates" => yearly(text(value, unit)?),
            "day_kind" => word(text(value, unit)?, DayKind::ALL, DayKind::word).map(Quantity::DayKind),
            "recipients" => {
                word(text(value, unit)?, Recipients::ALL, Recipients::word).map(Quantity::Recipients)
            }
            "fact" => word(text(value, unit)?, Fact::ALL, Fact::word).map(Quantity::Fact),
            "effect" => word(text(value, unit)?, Effect::ALL, Effect::word).map(Quantity::Effect),
            other => match DayMode::parse(other) {
                Some(mode) => days(number(value, unit)?, mode),
                None => Err(unknown(other)),
            },
        }
    }
}

fn unknown(unit: &str) -> String {
    format!(
        "the unit {unit:?} is not known; use s, min, h, calendar_days, clear_days, business_days, strict_days, percent, \
         times_per_year, CNY, AUD, time_of_day, yearly_dates, day_kind, recipients, fact or effect"
    )
}

fn number(value: &Value, unit: &str) -> Result<i64, String> {
    let wrong = || {
        format!(
            "the value must be a whole number of {unit}, not a {}",
            value.type_str()
        )
    };
    value.as_integer().ok_or_else(wrong)
}

fn text<'a>(value: &'a Value, unit: &str) -> Result<&'a str, String> {
    let wrong = || format!("the value must be a {unit} in quotes, not a {}", value.type_str());
    value.as_str().ok_or_else(wrong)
}

fn span(value: i64, unit: &str) -> Result<Quantity, String> {
    let span = match unit {
        "s" => TimeDelta::try_seconds(value),
        "min" => TimeDelta::try_minutes(value),
        _ => TimeDelta::try_hours(value),
    };
    span.filter(|span| *span > TimeDelta::zero() && *span <= TimeDelta::days(LONGEST_D))
        .map(Quantity::Duration)
        .ok_or_else(|| format!("the value {value} {unit} is not between 0 and {LONGEST_D} days"))
}

fn days(value: i64, mode: DayMode) -> Result<Quantity, String> {
    u16::try_from(value)
        .ok()
        .filter(|n| (1..=LONGEST_D).contains(&i64::from(*n)))
        .map(|n| Quantity::Days(n, mode))
        .ok_or_else(|| format!("the value {value} {mode} is not between 0 and {LONGEST_D} days"))
}

fn within(value: i64, unit: &str, most: u16) -> Result<u16, String> {
    u16::try_from(value)
        .ok()
        .filter(|n| (1..=most).contains(n))
        .ok_or_else(|| format!("the value {value} {unit} is not from 1 to {most}"))
}

fn money(value: i64, unit: &str) -> Result<Quantity, String> {
    value
        .checked_mul(100)
        .filter(|cents| *cents > 0)
        .map(Quantity::Money)
        .ok_or_else(|| format!("the value {value} {unit} is no amount above 0"))
}

fn time(text: &str) -> Result<Quantity, String> {
    NaiveTime::parse_from_str(text, "%H:%M")
        .map(Quantity::Time)
        .map_err(|_| format!("the value {text:?} is no time of day such as 08:00"))
}

fn yearly(text: &str) -> Result<Quantity, String> {
    let day = |text: &str| {
        let (month, day) = text.split_once('-')?;
        // A leap year, so that 02-29 is a day of the year.
        let date = chrono::NaiveDate::from_ymd_opt(2024, month.parse().ok()?, day.parse().ok()?)?;
        Some((chrono::Datelike::month(&date), chrono::Datelike::day(&date)))
    };
    text.split_once('/')
        .and_then(|(first, last)| Some(Quantity::YearlyDates(day(first)?, day(last)?)))
        .ok_or_else(|| format!("the value {text:?} is no span of days such as 12-20/12-31"))
}

fn word<T: Copy>(text: &str, all: &[T], spelt: fn(T) -> &'static str) -> Result<T, String> {
    let known = all.iter().copied().find(|known| spelt(*known) == text);
    known.ok_or_else(|| {
        let words: Vec<_> = all.iter().map(|known| spelt(*known)).collect();
        format!("the value {text:?} is not known; use {}", words.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_read_in_its_unit_only() {
        let n = Value::Integer;
        let t = |text: &str| Value::String(text.to_owned());
        let cases = [
            (n(90), "s", Ok(Quantity::Duration(TimeDelta::seconds(90)))),
            (n(45), "min", Ok(Quantity::Duration(TimeDelta::minutes(45)))),
            (n(24), "h", Ok(Quantity::Duration(TimeDelta::hours(24)))),
            (n(70), "percent", Ok(Quantity::Percent(70))),
            (n(7), "strict_days", Ok(Quantity::Days(7, DayMode::Strict))),
            (n(5), "business_days", Ok(Quantity::Days(5, DayMode::Business))),
            (n(300), "AUD", Ok(Quantity::Money(30_000))),
            (
                t("12-20/12-31"),
                "yearly_dates",
                Ok(Quantity::YearlyDates((12, 20), (12, 31))),
            ),
            (t("refuse"), "effect", Ok(Quantity::Effect(Effect::Refuse))),
            (n(45), "minutes", Err("not known")),
            (n(45), "", Err("not known")),
            (n(7), "d", Err("not known")),
            (n(7), "days", Err("not known")),
            (n(0), "min", Err("not between")),
            (n(-1), "h", Err("not between")),
            (n(i64::MAX), "h", Err("not between")),
            (n(0), "strict_days", Err("not between")),
            (n(70_000), "calendar_days", Err("not between")),
            (n(101), "percent", Err("1 to 100")),
            (n(0), "percent", Err("1 to 100")),
            (n(i64::MAX), "CNY", Err("no amount")),
            (t("7"), "strict_days", Err("not a string")),
            (n(8), "time_of_day", Err("not a integer")),
            (t("24:00"), "time_of_day", Err("08:00")),
            (t("12-20"), "yearly_dates", Err("12-20/12-31")),
            (t("13-01/13-02"), "yearly_dates", Err("12-20/12-31")),
            (t("sunday"), "day_kind", Err("rest_day_eve")),
        ];
        for (value, unit, expected) in cases {
            match (Quantity::read(&value, unit), expected) {
                (Ok(read), Ok(right)) => assert_eq!(read, right, "{value} {unit}"),
                (Err(said), Err(part)) => assert!(said.contains(part), "{value} {unit}: {said}"),
                (read, expected) => panic!("{value} {unit}: {read:?}, expected {expected:?}"),
            }
        }
    }
}
