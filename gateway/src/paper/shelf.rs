//! The folder of sheets: whole files only, the newest under a name that does not change, old ones thrown away.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Sheets kept of each language: two hours at one in five minutes.
const KEPT: usize = 24;
/// Name of the newest.
const NEWEST: &str = "newest";

/// The folder.
#[derive(Debug)]
pub(super) struct Shelf(PathBuf);

impl Shelf {
    /// Makes the folder where it is missing. Sheets name people and their numbers: nobody else may look.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        Ok(Self(dir.to_owned()))
    }

    /// Writes a page of each (language tag, HTML) as `NAME.TAG.html` and as `newest.TAG.html`, and forgets the oldest.
    pub(super) fn put(&self, name: &str, pages: &[(&str, String)]) -> io::Result<()> {
        for (tag, html) in pages {
            self.write(&format!("{name}.{tag}.html"), html)?;
            self.write(&format!("{NEWEST}.{tag}.html"), html)?;
            self.forget(tag)?;
        }
        Ok(())
    }

    /// A reader sees the file before or the file after, never half of one.
    fn write(&self, name: &str, html: &str) -> io::Result<()> {
        let draft = self.0.join(format!(".{name}.draft"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(html.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, self.0.join(name))
    }

    fn forget(&self, tag: &str) -> io::Result<()> {
        let suffix = format!(".{tag}.html");
        let mut names: Vec<String> = fs::read_dir(&self.0)?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(&suffix) && is_dated(name))
            .collect();
        // Names begin with the time.
        names.sort_unstable_by(|a, b| b.cmp(a));
        for name in names.iter().skip(KEPT) {
            fs::remove_file(self.0.join(name))?;
        }
        Ok(())
    }
}

/// Only what was written here is ever thrown away.
fn is_dated(name: &str) -> bool {
    name.split('.')
        .next()
        .is_some_and(|stem| chrono::NaiveDateTime::parse_from_str(stem, "%Y-%m-%dT%H%M%S").is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn the_newest_has_its_own_name_and_nobody_else_reads_it() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("a/paper");
        let shelf = Shelf::open(&dir).unwrap();
        for (minute, html) in [(10, "one"), (15, "two")] {
            let page = [("en", html.to_owned())];
            shelf.put(&format!("2026-11-27T08{minute}00"), &page).unwrap();
        }
        assert_eq!(
            names(&dir),
            [
                "2026-11-27T081000.en.html",
                "2026-11-27T081500.en.html",
                "newest.en.html"
            ]
        );
        assert_eq!(fs::read_to_string(dir.join("newest.en.html")).unwrap(), "two");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        assert_eq!(mode(&dir.join("newest.en.html")), 0o600);
    }

    #[test]
    fn old_sheets_go_and_what_is_not_ours_stays() {
        let home = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(home.path()).unwrap();
        fs::write(home.path().join("notes.en.html"), "by hand").unwrap();
        for minute in 0..30 {
            let pages = [("en", String::new()), ("zh-CN", String::new())];
            shelf.put(&format!("2026-11-27T08{minute:02}00"), &pages).unwrap();
        }
        let left = names(home.path());
        assert_eq!(left.len(), 2 * (KEPT + 1) + 1);
        assert!(left.contains(&"notes.en.html".to_owned()));
        assert!(!left.contains(&"2026-11-27T080500.en.html".to_owned()));
        assert!(left.contains(&"2026-11-27T080600.zh-CN.html".to_owned()));
    }
}
