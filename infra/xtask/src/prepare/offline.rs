//! Two folders of query descriptions: what sqlx just wrote, and what is committed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// What has to happen to the committed folder, by file name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// New, or with another content.
    written: Vec<String>,
    /// No query needs them any more.
    removed: Vec<String>,
    same: usize,
}

impl Changes {
    /// Every file that differs.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.written.iter().chain(&self.removed).map(String::as_str)
    }

    /// For people.
    pub(crate) fn summary(&self) -> String {
        format!(
            "{} written, {} removed, {} unchanged",
            self.written.len(),
            self.removed.len(),
            self.same
        )
    }
}

/// Compares the folders. Only a `complete` set of fresh files tells that others are no longer needed.
pub(crate) fn compare(fresh: &Path, committed: &Path, complete: bool) -> Result<Changes> {
    let fresh = read(fresh)?;
    let committed = read(committed)?;
    let mut changes = Changes::default();
    for (name, text) in &fresh {
        if committed.get(name) == Some(text) {
            changes.same += 1;
        } else {
            changes.written.push(name.clone());
        }
    }
    if complete {
        changes.removed = committed
            .into_keys()
            .filter(|name| !fresh.contains_key(name))
            .collect();
    }
    Ok(changes)
}

/// Does to `committed` what `changes` says.
pub(crate) fn take_over(fresh: &Path, committed: &Path, changes: &Changes) -> Result<()> {
    fs::create_dir_all(committed).with_context(|| format!("make {}", committed.display()))?;
    for name in &changes.written {
        fs::copy(fresh.join(name), committed.join(name)).with_context(|| format!("write {name}"))?;
    }
    for name in &changes.removed {
        fs::remove_file(committed.join(name)).with_context(|| format!("remove {name}"))?;
    }
    Ok(())
}

fn read(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    if !dir.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(dir).with_context(|| format!("list {}", dir.display()))? {
        let path = entry.with_context(|| format!("list {}", dir.display()))?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if name.starts_with("query-") {
            files.insert(
                name,
                fs::read(&path).with_context(|| format!("read {}", path.display()))?,
            );
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::{TempDir, tempdir};

    fn folder(files: &[(&str, &str)]) -> Result<TempDir> {
        let dir = tempdir()?;
        for (name, text) in files {
            fs::write(dir.path().join(name), text)?;
        }
        Ok(dir)
    }

    #[test]
    fn differences_are_found_taken_over_and_then_gone() -> Result<()> {
        let fresh = folder(&[
            ("query-a.json", "1"),
            ("query-b.json", "2"),
            ("query-c.json", "3"),
        ])?;
        let committed = folder(&[
            ("query-a.json", "1"),
            ("query-b.json", "old"),
            ("query-d.json", "4"),
        ])?;

        let changes = compare(fresh.path(), committed.path(), true)?;
        assert_eq!(changes.written, ["query-b.json", "query-c.json"]);
        assert_eq!(changes.removed, ["query-d.json"]);

        take_over(fresh.path(), committed.path(), &changes)?;
        assert_eq!(compare(fresh.path(), committed.path(), true)?.names().count(), 0);
        Ok(())
    }

    #[test]
    fn a_crate_that_did_not_compile_loses_nothing() -> Result<()> {
        let fresh = folder(&[])?;
        let committed = folder(&[("query-d.json", "4")])?;
        assert_eq!(compare(fresh.path(), committed.path(), false)?.names().count(), 0);
        Ok(())
    }
}
