//! A module opens with what it promises: `//!` is the first line of every file under `src`.

use super::{Finding, House};

/// Files that open with something else.
pub(crate) fn check(house: &House) -> Vec<Finding> {
    let opens_bare = house
        .sources
        .iter()
        .filter(|source| !source.text.starts_with("//!"));
    opens_bare
        .map(|source| {
            Finding::new(
                &source.path,
                1,
                "open the file with `//!`: what it promises and how it fails",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::house;
    use super::*;

    #[test]
    fn a_file_without_a_word_is_found() {
        let files = [
            ("x", "x/src/a.rs", "//! Says why.\nfn a() {}"),
            ("x", "x/src/b.rs", "fn b() {}"),
        ];
        let found = check(&house(Vec::new(), &files));
        assert_eq!(found.len(), 1);
        assert!(found[0].path.ends_with("b.rs"));
    }
}
