//! An ordered list of phase numbers in one word.

use std::fmt;
use std::str::FromStr;

/// The phases at one end of a device or of a load, in order: 1 to 21 different numbers from 1 to 63. Circuits on
/// one pole with neutrals and messengers of their own need that many.
///
/// The order matters where two ends carry the same phases: the first passes to the first, and so on.
/// Written as digits without a separator (`123`), which no spreadsheet takes for a number to round; a
/// number above 9 in brackets (`12(10)`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Phases(u128);

/// Why a list is no [`Phases`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhasesError {
    /// No phase at all.
    Empty,
    /// More than 21.
    TooMany,
    /// Not a number from 1 to 63.
    NotAPhase,
    /// The same phase twice.
    Repeated,
}

impl fmt::Display for PhasesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PhasesError::Empty => "no phase is given; write at least one, like 123",
            PhasesError::TooMany => "more than 21 phases; write at most 21",
            PhasesError::NotAPhase => "a phase is a number from 1 to 9, or in brackets up to 63; write them in a row, like 123 or 12(10)",
            PhasesError::Repeated => "a phase is given twice; write each once",
        })
    }
}

impl std::error::Error for PhasesError {}

impl Phases {
    const MAX: usize = 21;
    const GREATEST: u8 = 63;
    const BITS: u32 = 6;

    /// # Errors
    /// Says which rule of the list is broken.
    pub fn new(list: &[u8]) -> Result<Phases, PhasesError> {
        match list.len() {
            0 => return Err(PhasesError::Empty),
            n if n > Self::MAX => return Err(PhasesError::TooMany),
            _ => {}
        }
        let mut packed = 0;
        let mut seen = 0_u64;
        for (k, &phase) in list.iter().enumerate() {
            if !(1..=Self::GREATEST).contains(&phase) {
                return Err(PhasesError::NotAPhase);
            }
            if seen & (1 << phase) != 0 {
                return Err(PhasesError::Repeated);
            }
            seen |= 1 << phase;
            packed |= u128::from(phase) << (k as u32 * Self::BITS);
        }
        Ok(Phases(packed))
    }

    /// The phases in order.
    pub fn iter(self) -> impl Iterator<Item = u8> + Clone {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let phase = (rest & 0x3f) as u8;
            rest >>= Self::BITS;
            (phase != 0).then_some(phase)
        })
    }

    /// One bit per phase: bit 1 for phase 1.
    pub(crate) fn mask(self) -> u64 {
        self.iter().fold(0, |mask, phase| mask | 1 << phase)
    }

    /// The phases of `mask`, ascending; none when it is empty or too full.
    pub(crate) fn from_mask(mask: u64) -> Option<Phases> {
        let list: Vec<u8> = (1..=Self::GREATEST)
            .filter(|phase| mask & (1 << phase) != 0)
            .collect();
        Phases::new(&list).ok()
    }
}

impl fmt::Display for Phases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|phase| match phase {
            0..=9 => write!(f, "{phase}"),
            _ => write!(f, "({phase})"),
        })
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
        let (mut list, mut rest) = (Vec::new(), text);
        while let Some(first) = rest.chars().next() {
            if list.len() == Self::MAX {
                return Err(PhasesError::TooMany);
            }
            let (number, behind) = match rest.strip_prefix('(') {
                Some(inner) => inner.split_once(')').ok_or(PhasesError::NotAPhase)?,
                None => rest.split_at(first.len_utf8()),
            };
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            let phase = number.parse().ok().filter(|_| is_number);
            list.push(phase.ok_or(PhasesError::NotAPhase)?);
            rest = behind;
        }
        Phases::new(&list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_order_and_reads_back() {
        for text in ["1", "123", "32", "123456789", "12(10)", "(63)1(11)"] {
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
            ("1234567891234567891234567", PhasesError::TooMany),
            ("10", PhasesError::NotAPhase),
            ("1(64)", PhasesError::NotAPhase),
            ("1(+2)", PhasesError::NotAPhase),
            ("1(2", PhasesError::NotAPhase),
            ("()", PhasesError::NotAPhase),
            ("A", PhasesError::NotAPhase),
            ("11", PhasesError::Repeated),
        ];
        for (text, error) in table {
            assert_eq!(text.parse::<Phases>(), Err(error), "{text}");
        }
    }
}
