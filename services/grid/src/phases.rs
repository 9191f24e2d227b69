//! An ordered list of phase numbers in four bytes.

use std::fmt;
use std::str::FromStr;

/// The phases at one end of a device or of a load, in order: 1 to 8 different numbers from 1 to 9.
///
/// The order matters where two ends carry the same phases: the first passes to the first, and so on.
/// Written as digits without a separator (`123`), which no spreadsheet takes for a number to round.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Phases(u32);

/// Why a list is no [`Phases`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhasesError {
    /// No phase at all.
    Empty,
    /// More than 8.
    TooMany,
    /// Not a number from 1 to 9.
    NotAPhase,
    /// The same phase twice.
    Repeated,
}

impl fmt::Display for PhasesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PhasesError::Empty => "no phase is given; write at least one, like 123",
            PhasesError::TooMany => "more than 8 phases; write at most 8",
            PhasesError::NotAPhase => "a phase is a number from 1 to 9; write them in a row, like 123",
            PhasesError::Repeated => "a phase is given twice; write each once",
        })
    }
}

impl std::error::Error for PhasesError {}

impl Phases {
    const MAX: usize = 8;
    const BITS: u32 = 4;

    /// # Errors
    /// Says which rule of the list is broken.
    pub fn new(list: &[u8]) -> Result<Phases, PhasesError> {
        match list.len() {
            0 => return Err(PhasesError::Empty),
            n if n > Self::MAX => return Err(PhasesError::TooMany),
            _ => {}
        }
        let mut packed = 0;
        let mut seen = 0_u16;
        for (k, &phase) in list.iter().enumerate() {
            if !(1..=9).contains(&phase) {
                return Err(PhasesError::NotAPhase);
            }
            if seen & (1 << phase) != 0 {
                return Err(PhasesError::Repeated);
            }
            seen |= 1 << phase;
            packed |= u32::from(phase) << (k as u32 * Self::BITS);
        }
        Ok(Phases(packed))
    }

    /// The phases in order.
    pub fn iter(self) -> impl Iterator<Item = u8> + Clone {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let phase = (rest & 0xf) as u8;
            rest >>= Self::BITS;
            (phase != 0).then_some(phase)
        })
    }

    /// One bit per phase: bit 1 for phase 1.
    pub(crate) fn mask(self) -> u16 {
        self.iter().fold(0, |mask, phase| mask | 1 << phase)
    }

    /// The phases of `mask`, ascending; none when it is empty or too full.
    pub(crate) fn from_mask(mask: u16) -> Option<Phases> {
        let list: Vec<u8> = (1..=9).filter(|phase| mask & (1 << phase) != 0).collect();
        Phases::new(&list).ok()
    }
}

impl fmt::Display for Phases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|phase| write!(f, "{phase}"))
    }
}

impl fmt::Debug for Phases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phases({self})")
    }
}

impl FromStr for Phases {
    type Err = PhasesError;

    fn from_str(text: &str) -> Result<Phases, PhasesError> {
        if text.len() > Self::MAX * 4 {
            return Err(PhasesError::TooMany);
        }
        let digits = text.chars().map(|c| c.to_digit(10).map(|d| d as u8));
        Phases::new(
            &digits
                .collect::<Option<Vec<u8>>>()
                .ok_or(PhasesError::NotAPhase)?,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_order_and_reads_back() {
        for text in ["1", "123", "32", "12345678"] {
            assert_eq!(text.parse::<Phases>().unwrap().to_string(), text);
        }
        assert_eq!(
            "32".parse::<Phases>().unwrap().mask(),
            "23".parse::<Phases>().unwrap().mask()
        );
    }

    #[test]
    fn each_broken_rule_is_named() {
        let table = [
            ("", PhasesError::Empty),
            ("123456789", PhasesError::TooMany),
            ("10", PhasesError::NotAPhase),
            ("A", PhasesError::NotAPhase),
            ("11", PhasesError::Repeated),
        ];
        for (text, error) in table {
            assert_eq!(text.parse::<Phases>(), Err(error), "{text}");
        }
    }
}
