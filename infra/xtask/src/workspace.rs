//! Where things lie in this clone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::usage::usage;

/// One of our crates: a folder with a `Cargo.toml` that has a `[package]`.
#[derive(Debug, Clone)]
pub(crate) struct Crate {
    /// Name in `Cargo.toml`, such as `relight-dispatch`.
    pub(crate) name: String,
    /// Folder, absolute.
    pub(crate) dir: PathBuf,
    /// The parsed `Cargo.toml`.
    pub(crate) manifest: toml::Table,
}

impl Crate {
    /// Names under `[dependencies]`, as written.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = &str> {
        self.table("dependencies")
    }

    /// Names under `[dev-dependencies]`, as written.
    pub(crate) fn dev_dependencies(&self) -> impl Iterator<Item = &str> {
        self.table("dev-dependencies")
    }

    /// Names under `[build-dependencies]`, as written.
    pub(crate) fn build_dependencies(&self) -> impl Iterator<Item = &str> {
        self.table("build-dependencies")
    }

    /// Whether its code, tests aside, may use `name`.
    pub(crate) fn depends_on(&self, name: &str) -> bool {
        self.dependencies().any(|one| one == name)
    }

    fn table(&self, name: &str) -> impl Iterator<Item = &str> {
        self.manifest
            .get(name)
            .and_then(toml::Value::as_table)
            .into_iter()
            .flat_map(|t| t.keys().map(String::as_str))
    }
}

/// Root folder of the clone. `cargo run` says where this crate lies; otherwise the current folder decides.
pub(crate) fn root() -> Result<PathBuf> {
    let from = match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => std::env::current_dir().context("find the current folder")?,
    };
    from.ancestors()
        .find(|dir| is_root(dir))
        .map(Path::to_owned)
        .ok_or_else(|| usage("no Relight workspace here; run `cargo xtask` inside the clone"))
}

fn is_root(dir: &Path) -> bool {
    fs::read_to_string(dir.join("Cargo.toml")).is_ok_and(|text| text.contains("[workspace]\n"))
}

/// All crates of the workspace in the order of the root `Cargo.toml`.
pub(crate) fn crates(root: &Path) -> Result<Vec<Crate>> {
    let manifest = read_manifest(&root.join("Cargo.toml"))?;
    let members = manifest["workspace"]["members"]
        .as_array()
        .context("workspace.members is not a list")?;
    members
        .iter()
        .filter_map(toml::Value::as_str)
        .map(|member| read_crate(&root.join(member)))
        .collect()
}

fn read_crate(dir: &Path) -> Result<Crate> {
    let manifest = read_manifest(&dir.join("Cargo.toml"))?;
    let name = manifest
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(toml::Value::as_str)
        .with_context(|| format!("{} has no package.name", dir.display()))?;
    Ok(Crate {
        name: name.to_owned(),
        dir: dir.to_owned(),
        manifest: manifest.clone(),
    })
}

fn read_manifest(path: &Path) -> Result<toml::Table> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    text.parse()
        .with_context(|| format!("{} is not TOML", path.display()))
}

/// Every file below `dir` whose name ends in `.EXT`, sorted; hidden folders, `target` and `node_modules` left out.
pub(crate) fn files(dir: &Path, ext: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(dir, ext, &mut found).with_context(|| format!("list {}", dir.display()))?;
    found.sort();
    Ok(found)
}

fn collect(dir: &Path, ext: &str, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if entry.file_type()?.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                collect(&path, ext, found)?;
            }
        } else if path.extension().is_some_and(|e| e == ext) {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_and_lists_this_crate() -> Result<()> {
        let crates = crates(&root()?)?;
        assert!(
            crates
                .iter()
                .any(|one| one.name == "relight-xtask" && one.dir.ends_with("infra/xtask"))
        );
        Ok(())
    }

    #[test]
    fn files_skips_hidden_folders_and_builds() -> Result<()> {
        let dir = tempfile::tempdir()?;
        for path in ["a.rs", "src/b.rs", "target/c.rs", ".git/d.rs", "e.md"] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().expect("has a parent"))?;
            fs::write(path, "")?;
        }
        let found = files(dir.path(), "rs")?;
        assert_eq!(found, [dir.path().join("a.rs"), dir.path().join("src/b.rs")]);
        Ok(())
    }
}
