//! OpenDSS scripts: what they connect, not what flows.
//!
//! Understood: `clear`, `new`, `edit`, `more` and `~`, `redirect` and `compile`, `cd` and
//! `set datapath`, `Class.Name.Property=value`, `enable`, `disable`, `open`, `close`, `select`,
//! `batchedit`, `var` and `@variables`, `buscoords`, `latlongcoords`, `giscoords` and `setbusxy`,
//! comments, quoted values, commands and property names shortened as OpenDSS allows, positional values,
//! `like`. Lines, transformers (center-tapped, regulating and auto), series reactors and capacitors, power flow
//! controllers, loads and sources make the network; `swtcontrol`, `fuse`, `recloser` and `relay` make the device they
//! switch a switching device. A device is named `class.name`, in lower case.
//!
//! The state is that of OpenDSS after the script and a first solution, per terminal and conductor.
//!
//! Notes tell what was passed over or assumed: classes and properties that are not known, a code that is not defined
//! (the phases are then what the element says, or the nodes of its buses), an object to edit or to disable that
//! does not exist, coordinates that cannot be read. A fault with its line is what leaves in doubt what is connected:
//! a command that is not understood, an object to open that does not exist, a script that cannot be read.

mod circuit;
mod class;
mod command;
mod control;
mod device;
mod object;
mod script;
mod token;

use std::io;
use std::path::{Path, PathBuf};

use crate::fault::{Fault, Faults, OnBad};
use crate::import::Imported;
use crate::import::opendss::script::Script;
use crate::import::text::{self, Tell, Text};

/// Reads the script `entry` and what it redirects to, gzipped or not. File names are found in any case.
///
/// # Errors
/// Every fault of every file; with [`OnBad::Skip`] only a network that has no source left.
pub fn read(entry: &Path, on_bad: OnBad) -> Result<Imported, Faults> {
    read_telling(entry, on_bad, &|_| {})
}

/// [`read`], telling how far large files are read.
///
/// # Errors
/// As [`read`].
pub fn read_telling(entry: &Path, on_bad: OnBad, tell: Tell<'_>) -> Result<Imported, Faults> {
    let folder = entry
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let name = entry.file_name().map(PathBuf::from).unwrap_or_default();
    let mut file = |path: &Path| open_file(folder, path, tell);
    run(Script::new(&mut file).that_may_leave_its_folder(), &name, on_bad)
}

/// As [`read`], from anything that gives a file's bytes by its path relative to the entry's folder, which
/// a redirect may not leave.
///
/// # Errors
/// As [`read`].
pub fn read_from(
    file: &mut dyn FnMut(&Path) -> io::Result<Vec<u8>>,
    entry: &Path,
    on_bad: OnBad,
) -> Result<Imported, Faults> {
    let mut text =
        |path: &Path| file(path).map(|bytes| -> Text<'static> { Box::new(io::Cursor::new(bytes)) });
    run(Script::new(&mut text), entry, on_bad)
}

fn run(mut script: Script<'_, '_>, entry: &Path, on_bad: OnBad) -> Result<Imported, Faults> {
    script.run(entry);
    let (circuit, mut faults, notes) = script.finish();
    let mut imported = circuit.imported(&mut faults, notes);
    let name = imported.network.name.clone();
    faults.extend(imported.network.drop_bad(&name, |_| None));
    (imported.network, imported.skipped) = on_bad.judge(imported.network, faults)?;
    if imported.network.sources.is_empty() {
        return Err(Faults(imported.skipped));
    }
    Ok(imported)
}

/// Opens `path` below `folder`, in any case, as OpenDSS on its own system does.
fn open_file<'a>(folder: &Path, path: &Path, tell: Tell<'a>) -> io::Result<Text<'a>> {
    let mut at = folder.to_owned();
    for part in path.components() {
        at = in_any_case(&at, part.as_os_str().to_string_lossy().as_ref())?;
    }
    text::open(&at, tell)
}

fn in_any_case(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let exact = folder.join(name);
    if exact.exists() {
        return Ok(exact);
    }
    // `redirect lines` means lines.dss, and either may be packed.
    let wanted = name.to_lowercase();
    let wanted = [
        wanted.clone(),
        format!("{wanted}.dss"),
        format!("{wanted}.gz"),
        format!("{wanted}.dss.gz"),
    ];
    for entry in folder.read_dir()? {
        let entry = entry?;
        if wanted.contains(&entry.file_name().to_string_lossy().to_lowercase()) {
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

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} line {}", self.file, self.line)
    }
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
