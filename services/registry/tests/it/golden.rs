//! The real 9500-node feeder: every known outage must come out exactly, through import, store and rpc.

use anyhow::Context;
use flate2::read::GzDecoder;
use relight_grid::{
    OnBad, Pack,
    import::opendss,
    pack::{AreaClass, Language, PackDefaults},
};
use relight_testkit::outside;
use serde::Deserialize;

use crate::{given, then};

#[derive(Deserialize)]
struct Outages {
    total_customers: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    open: String,
    dead_loads: Vec<String>,
}

const FEEDER: &str = "ieee9500-latlon";

fn feeder(networks: &std::path::Path) -> anyhow::Result<Pack> {
    let entry = networks.join(FEEDER).join("Master-bal-initial-config.dss");
    let network = opendss::read(&entry, OnBad::Refuse)?.network;
    let defaults = PackDefaults {
        account_prefix: "IEEE".to_owned(),
        zone: "America/Los_Angeles".to_owned(),
        org_path: "test/feeder".to_owned(),
        area_class: AreaClass::Rural,
        language: Language::En,
        place: None,
    };
    Ok(Pack::from_network(&network, &defaults)?)
}

#[tokio::test]
async fn every_known_outage_of_the_9500_node_feeder_comes_out_exactly() -> anyhow::Result<()> {
    let Some(networks) = outside("networks") else {
        return Ok(());
    };
    let path = networks
        .join("golden")
        .join(format!("{FEEDER}.outage_cases.json.gz"));
    let file = std::fs::File::open(&path).with_context(|| format!("{}", path.display()))?;
    let outages: Outages = serde_json::from_reader(GzDecoder::new(file))?;

    let registry = given::empty().await?;
    let report = registry.import(feeder(&networks)?).await?;
    println!("{report}");
    assert_eq!(report.customers.added, outages.total_customers);
    assert_eq!(report.findings.without_supply.count, 0);
    assert!(!outages.cases.is_empty());
    for case in &outages.cases {
        let set = registry.set(&[&case.open], "", &[]).await?;
        let mut expected = case.dead_loads.clone();
        expected.sort();
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
