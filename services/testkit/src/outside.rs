//! Data that no clone has: real networks and a real storm, in `shared/data` beside the repository. A test without its data
//! says so and ends, and leaves a line for `cargo xtask test`, which tells at its end how many did.

use std::{
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
};

/// Names the file for those lines; `cargo xtask test` sets it.
const NOTES: &str = "RELIGHT_TEST_SKIPPED";

/// A file or folder of the outside data, such as `networks`. None, said aloud, where it is absent.
///
/// # Panics
/// When the file for skipped tests cannot be written: a test that did nothing would pass unseen.
#[must_use]
pub fn outside(part: &str) -> Option<PathBuf> {
    let folder = folder();
    let path = folder.join(part);
    if path.exists() {
        return Some(path);
    }
    println!(
        "skipped: {} is not there (the data is not part of the repository)",
        path.display()
    );
    if let Some(notes) = std::env::var_os(NOTES) {
        note(Path::new(&notes), &test_name(), &folder).expect("the file for skipped tests can be written");
    }
    None
}

/// Where the data would be.
fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = here.ancestors().nth(3).unwrap_or(here);
    beside.join("shared/data")
}

/// One short line in one write, so that tests that run at once do not mix theirs.
fn note(notes: &Path, test: &str, folder: &Path) -> std::io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(notes)?;
    file.write_all(format!("{test}\t{}\n", folder.display()).as_bytes())
}

/// Binary and test. A test has a thread of its name, or, in a process of its own, its name as the first argument.
fn test_name() -> String {
    let binary = std::env::args().next().unwrap_or_default();
    let thread = std::thread::current().name().map(str::to_owned);
    let test = thread
        .filter(|name| name != "main")
        .or_else(|| std::env::args().skip(1).find(|one| !one.starts_with('-')));
    format!("{binary} {}", test.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_lies_beside_the_repository() {
        let root = folder()
            .parent()
            .and_then(Path::parent)
            .map(Path::to_owned)
            .unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(here.strip_prefix(root).unwrap().components().count(), 3);
    }

    #[test]
    fn each_skipped_test_leaves_a_line_with_its_name_and_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let notes = dir.path().join("skipped");
        for test in [test_name(), "it other".to_owned()] {
            note(&notes, &test, Path::new("/x")).unwrap();
        }
        let text = std::fs::read_to_string(&notes).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].contains("each_skipped_test_leaves_a_line") && lines[0].ends_with("\t/x"),
            "{text}"
        );
        assert_eq!(lines[1], "it other\t/x");
    }
}
