//! Area classes.

use std::fmt;

/// Area class of a supply point; rules the arrival limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AreaClass {
    /// Urban area.
    Urban,
    /// Countryside.
    Rural,
    /// Specially remote area.
    Remote,
}

impl AreaClass {
    /// All classes.
    pub const ALL: [AreaClass; 3] = [AreaClass::Urban, AreaClass::Rural, AreaClass::Remote];

    /// The word of the class in packs and tables.
    pub fn word(self) -> &'static str {
        match self {
            AreaClass::Urban => "urban",
            AreaClass::Rural => "rural",
            AreaClass::Remote => "remote",
        }
    }

    /// Reads the word of a class.
    pub fn parse(word: &str) -> Option<AreaClass> {
        AreaClass::ALL.into_iter().find(|class| class.word() == word)
    }
}

impl fmt::Display for AreaClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
