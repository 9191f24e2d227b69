//! A network as one run of bytes, to be streamed between services: the CSV pack's network part with
//! `load.csv` for the loads (no names, no addresses), each file behind a line `[name] length`.

use std::collections::HashMap;
use std::io;

use crate::fault::{Fault, Faults, OnBad};
use crate::import::text::Text;
use crate::network::{Load, Network};
use crate::pack::{bytes_of, network_files, read_network};

const HEAD: &[u8] = b"relight-grid 1\n";

/// `network` as bytes.
///
/// # Errors
/// None in practice: it writes to memory.
pub fn write(network: &Network) -> io::Result<Vec<u8>> {
    let mut files = network_files(network)?;
    files.push(("load.csv", bytes_of::<Load>(&network.loads)?));
    let mut bytes = HEAD.to_vec();
    for (name, content) in files {
        bytes.extend_from_slice(format!("[{name}] {}\n", content.len()).as_bytes());
        bytes.extend_from_slice(&content);
    }
    Ok(bytes)
}

/// The network in `bytes`, with the checks of the CSV pack.
///
/// # Errors
/// A broken frame, or every fault of the files in it.
pub fn read(bytes: &[u8]) -> Result<Network, Faults> {
    let files = split(bytes).ok_or_else(|| {
        let problem = "not a grid snapshot: the frame is broken; ask for it again".to_owned();
        Faults(vec![Fault {
            file: "snapshot".to_owned(),
            line: None,
            column: None,
            problem,
        }])
    })?;
    let mut file = |name: &str| {
        let content = files.get(name).copied();
        Ok(content.map(|content| -> Text<'_> { Box::new(content) }))
    };
    read_network(&mut file, OnBad::Refuse).map(|(network, _)| network)
}

fn split(bytes: &[u8]) -> Option<HashMap<&str, &[u8]>> {
    let mut rest = bytes.strip_prefix(HEAD)?;
    let mut files = HashMap::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        let (name, length) = std::str::from_utf8(&rest[..end])
            .ok()?
            .strip_prefix('[')?
            .split_once("] ")?;
        let (content, after) = rest[end + 1..].split_at_checked(length.parse().ok()?)?;
        files.insert(name, content);
        rest = after;
    }
    Some(files)
}
