//! A network in any form: the form is seen from the content, and gzip is undone.

use std::io::{self, Read};
use std::path::Path;

use crate::fault::{Fault, Faults, OnBad};
use crate::import::text::{self, Tell};
use crate::import::{Imported, cim, graph_json, opendss};
use crate::network::Network;
use crate::pack::network_in;
use crate::snapshot;

/// Reads the network at `path`: the folder of a CSV pack or any of its files, an OpenDSS script, CIM
/// RDF/XML, plain graph JSON or a snapshot, gzipped or not.
///
/// # Errors
/// Every fault of every file; with [`OnBad::Skip`] only what leaves no network.
pub fn open(path: &Path, on_bad: OnBad) -> Result<Imported, Faults> {
    open_telling(path, on_bad, &|_| {})
}

/// [`open`], telling how far large files are read.
///
/// # Errors
/// As [`open`].
pub fn open_telling(path: &Path, on_bad: OnBad, tell: Tell<'_>) -> Result<Imported, Faults> {
    if path.is_dir() {
        return pack(path, on_bad, tell);
    }
    let name = path.display().to_string();
    let mut from = text::open(path, tell).map_err(|error| cannot_read(&name, &error))?;
    let begin = from
        .fill_buf()
        .map_err(|error| cannot_read(&name, &error))?
        .to_vec();
    match first_sign(&begin) {
        // Large files are read as they come.
        Some(b'<') => cim::read(&name, from, on_bad),
        Some(b'{' | b'[') => graph_json::read_from(&name, from, on_bad),
        _ if begin.starts_with(b"relight-grid ") => snapshot::read(&rest(&name, from)?).map(Imported::from),
        _ if is_pack_file(path) => pack(path.parent().unwrap_or(Path::new(".")), on_bad, tell),
        Some(_) => opendss::read_telling(path, on_bad, tell),
        None => Err(whole_file(&name, "the file is empty".to_owned())),
    }
}

fn rest(name: &str, mut from: impl Read) -> Result<Vec<u8>, Faults> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)
        .map_err(|error| cannot_read(name, &error))?;
    Ok(bytes)
}

/// The first byte that is no white space.
fn first_sign(bytes: &[u8]) -> Option<u8> {
    bytes.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

fn is_pack_file(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    name.ends_with(".csv") || name.ends_with(".csv.gz")
}

fn pack(folder: &Path, on_bad: OnBad, tell: Tell<'_>) -> Result<Imported, Faults> {
    network_in(folder, on_bad, tell).map(|(network, skipped)| Imported {
        skipped,
        ..Imported::from(network)
    })
}

fn cannot_read(file: &str, error: &io::Error) -> Faults {
    whole_file(file, format!("cannot be read: {error}"))
}

fn whole_file(file: &str, problem: String) -> Faults {
    Faults(vec![Fault {
        file: file.to_owned(),
        line: None,
        column: None,
        problem,
    }])
}

impl From<Network> for Imported {
    fn from(network: Network) -> Imported {
        Imported {
            network,
            skipped: Vec::new(),
            notes: Vec::new(),
            aliases: Vec::new(),
        }
    }
}
