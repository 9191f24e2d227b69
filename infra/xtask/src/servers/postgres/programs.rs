//! Where the programs of Postgres are: `initdb`, `postgres`, `psql`, `pg_isready`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::usage::usage;

/// Folder with the server's programs: `RELIGHT_PG_BIN`, the version the data was made by, the newest installed.
pub(crate) fn find_bin(data: &Path) -> anyhow::Result<PathBuf> {
    if let Some(dir) = std::env::var_os("RELIGHT_PG_BIN") {
        return Ok(PathBuf::from(dir));
    }
    let made_by = fs::read_to_string(data.join("PG_VERSION")).ok();
    let found = choose_bin(
        installed(Path::new("/usr/lib/postgresql")),
        made_by.as_deref().map(str::trim),
    );
    found.or_else(pg_config_bin).ok_or_else(|| match made_by {
        Some(version) => usage(format!(
            "{} needs Postgres {}; install it or use --reset",
            data.display(),
            version.trim()
        )),
        None => usage("no Postgres server found; `apt-get install postgresql` or set RELIGHT_PG_BIN"),
    })
}

/// Whether a server can be started here.
pub(crate) fn is_installed() -> bool {
    find_bin(Path::new("")).is_ok()
}

/// (version, folder of the programs) for every version under `base`.
fn installed(base: &Path) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = fs::read_dir(base) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("postgres").exists().then_some((version, bin))
        })
        .collect()
}

fn choose_bin(installed: Vec<(u32, PathBuf)>, made_by: Option<&str>) -> Option<PathBuf> {
    match made_by {
        Some(wanted) => installed
            .into_iter()
            .find(|(version, _)| version.to_string() == wanted),
        None => installed.into_iter().max_by_key(|(version, _)| *version),
    }
    .map(|(_, bin)| bin)
}

/// Other systems than Debian have the programs where `pg_config` says.
fn pg_config_bin() -> Option<PathBuf> {
    let output = Command::new("pg_config")
        .arg("--bindir")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let bin = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    bin.join("initdb").exists().then_some(bin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions() -> Vec<(u32, PathBuf)> {
        vec![
            (15, "/p/15/bin".into()),
            (17, "/p/17/bin".into()),
            (9, "/p/9/bin".into()),
        ]
    }

    #[test]
    fn new_data_gets_the_newest_version_and_old_data_its_own() {
        assert_eq!(choose_bin(versions(), None), Some("/p/17/bin".into()));
        assert_eq!(choose_bin(versions(), Some("15")), Some("/p/15/bin".into()));
        assert_eq!(choose_bin(versions(), Some("16")), None);
    }
}
