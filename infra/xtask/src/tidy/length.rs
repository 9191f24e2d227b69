//! A file that grew long has more than one noun in it.

use super::rust::Source;
use super::{Finding, House};

/// From here on a note says so.
const LONG_LINES: usize = 300;
/// From here on it must be split.
const TOO_LONG_LINES: usize = 500;

/// Files that must be split.
pub(crate) fn check(house: &House) -> Vec<Finding> {
    let too_long = house
        .sources
        .iter()
        .filter(|source| lines(source) > TOO_LONG_LINES);
    too_long
        .map(|source| {
            let text = format!(
                "{} lines; split it by noun (at most {TOO_LONG_LINES})",
                lines(source)
            );
            Finding::new(&source.path, 0, text)
        })
        .collect()
}

/// Files on their way there.
pub(crate) fn notes(house: &House) -> Vec<Finding> {
    let long = house
        .sources
        .iter()
        .filter(|source| (LONG_LINES + 1..=TOO_LONG_LINES).contains(&lines(source)));
    long.map(|source| Finding::new(&source.path, 0, format!("{} lines", lines(source))))
        .collect()
}

fn lines(source: &Source) -> usize {
    source.text.lines().count()
}

#[cfg(test)]
mod tests {
    use super::super::testing::house;
    use super::*;

    #[test]
    fn a_long_file_is_noted_and_a_too_long_one_refused() {
        let (long, too_long) = ("//\n".repeat(301), "//\n".repeat(501));
        let house = house(
            Vec::new(),
            &[
                ("x", "a.rs", "//\n"),
                ("x", "b.rs", &long),
                ("x", "c.rs", &too_long),
            ],
        );
        assert!(notes(&house)[0].path.ends_with("b.rs") && notes(&house).len() == 1);
        assert!(check(&house)[0].path.ends_with("c.rs") && check(&house).len() == 1);
    }
}
