//! Real feeders: every known outage must come out exactly, through import, store and rpc.

use std::path::Path;

use anyhow::Context;
use flate2::read::GzDecoder;
use relight_grid::{
    Network, OnBad, Pack, Position,
    import::{open, opendss},
    pack::{AreaClass, Language, PackDefaults},
};
use relight_testkit::outside;
use serde::Deserialize;

use crate::{given, then};

#[derive(Deserialize)]
pub struct Outages {
    pub total_customers: usize,
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
pub struct Case {
    pub open: String,
    dead_loads: Vec<String>,
}

impl Case {
    /// Who is off, sorted.
    pub fn dead(&self) -> Vec<String> {
        let mut dead = self.dead_loads.clone();
        dead.sort();
        dead
    }
}

const FEEDER: &str = "ieee9500-latlon";

/// The known outages of a feeder.
pub fn outages(networks: &Path, feeder: &str) -> anyhow::Result<Outages> {
    let path = networks
        .join("golden")
        .join(format!("{feeder}.outage_cases.json.gz"));
    let file = std::fs::File::open(&path).with_context(|| format!("{}", path.display()))?;
    Ok(serde_json::from_reader(GzDecoder::new(file))?)
}

/// A feeder drawn on paper only, as a plain graph: everybody is put at one place.
pub fn graph(networks: &Path, feeder: &str) -> anyhow::Result<Pack> {
    let path = networks.join("golden").join(format!("{feeder}.network.json.gz"));
    pack(&open(&path, OnBad::Refuse)?.network, Position::new(-93.6, 41.6))
}

fn feeder(networks: &Path) -> anyhow::Result<Pack> {
    let entry = networks.join(FEEDER).join("Master-bal-initial-config.dss");
    pack(&opendss::read(&entry, OnBad::Refuse)?.network, None)
}

fn pack(network: &Network, place: Option<Position>) -> anyhow::Result<Pack> {
    let defaults = PackDefaults {
        account_prefix: "IEEE".to_owned(),
        zone: "America/Los_Angeles".to_owned(),
        org_path: "test/feeder".to_owned(),
        area_class: AreaClass::Rural,
        language: Language::En,
        place,
    };
    Ok(Pack::from_network(network, &defaults)?)
}

#[tokio::test]
async fn every_known_outage_of_the_9500_node_feeder_comes_out_exactly() -> anyhow::Result<()> {
    let Some(networks) = outside("networks") else {
        return Ok(());
    };
    let outages = outages(&networks, FEEDER)?;

    let registry = given::empty().await?;
    let report = registry.import(feeder(&networks)?).await?;
    println!("{report}");
    assert_eq!(report.customers.added, outages.total_customers);
    assert_eq!(report.findings.without_supply.count, 0);
    assert!(!outages.cases.is_empty());
    for case in &outages.cases {
        let set = registry.set(&[&case.open], "", &[]).await?;
        let expected = case.dead();
        assert_eq!(
            then::members(&registry.db, &set.set_id).await?,
            expected,
            "open {}",
            case.open
        );
        assert_eq!(set.count as usize, expected.len());
    }
    println!("{} outages of {FEEDER} come out exactly", outages.cases.len());
    Ok(())
}
