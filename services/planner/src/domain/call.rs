//! A call by telephone: which number, and whether anybody who counts was reached.

use uuid::Uuid;

/// What became of a call (domain.md P16, 5.5 no. 16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The customer, or who answers for them, was spoken to.
    Reached,
    /// Nobody picked up.
    NoAnswer,
    /// A child, or somebody else's number.
    WrongPerson,
    /// There is no such number.
    InvalidNumber,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 4] = [
        Outcome::Reached,
        Outcome::NoAnswer,
        Outcome::WrongPerson,
        Outcome::InvalidNumber,
    ];

    /// The word in the database and on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Reached => "reached",
            Outcome::NoAnswer => "no_answer",
            Outcome::WrongPerson => "wrong_person",
            Outcome::InvalidNumber => "invalid_number",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// A number as the registry sealed it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedNumber {
    /// Bound to the customer; only the registry opens it.
    pub bytes: Vec<u8>,
    /// Id of the key.
    pub key: String,
}

impl std::fmt::Debug for SealedNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedNumber({})", self.key)
    }
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its id.
    pub id: Uuid,
    /// The number, as the registry names it.
    pub contact: Uuid,
    /// The number itself.
    pub number: SealedNumber,
    /// What became of it.
    pub outcome: Outcome,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for one in Outcome::ALL {
            assert_eq!(Outcome::parse(one.word()), Some(one));
        }
        assert_eq!(Outcome::parse("answered"), None);
    }
}
