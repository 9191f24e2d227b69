//! The folder of real networks, which a user's clone does not have.

use std::path::PathBuf;

use anyhow::Context;
use flate2::read::GzDecoder;
use relight_grid::{Grid, Load, Network, OnBad, import::graph_json};
use relight_testkit::outside;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// `networks` of the outside data; none, said aloud, where it is absent.
pub(crate) fn networks() -> Option<PathBuf> {
    outside("networks")
}

/// Names of the golden networks; none where the folder is absent.
pub(crate) fn golden_names() -> Vec<String> {
    let Some(path) = networks() else { return Vec::new() };
    let entries = path.join("golden").read_dir().expect("golden folder is readable");
    let names = entries.map(|entry| {
        entry
            .expect("folder is readable")
            .file_name()
            .into_string()
            .expect("names are UTF-8")
    });
    let mut names: Vec<String> = names
        .filter_map(|name| name.strip_suffix(".network.json.gz").map(str::to_owned))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "the golden folder is there but empty");
    names
}

pub(crate) fn golden_network(name: &str) -> anyhow::Result<Network> {
    let path = networks()
        .context("no networks")?
        .join("golden")
        .join(format!("{name}.network.json.gz"));
    let bytes = std::fs::read(&path)?;
    Ok(graph_json::read(name, &bytes, OnBad::Refuse)?.network)
}

pub(crate) fn grid(network: &Network) -> Grid {
    network.grid(Uuid::nil()).expect("the network is good")
}

/// A JSON file of the golden folder; none where this network has no such file.
pub(crate) fn golden_json<T: DeserializeOwned>(name: &str, kind: &str) -> anyhow::Result<Option<T>> {
    let path = networks()
        .context("no networks")?
        .join("golden")
        .join(format!("{name}.{kind}.json.gz"));
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_reader(GzDecoder::new(
        std::fs::File::open(path)?,
    ))?))
}

pub(crate) fn load_ids(network: &Network) -> Vec<String> {
    let mut ids: Vec<String> = network.loads.iter().map(|load: &Load| load.id.clone()).collect();
    ids.sort();
    ids
}
