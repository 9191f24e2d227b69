//! A network in any form: the form is seen from the content, and gzip is undone.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::fault::{Fault, Faults, OnBad};
use crate::import::{GZIP_MAGIC, Imported, TEXT_BYTES_MAX, cim, graph_json, gunzip, opendss};
use crate::network::Network;
use crate::pack::{read_network, read_pack_from};
use crate::snapshot;

/// Largest file on disk, bytes.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Reads the network at `path`: the folder of a CSV pack or any of its files, an OpenDSS script, CIM
/// RDF/XML, plain graph JSON or a snapshot, gzipped or not.
///
/// # Errors
/// Every fault of every file; with [`OnBad::Skip`] only what leaves no network.
pub fn open(path: &Path, on_bad: OnBad) -> Result<Imported, Faults> {
    if path.is_dir() {
        return pack(path, on_bad);
    }
    let name = path.display().to_string();
    let mut from = unpacked(path).map_err(|error| cannot_read(&name, &error))?;
    let begin = from
        .fill_buf()
        .map_err(|error| cannot_read(&name, &error))?
        .to_vec();
    match first_sign(&begin) {
        // CIM files are large and are read as they come.
        Some(b'<') => cim::read(&name, from, on_bad),
        Some(b'{' | b'[') => graph_json::read(&name, &rest(&name, from)?, on_bad),
        _ if begin.starts_with(b"relight-grid ") => snapshot::read(&rest(&name, from)?).map(Imported::from),
        _ if is_pack_file(path) => pack(path.parent().unwrap_or(Path::new(".")), on_bad),
        Some(_) => opendss::read(path, on_bad),
        None => Err(whole_file(&name, "the file is empty".to_owned())),
    }
}

/// The text of a file, unpacked on the way when it is gzipped.
fn unpacked(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(File::open(path)?);
    if file.fill_buf()?.starts_with(GZIP_MAGIC) {
        let text = MultiGzDecoder::new(file).take(TEXT_BYTES_MAX);
        return Ok(Box::new(BufReader::new(text)));
    }
    Ok(Box::new(file.take(TEXT_BYTES_MAX)))
}

fn rest(name: &str, mut from: impl Read) -> Result<Vec<u8>, Faults> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)
        .map_err(|error| cannot_read(name, &error))?;
    if bytes.len() as u64 == TEXT_BYTES_MAX {
        let problem = format!("larger than {} MiB when unpacked", TEXT_BYTES_MAX >> 20);
        return Err(whole_file(name, problem));
    }
    Ok(bytes)
}

/// The first byte that is no white space, behind a byte-order mark.
fn first_sign(bytes: &[u8]) -> Option<u8> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
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

/// A pack's service points are its loads; a folder without customers may give `load.csv` instead.
fn pack(folder: &Path, on_bad: OnBad) -> Result<Imported, Faults> {
    let mut file = |name: &str| pack_file(folder, name);
    let only_network =
        find_file(folder, "service_point.csv").is_none() && find_file(folder, "load.csv").is_some();
    if only_network {
        return read_network(&mut file, on_bad).map(|(network, skipped)| Imported {
            skipped,
            ..Imported::from(network)
        });
    }
    let (pack, skipped) = read_pack_from(&mut file, on_bad)?;
    Ok(Imported {
        skipped,
        ..Imported::from(pack.network())
    })
}

fn pack_file(folder: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
    let Some(path) = find_file(folder, name) else {
        return Ok(None);
    };
    gunzip(read_whole(&path)?).map(Some).map_err(io::Error::other)
}

fn find_file(folder: &Path, name: &str) -> Option<PathBuf> {
    [name.to_owned(), format!("{name}.gz")]
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.exists())
}

fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!(
            "larger than {} MiB",
            FILE_BYTES_MAX >> 20
        )));
    }
    Ok(bytes)
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
