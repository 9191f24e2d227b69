//! What is wrong with an input, in words that let its owner repair it.

use std::fmt;

/// One thing that is wrong in an input file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// File name as it was given.
    pub file: String,
    /// Line, counted from 1; none where the format has no useful lines.
    pub line: Option<u64>,
    /// Column or property; none where the whole row is meant.
    pub column: Option<String>,
    /// What is wrong, and what is right.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, " line {line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", {column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// Everything that is wrong in an input; never empty when returned as an error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults(pub Vec<Fault>);

/// How many faults `Display` writes out; the field has them all.
const SHOWN: usize = 20;

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fault(s) in the input", self.0.len())?;
        for fault in self.0.iter().take(SHOWN) {
            write!(f, "\n  {fault}")?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl std::error::Error for Faults {}

/// What an importer does about bad rows. It reports every one of them in both cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBad {
    /// One bad row and nothing is accepted.
    #[default]
    Refuse,
    /// Bad rows, and rows that refer to them, are left out.
    Skip,
}

impl OnBad {
    /// `accepted` with the faults of what was left out, or only the faults.
    pub(crate) fn judge<T>(self, accepted: T, faults: Vec<Fault>) -> Result<(T, Vec<Fault>), Faults> {
        match self {
            OnBad::Refuse if !faults.is_empty() => Err(Faults(faults)),
            OnBad::Refuse | OnBad::Skip => Ok((accepted, faults)),
        }
    }
}
