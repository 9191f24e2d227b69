//! OpenDSS scripts: what they connect, not what flows.
//!
//! Understood: `clear`, `new`, `edit`, `more` and `~`, `redirect` and `compile` (inside the entry's
//! folder), `Class.Name.Property=value`, `enable`, `disable`, `open`, `close`, `select`, `buscoords` and
//! `latlongcoords`, comments, quoted values, property names shortened as OpenDSS allows, positional
//! values, `like`. Lines, transformers (center-tapped and regulating too), series reactors and
//! capacitors, loads and sources make the network; `swtcontrol`, `fuse`, `recloser` and `relay` make
//! the device they switch a switching device. Other classes and commands are passed over and counted
//! in the notes. A device is named `class.name`, in lower case.
//!
//! The model opens whole devices: a command that opens one conductor is a fault, not a guess.

mod circuit;
mod command;
mod object;
mod script;
mod token;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::fault::{Fault, Faults, OnBad};
use crate::import::Imported;

/// Largest file, bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Reads the script `entry` and what it redirects to, inside the folder of `entry`. File names are
/// found in any case.
///
/// # Errors
/// Every fault of every file; with [`OnBad::Skip`] only a network that has no source left.
pub fn read(entry: &Path, on_bad: OnBad) -> Result<Imported, Faults> {
    let folder = entry
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let name = entry.file_name().map(PathBuf::from).unwrap_or_default();
    read_from(&mut |path| read_file(folder, path), &name, on_bad)
}

/// As [`read`], from anything that gives a file's bytes by its path relative to the entry's folder.
///
/// # Errors
/// As [`read`].
pub fn read_from(
    file: &mut dyn FnMut(&Path) -> io::Result<Vec<u8>>,
    entry: &Path,
    on_bad: OnBad,
) -> Result<Imported, Faults> {
    let mut script = script::Script::new(file);
    script.run(entry);
    let (circuit, mut faults, mut notes) = script.finish();
    let mut network = circuit.network(&mut faults, &mut notes);
    faults.extend(network.drop_bad());
    let (network, skipped) = on_bad.judge(network, faults)?;
    if network.sources.is_empty() {
        return Err(Faults(skipped));
    }
    Ok(Imported {
        network,
        skipped,
        notes,
        aliases: Vec::new(),
    })
}

/// Opens `path` below `folder`, in any case, as OpenDSS on its own system does.
fn read_file(folder: &Path, path: &Path) -> io::Result<Vec<u8>> {
    let mut at = folder.to_owned();
    for part in path.components() {
        at = in_any_case(&at, part.as_os_str().to_string_lossy().as_ref())?;
    }
    let mut bytes = Vec::new();
    File::open(at)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!(
            "larger than {} MiB",
            FILE_BYTES_MAX >> 20
        )));
    }
    Ok(bytes)
}

fn in_any_case(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let exact = folder.join(name);
    if exact.exists() {
        return Ok(exact);
    }
    let wanted = name.to_lowercase();
    for entry in folder.read_dir()? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().to_lowercase() == wanted {
            return Ok(entry.path());
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Where in a script something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    file: std::rc::Rc<str>,
    line: u64,
}

impl Place {
    fn fault(&self, column: Option<&str>, problem: String) -> Fault {
        Fault {
            file: self.file.to_string(),
            line: Some(self.line),
            column: column.map(str::to_owned),
            problem,
        }
    }
}
