//! One rule of a pack with what makes it checkable: value, unit, source, evidence, time.

use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::quantity::Quantity;

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
    /// One reading of a text that has several.
    Interpretation,
}

const TAGS: [(&str, Tag); 10] = [
    ("S0", Tag::Seed(0)),
    ("S1", Tag::Seed(1)),
    ("S2", Tag::Seed(2)),
    ("S3", Tag::Seed(3)),
    ("S4", Tag::Seed(4)),
    ("V", Tag::Verified),
    ("V2", Tag::Secondary),
    ("M", Tag::Memory),
    ("P", Tag::Proposal),
    ("I", Tag::Interpretation),
];

impl Tag {
    /// The tag as packs write it.
    pub fn word(self) -> &'static str {
        let known = TAGS.iter().find(|(_, tag)| *tag == self);
        known.map_or("S", |(word, _)| word)
    }
}

impl FromStr for Tag {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = TAGS.iter().find(|(known, _)| *known == word);
        known
            .map(|(_, tag)| *tag)
            .ok_or_else(|| format!("the tag {word:?} is not known; use S0 to S4, V, V2, M, P or I"))
    }
}

/// One rule of a pack, for the time it holds.
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
    /// False for what is not law yet, or whose text nobody has read: it is kept and checked, and decides nothing.
    pub in_force: bool,
}

impl Leaf {
    /// Whether this is a rule of a case triggered at `at`.
    pub fn holds_at(&self, at: DateTime<Utc>) -> bool {
        self.in_force && self.valid_from <= at && self.valid_to.is_none_or(|end| at < end)
    }

    /// Its source with the evidence tag, for answers.
    pub(crate) fn cited(&self) -> String {
        format!("{} [{}]", self.source, self.tag.word())
    }
}
