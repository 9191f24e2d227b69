//! Words that must not be in committed code: unfinished work, debug output, skipped tests, sleeping tests.

use super::rust::Source;
use super::{Finding, House};

/// (what, why not), looked for in code with comments and strings left out.
const EVERYWHERE: [(&str, &str); 4] = [
    ("todo!(", "what is not built is absent"),
    ("unimplemented!(", "what is not built is absent"),
    ("dbg!(", "debug output does not belong into the repository"),
    ("#[ignore", "a test runs or does not exist"),
];

/// Every such word.
pub(crate) fn check(house: &House) -> Vec<Finding> {
    house
        .sources
        .iter()
        .flat_map(|source| words(source).into_iter().chain(sleeps(source)))
        .collect()
}

fn words(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in source.code_lines() {
        let hits = EVERYWHERE.iter().filter(|(what, _)| line.contains(what));
        found.extend(hits.map(|(what, why)| Finding::new(&source.path, number, format!("`{what}`: {why}"))));
    }
    found
}

/// A test waits for a condition. A poll inside `wait_for`-like helpers lives in code that is not a test (testkit).
fn sleeps(source: &Source) -> Vec<Finding> {
    let from = if source.is_test_file() {
        1
    } else {
        source.tests_from()
    };
    source
        .code_lines()
        .filter(|(number, line)| *number >= from && line.contains("sleep("))
        .map(|(number, _)| {
            Finding::new(
                &source.path,
                number,
                "a test waits for a condition (testkit) or pauses the clock; it never sleeps",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::house;
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&house(Vec::new(), &[("x", path, text)]))
            .iter()
            .map(|one| one.line)
            .collect()
    }

    #[test]
    fn unfinished_work_is_found_and_talk_about_it_is_not() {
        let text =
            "fn a() { todo!() }\n// todo!() later\nlet b = \"dbg!(x)\";\ndbg!(b);\n#[ignore = \"slow\"]";
        assert_eq!(lines("x/src/a.rs", text), [1, 4, 5]);
    }

    #[test]
    fn a_test_may_not_sleep_and_other_code_may() {
        let text = "fn a() { sleep(d) }\n#[cfg(test)]\nmod tests { fn b() { sleep(d) } }";
        assert_eq!(lines("x/src/a.rs", text), [3]);
        assert_eq!(lines("x/tests/it/a.rs", text), [1, 3]);
    }
}
