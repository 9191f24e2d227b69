//! Builds every service's schema in an empty database, in the order `relight migrate` does.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::servers::postgres::psql;
use crate::workspace;

/// For every service: its schema, the tables of `services/common` in it, then its own migrations.
pub(crate) fn apply(root: &Path, bin: &Path, url: &str) -> Result<()> {
    let shared = migrations(&root.join("services/common"))?;
    for (schema, dir) in services(root)? {
        psql(bin, url, |psql| {
            psql.args(["-c", &format!("create schema if not exists {schema}")])
        })?;
        for file in shared.iter().chain(&migrations(&dir)?) {
            apply_one(bin, url, &schema, file)?;
        }
    }
    Ok(())
}

/// One migration, all or nothing, with unqualified names meaning the service's schema.
fn apply_one(bin: &Path, url: &str, schema: &str, file: &Path) -> Result<()> {
    let path = format!("set search_path to {schema}");
    psql(bin, url, |psql| {
        psql.args(["--single-transaction", "-c", &path, "-f"]).arg(file)
    })
    .with_context(|| format!("apply {}", file.display()))
}

/// (schema, folder) of every service that has migrations, by name. `common` is not a service.
pub(crate) fn services(root: &Path) -> Result<Vec<(String, PathBuf)>> {
    let base = root.join("services");
    let mut found = Vec::new();
    for entry in fs::read_dir(&base).with_context(|| format!("list {}", base.display()))? {
        let entry = entry.with_context(|| format!("list {}", base.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != "common" && entry.path().join("migrations").is_dir() {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// The `.sql` files of one crate in the order of their timestamps.
fn migrations(dir: &Path) -> Result<Vec<PathBuf>> {
    let dir = dir.join("migrations");
    if dir.is_dir() {
        workspace::files(&dir, "sql")
    } else {
        Ok(Vec::new())
    }
}

/// The address of another database on the server of `url`.
pub(crate) fn sibling_url(url: &str, database: &str) -> String {
    let (address, query) = url
        .split_once('?')
        .map_or((url, None), |(address, query)| (address, Some(query)));
    let host_at = address.find("://").map_or(0, |at| at + 3);
    let host_end = address[host_at..]
        .find('/')
        .map_or(address.len(), |at| host_at + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{database}{query}", &address[..host_end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sibling_differs_in_the_database_alone() {
        assert_eq!(
            sibling_url("postgres://u:p@h:5/one", "two"),
            "postgres://u:p@h:5/two"
        );
        assert_eq!(sibling_url("postgres://u@h", "two"), "postgres://u@h/two");
        assert_eq!(
            sibling_url("postgres://u@h/one?a=b", "two"),
            "postgres://u@h/two?a=b"
        );
    }

    #[test]
    fn common_is_not_a_service_and_the_rest_come_by_name() -> Result<()> {
        let root = tempfile::tempdir()?;
        for name in ["registry", "common", "access"] {
            fs::create_dir_all(root.path().join("services").join(name).join("migrations"))?;
        }
        fs::create_dir_all(root.path().join("services/grid"))?;
        let names: Vec<_> = services(root.path())?.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["access", "registry"]);
        Ok(())
    }
}
