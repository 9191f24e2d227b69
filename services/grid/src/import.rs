//! Networks from other tools' files.

mod any;
pub mod cim;
pub mod graph_json;
pub mod opendss;
pub(crate) mod text;

pub use any::{open, open_telling};
pub use text::{Progress, Tell};

use crate::network::{Network, Position};

/// What an importer read.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The network.
    pub network: Network,
    /// What was left out because it was bad; empty with [`OnBad::Refuse`](crate::OnBad).
    pub skipped: Vec<crate::Fault>,
    /// What was passed over on purpose and may surprise: ignored commands, coordinates that are none.
    pub notes: Vec<String>,
    /// Other names of rows: what the file also calls a device or a load, and its id in the network. One
    /// name may stand for several rows, as that of a bank does for its tanks.
    pub aliases: Vec<(String, String)>,
}

/// Behind the id of a device that is open in part: the part that is open.
const OPEN_PART: &str = ".open";

/// Largest text after unpacking, bytes.
const TEXT_BYTES_MAX: u64 = 2 << 30;
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// Gives buses their positions. A file's coordinates are WGS84 only when every one of them is in range
/// (`x` is the longitude): plane coordinates in metres or feet have no place on the earth without
/// their projection.
fn place(network: &mut Network, of: impl Fn(&str) -> Option<(f64, f64)>, notes: &mut Vec<String>) {
    let found: Vec<Option<(f64, f64)>> = network.buses.iter().map(|bus| of(&bus.id)).collect();
    if found
        .iter()
        .flatten()
        .any(|&(x, y)| Position::new(x, y).is_none())
    {
        notes.push("bus coordinates left out: they are not WGS84 degrees".to_owned());
        return;
    }
    for (bus, at) in network.buses.iter_mut().zip(found) {
        bus.position = at.and_then(|(x, y)| Position::new(x, y));
    }
}
