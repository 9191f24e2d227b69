//! Skills that orders ask for, as bits: a recommendation compares sets for thousands of crews, not words.

use std::fmt;

use chrono::{DateTime, Utc};

/// The word of each bit. Where one of several is enough, people read them in this order.
const WORDS: [&str; 4] = ["planned_work", "fault_repair", "switching", "meter_work"];

/// A set of skills.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skills(u8);

impl Skills {
    /// Planned work is for crews with this skill, and for those that mend faults.
    pub const PLANNED_WORK: Self = Self(1);
    /// Every fault needs a crew with this skill.
    pub const FAULT_REPAIR: Self = Self(1 << 1);
    /// Faults at a station's breaker need this one too.
    pub const SWITCHING: Self = Self(1 << 2);
    /// Cuts and reconnections at the meter need this one.
    pub const METER_WORK: Self = Self(1 << 3);

    /// The skills among `words`; a word no order asks for changes no answer and is left out.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        words.into_iter().map(one).fold(Self(0), Self::or)
    }

    /// Both sets together.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both sets have.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn bits(self) -> impl Iterator<Item = usize> {
        (0..WORDS.len()).filter(move |bit| self.0 & (1 << bit) != 0)
    }
}

fn one(word: &str) -> Skills {
    let bit = WORDS.iter().position(|known| *known == word);
    Skills(bit.map_or(0, |bit| 1 << bit))
}

impl fmt::Display for Skills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.bits().map(|bit| WORDS[bit]).collect();
        f.write_str(&words.join(" or "))
    }
}

/// Per skill, until when at least one member is qualified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Qualified([Option<DateTime<Utc>>; WORDS.len()]);

impl Qualified {
    /// The latest end for each skill, from any number of qualifications.
    pub fn of<'a>(list: impl IntoIterator<Item = (&'a str, DateTime<Utc>)>) -> Self {
        let mut latest = Self::default();
        for (word, until) in list {
            for bit in one(word).bits() {
                latest.0[bit] = latest.0[bit].max(Some(until));
            }
        }
        latest
    }

    /// The latest end for any of the skills.
    pub fn until(&self, any_of: Skills) -> Option<DateTime<Utc>> {
        any_of.bits().filter_map(|bit| self.0[bit]).max()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn words_become_bits_and_read_as_words_again() {
        let some = Skills::of(["cable", "fault_repair", "planned_work"]);
        assert_eq!(some, Skills::FAULT_REPAIR.or(Skills::PLANNED_WORK));
        assert_eq!(some.to_string(), "planned_work or fault_repair");
        assert!(Skills::of(["cable"]).is_empty());
        for word in WORDS {
            assert_eq!(Skills::of([word]).to_string(), word);
        }
        assert_eq!(Skills::of(["switching"]), Skills::SWITCHING);
        assert_eq!(Skills::of(["meter_work"]), Skills::METER_WORK);
    }

    #[test]
    fn of_several_qualifications_the_latest_counts() {
        let (early, late) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + TimeDelta::days(1));
        let held = Qualified::of([("switching", late), ("switching", early), ("meter_work", early)]);
        assert_eq!(held.until(Skills::SWITCHING), Some(late));
        assert_eq!(
            held.until(Skills::METER_WORK.or(Skills::FAULT_REPAIR)),
            Some(early)
        );
        assert_eq!(held.until(Skills::FAULT_REPAIR), None);
    }
}
