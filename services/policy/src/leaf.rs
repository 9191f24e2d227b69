//! One number of a pack with what makes it checkable: unit, source, evidence, time.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};

/// Longest duration a leaf may state, days; longer ones are typing errors.
const LONGEST_D: i64 = 3_660;

/// What a leaf states, in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// A span of elapsed time (unit `s`, `min` or `h`).
    Duration(TimeDelta),
    /// A share of something else, 1 to 100 (unit `percent`).
    Percent(u8),
}

impl Quantity {
    /// Reads `value` in `unit`.
    ///
    /// # Errors
    /// In words what is wrong with the unit or the value.
    pub(crate) fn read(value: i64, unit: &str) -> Result<Self, String> {
        let span = match unit {
            "s" => TimeDelta::try_seconds(value),
            "min" => TimeDelta::try_minutes(value),
            "h" => TimeDelta::try_hours(value),
            "percent" => return percent(value),
            other => {
                return Err(format!(
                    "the unit {other:?} is not known; use s, min, h or percent"
                ));
            }
        };
        span.filter(|span| *span > TimeDelta::zero() && *span <= TimeDelta::days(LONGEST_D))
            .map(Self::Duration)
            .ok_or_else(|| format!("the value {value} {unit} is not between 0 and {LONGEST_D} days"))
    }
}

fn percent(value: i64) -> Result<Quantity, String> {
    u8::try_from(value)
        .ok()
        .filter(|share| (1..=100).contains(share))
        .map(Quantity::Percent)
        .ok_or_else(|| format!("the value {value} percent is not from 1 to 100"))
}

/// How well a number is founded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// Written in seed file 0 to 4.
    Seed(u8),
    /// Found in a copy of the text.
    Verified,
    /// Found in a secondary copy.
    Secondary,
    /// From memory, not confirmed.
    Memory,
    /// Our own proposal, nobody's rule.
    Proposal,
}

impl FromStr for Tag {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "S0" => Ok(Tag::Seed(0)),
            "S1" => Ok(Tag::Seed(1)),
            "S2" => Ok(Tag::Seed(2)),
            "S3" => Ok(Tag::Seed(3)),
            "S4" => Ok(Tag::Seed(4)),
            "V" => Ok(Tag::Verified),
            "V2" => Ok(Tag::Secondary),
            "M" => Ok(Tag::Memory),
            "P" => Ok(Tag::Proposal),
            other => Err(format!(
                "the tag {other:?} is not known; use S0 to S4, V, V2, M or P"
            )),
        }
    }
}

/// One number of a pack, for the time it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// What it states.
    pub quantity: Quantity,
    /// As the pack writes it, for people: `45 min`.
    pub words: String,
    /// Where the number comes from.
    pub source: String,
    /// How well it is founded.
    pub tag: Tag,
    /// First moment it holds.
    pub valid_from: DateTime<Utc>,
    /// First moment it no longer holds; none while it does.
    pub valid_to: Option<DateTime<Utc>>,
}

impl Leaf {
    /// Whether this is the rule of a case triggered at `at`.
    pub fn holds_at(&self, at: DateTime<Utc>) -> bool {
        self.valid_from <= at && self.valid_to.is_none_or(|end| at < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_read_in_its_unit_only() {
        let cases = [
            (90, "s", Ok(Quantity::Duration(TimeDelta::seconds(90)))),
            (45, "min", Ok(Quantity::Duration(TimeDelta::minutes(45)))),
            (24, "h", Ok(Quantity::Duration(TimeDelta::hours(24)))),
            (70, "percent", Ok(Quantity::Percent(70))),
            (45, "minutes", Err("not known")),
            (45, "", Err("not known")),
            (7, "d", Err("not known")),
            (0, "min", Err("not between")),
            (-1, "h", Err("not between")),
            (i64::MAX, "h", Err("not between")),
            (101, "percent", Err("1 to 100")),
            (0, "percent", Err("1 to 100")),
        ];
        for (value, unit, expected) in cases {
            match (Quantity::read(value, unit), expected) {
                (Ok(read), Ok(right)) => assert_eq!(read, right, "{value} {unit}"),
                (Err(said), Err(part)) => assert!(said.contains(part), "{value} {unit}: {said}"),
                (read, expected) => panic!("{value} {unit}: {read:?}, expected {expected:?}"),
            }
        }
    }
}
