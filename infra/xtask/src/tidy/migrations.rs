//! An applied migration is never edited. `infra/migrations.lock` holds the SHA-256 of every committed one; new ones
//! are written down by `tidy --bless`, old ones stay as they are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use super::{Finding, House};
use crate::workspace;

const LOCK: &str = "infra/migrations.lock";
/// Digits of the timestamp a name begins with.
const TIMESTAMP_DIGITS: usize = 14;

/// (path from the root, SHA-256 in hexadecimal).
type Sums = BTreeMap<String, String>;

/// Names without a timestamp or an opening comment, edited, lost and unwritten migrations.
pub(crate) fn check(house: &House) -> Result<Vec<Finding>> {
    let files = files(&house.root)?;
    let mut found: Vec<_> = files.iter().filter_map(|path| shape(&house.root, path)).collect();
    found.extend(compare(&read_lock(&house.root)?, &sums(&house.root, &files)?));
    Ok(found)
}

/// Adds the new migrations to the lock.
///
/// # Errors
/// One in the lock was edited or is gone: only a new migration can mend what it does.
pub(crate) fn bless(root: &Path) -> Result<()> {
    let now = sums(root, &files(root)?)?;
    let before = read_lock(root)?;
    if let Some((path, _)) = before.iter().find(|(path, sum)| now.get(*path) != Some(sum)) {
        bail!("{path} was edited or removed; restore it and write a new migration instead");
    }
    let mut text = String::new();
    for (path, sum) in &now {
        writeln!(text, "{sum}  {path}").expect("writing to a string");
    }
    fs::write(root.join(LOCK), text).with_context(|| format!("write {LOCK}"))?;
    println!(
        "{} migrations in {LOCK}, {} new",
        now.len(),
        now.len() - before.len()
    );
    Ok(())
}

fn compare(locked: &Sums, now: &Sums) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, sum) in locked {
        match now.get(path) {
            None => found.push(Finding::new(path, 0, "a committed migration is never removed")),
            Some(other) if other != sum => {
                found.push(Finding::new(
                    path,
                    0,
                    "a committed migration is never edited; write a new one",
                ));
            }
            Some(_) => {}
        }
    }
    let new = now.keys().filter(|path| !locked.contains_key(*path));
    found.extend(new.map(|path| Finding::new(path, 0, "new migration: run `cargo xtask tidy --bless`")));
    found
}

fn shape(root: &Path, path: &str) -> Option<Finding> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    if digits != TIMESTAMP_DIGITS || name.as_bytes().get(digits) != Some(&b'_') {
        return Some(Finding::new(path, 0, "name it YYYYMMDDhhmmss_what.sql"));
    }
    let text = fs::read_to_string(root.join(path)).unwrap_or_default();
    (!text.starts_with("-- ")).then(|| Finding::new(path, 1, "open it with a comment that says why"))
}

/// Paths of all migrations from the root: `services/NAME/migrations/*.sql`, not those tests make up.
fn files(root: &Path) -> Result<Vec<String>> {
    let base = root.join("services");
    let all = workspace::files(&base, "sql")?.into_iter();
    let migrations = all.filter(|path| {
        let dir = path.parent().filter(|dir| dir.ends_with("migrations"));
        dir.and_then(Path::parent).and_then(Path::parent) == Some(base.as_path())
    });
    Ok(migrations.map(|path| relative(root, path)).collect())
}

fn relative(root: &Path, path: PathBuf) -> String {
    path.strip_prefix(root).unwrap_or(&path).display().to_string()
}

fn sums(root: &Path, files: &[String]) -> Result<Sums> {
    files
        .iter()
        .map(|path| Ok((path.clone(), sum(&root.join(path))?)))
        .collect()
}

fn sum(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    Ok(Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn read_lock(root: &Path) -> Result<Sums> {
    let path = root.join(LOCK);
    if !path.exists() {
        return Ok(Sums::new());
    }
    let text = fs::read_to_string(&path).with_context(|| format!("read {LOCK}"))?;
    text.lines()
        .map(|line| {
            let (sum, path) = line
                .split_once("  ")
                .with_context(|| format!("{LOCK}: `{line}` is not `SUM  PATH`"))?;
            Ok((path.to_owned(), sum.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "services/x/migrations/20261122000001_a.sql";

    fn clone() -> Result<(tempfile::TempDir, House)> {
        let root = tempfile::tempdir()?;
        fs::create_dir_all(root.path().join("services/x/migrations"))?;
        fs::create_dir_all(root.path().join("infra"))?;
        fs::write(root.path().join(FIRST), "-- Why.\ncreate table a ();")?;
        fs::create_dir_all(root.path().join("services/x/tests/migrations"))?;
        fs::write(
            root.path().join("services/x/tests/migrations/1.sql"),
            "not a migration of ours",
        )?;
        let house = House {
            root: root.path().to_owned(),
            crates: Vec::new(),
            sources: Vec::new(),
        };
        Ok((root, house))
    }

    #[test]
    fn a_new_migration_is_blessed_once_and_then_fixed() -> Result<()> {
        let (root, house) = clone()?;
        assert!(check(&house)?[0].text.contains("--bless"));
        bless(root.path())?;
        assert_eq!(check(&house)?, []);

        fs::write(root.path().join(FIRST), "-- Why.\ncreate table b ();")?;
        assert!(check(&house)?[0].text.contains("never edited"));
        assert!(bless(root.path()).is_err());

        fs::remove_file(root.path().join(FIRST))?;
        assert!(check(&house)?[0].text.contains("never removed"));
        Ok(())
    }

    #[test]
    fn a_name_without_a_timestamp_and_a_file_without_a_reason_are_found() -> Result<()> {
        let (root, house) = clone()?;
        fs::write(root.path().join("services/x/migrations/0001_b.sql"), "-- Why.")?;
        fs::write(
            root.path().join("services/x/migrations/20261122000002_c.sql"),
            "create table c ();",
        )?;
        bless(root.path())?;
        let texts: Vec<_> = check(&house)?.into_iter().map(|one| one.text).collect();
        assert_eq!(
            texts,
            [
                "name it YYYYMMDDhhmmss_what.sql",
                "open it with a comment that says why"
            ]
        );
        Ok(())
    }
}
