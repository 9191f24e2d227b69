//! Random words for passwords of servers this program starts.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// 192 bits from the kernel, in hexadecimal.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0_u8; 24];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("read /dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The secret in `path`; made there first, readable by its owner only, when the file is absent.
pub(crate) fn read_or_make(path: &Path) -> Result<String> {
    if !path.exists() {
        write(path, &random()?)?;
    }
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    Ok(text.trim().to_owned())
}

/// Writes `text` to a new file with mode 0600.
fn write(path: &Path, text: &str) -> Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_reads_it() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("password");
        let first = read_or_make(&path)?;
        assert_eq!(first.len(), 48);
        assert_eq!(read_or_make(&path)?, first);
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        Ok(())
    }

    #[test]
    fn two_secrets_differ() -> Result<()> {
        assert_ne!(random()?, random()?);
        Ok(())
    }
}
