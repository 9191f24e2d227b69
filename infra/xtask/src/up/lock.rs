//! One `up` per clone at a time.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::usage::usage;

/// Takes the lock of the clone whose `.relight` folder is `dir`. It is free again when the file is closed, also when
/// this process is killed.
///
/// # Errors
/// Exit 2 with the holder's process number when somebody holds it.
pub(crate) fn take(dir: &Path) -> Result<File> {
    fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    let path = dir.join("up.lock");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(held(&mut file)),
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("lock {}", path.display()));
        }
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| write!(file, "{}", std::process::id()))?;
    Ok(file)
}

/// Whether somebody holds it.
pub(crate) fn is_held(dir: &Path) -> bool {
    File::open(dir.join("up.lock"))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn held(file: &mut File) -> anyhow::Error {
    let mut pid = String::new();
    let who = match file.read_to_string(&mut pid) {
        Ok(_) if !pid.is_empty() => format!("process {pid}"),
        _ => "another process".to_owned(),
    };
    usage(format!(
        "`cargo xtask up` of this clone already runs ({who}); stop it with Ctrl-C first"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_up_names_the_first() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let first = take(dir.path())?;
        assert!(is_held(dir.path()));
        let error = take(dir.path()).expect_err("held");
        assert!(
            error
                .to_string()
                .contains(&format!("process {}", std::process::id()))
        );
        drop(first);
        assert!(!is_held(dir.path()));
        take(dir.path()).map(drop)
    }
}
