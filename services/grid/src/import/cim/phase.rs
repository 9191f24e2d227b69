//! Phase words of CIM as phase numbers.

use crate::phases::Phases;

/// The numbers of `ABC`, `CBN`, `s1N`, `Ns2`, `s12`, `XY`, in that order, without the neutral.
///
/// # Errors
/// A letter that is no phase.
pub(super) fn numbers(word: &str) -> Result<Vec<u8>, String> {
    let mut numbers = Vec::new();
    let mut is_secondary = false;
    for letter in word.chars() {
        let number = match letter {
            // Phases that are not known are told apart only.
            'A' | 'a' | 'X' | 'x' => 1,
            'B' | 'b' | 'Y' | 'y' => 2,
            'C' | 'c' => 3,
            's' | 'S' => {
                is_secondary = true;
                continue;
            }
            '1' if is_secondary => 1,
            '2' if is_secondary => 2,
            'N' | 'n' => continue,
            _ => return Err(format!("{word:.40?} is no phase; write like ABCN or s1N")),
        };
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    Ok(numbers)
}

/// All three.
pub(super) fn all() -> Phases {
    Phases::new(&[1, 2, 3]).expect("three different numbers from 1 to 9")
}

/// Phases of a load in delta: one stands for the winding to the next, two for an open delta.
pub(super) fn in_delta(numbers: &[u8], is_secondary: bool) -> Vec<u8> {
    match numbers {
        [_] if is_secondary => vec![1, 2],
        [one] => vec![*one, one % 3 + 1],
        [_, _] if !is_secondary => vec![1, 2, 3],
        more => more.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_numbers_without_the_neutral() {
        let table: [(&str, &[u8]); 10] = [
            ("ABCN", &[1, 2, 3]),
            ("CB", &[3, 2]),
            ("BN", &[2]),
            ("s1N", &[1]),
            ("Ns2", &[2]),
            ("s12N", &[1, 2]),
            ("s1", &[1]),
            ("N", &[]),
            ("XYN", &[1, 2]),
            ("s2", &[2]),
        ];
        for (word, expected) in table {
            assert_eq!(numbers(word).as_deref(), Ok(expected), "{word}");
        }
        assert!(numbers("Q").is_err());
        assert!(numbers("1").is_err());
    }

    #[test]
    fn a_single_phase_in_delta_hangs_between_two() {
        assert_eq!(in_delta(&[1], false), [1, 2]);
        assert_eq!(in_delta(&[3], false), [3, 1]);
        assert_eq!(in_delta(&[1, 2], false), [1, 2, 3]);
        assert_eq!(in_delta(&[1], true), [1, 2]);
        assert_eq!(in_delta(&[1, 2], true), [1, 2]);
        assert_eq!(in_delta(&[1, 2, 3], false), [1, 2, 3]);
    }
}
