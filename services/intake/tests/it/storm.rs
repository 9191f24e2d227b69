//! The real feeder of 9,500 nodes, on a real database: faults on switches, sparse callers, strays, and how fast it goes.

use std::{collections::BTreeSet, time::Instant};

use chrono::TimeDelta;
use relight_grid::{Grid, LoadIx, Network, OnBad, import::opendss, snapshot};
use relight_proto::{common::v1::AreaClass, registry::v1::ServicePoint};
use relight_testkit::outside;
use uuid::Uuid;

use crate::{
    given::{House, by_account, customer_id, house},
    then,
};

const FEEDER: &str = "networks/ieee9500-latlon/Master-bal-initial-config.dss";
/// The town that `relight up` makes.
const DEMO_SEED: u64 = 42;

fn feeder() -> anyhow::Result<Option<Network>> {
    let Some(path) = outside(FEEDER) else {
        return Ok(None);
    };
    Ok(Some(opendss::read(&path, OnBad::Refuse)?.network))
}

/// A house in which every load of the feeder has an account of its own name.
async fn town(network: &Network) -> anyhow::Result<House> {
    let house = house().await?;
    let point = |load: &relight_grid::Load| ServicePoint {
        service_point_id: relight_common::ids::derived_from_name(&format!("point {}", load.id)).to_string(),
        customer_id: customer_id(&load.id).to_string(),
        account: load.id.clone(),
        external_id: load.id.clone(),
        area_class: AreaClass::Urban.into(),
        org_path: "demo/east".to_owned(),
        zone: "Asia/Shanghai".to_owned(),
        ..Default::default()
    };
    let accounts = network
        .loads
        .iter()
        .map(|load| (load.id.clone(), point(load)))
        .collect();
    let bytes = snapshot::write(network)?;
    house.others.say(|script| {
        script.accounts = accounts;
        script.network = Some((Uuid::from_u128(9).to_string(), bytes));
    });
    house.desk.atlas.load().await?;
    Ok(house)
}

/// Loads in an order that looks random and is the same every time.
fn shuffled(grid: &Grid, loads: &[LoadIx], seed: u64) -> Vec<String> {
    let name = |load: &LoadIx| grid.load_id(*load).to_owned();
    let mut keyed: Vec<_> = loads
        .iter()
        .map(name)
        .map(|load| {
            (
                relight_common::ids::derived_from_name(&format!("{seed} {load}")),
                load,
            )
        })
        .collect();
    keyed.sort();
    keyed.into_iter().map(|(_, load)| load).collect()
}

async fn call(house: &House, load: &str) -> anyhow::Result<()> {
    house.accept(by_account(load)).await?;
    Ok(())
}

#[tokio::test]
async fn sparse_callers_below_a_switch_of_the_real_feeder_find_it_and_strays_move_nothing()
-> anyhow::Result<()> {
    let Some(network) = feeder()? else { return Ok(()) };
    let grid = network.clone().grid(Uuid::from_u128(1))?;
    let switches = grid
        .devices()
        .filter(|device| grid.device_kind(*device).is_switching());
    let mut below: Vec<_> = switches
        .map(|device| (device, grid.affected(device).dead_loads))
        .filter(|(_, loads)| (60..=400).contains(&loads.len()))
        .collect();
    below.sort_by_key(|(_, loads)| loads.len());
    let (mut right, mut tried) = (0, 0);
    for (device, loads) in below.iter().step_by(below.len().div_ceil(4)) {
        let house = town(&network).await?;
        let callers = shuffled(&grid, loads, 1);
        let calls = loads.len() * 15 / 100;
        for load in &callers[..calls] {
            call(&house, load).await?;
            house.later(TimeDelta::seconds(600 / i64::try_from(calls)?));
        }
        // A wrong account somewhere else.
        let outside: Vec<LoadIx> = grid
            .loads()
            .filter(|load| loads.binary_search(load).is_err())
            .collect();
        call(&house, &shuffled(&grid, &outside, 2)[0]).await?;
        house.group().await?;
        let open = then::open(&house).await?;
        let total: u32 = open.iter().map(|one| one.report_count).sum();
        assert_eq!(usize::try_from(total)?, calls + 1, "nothing is lost");
        let largest = open
            .iter()
            .max_by_key(|one| one.report_count)
            .expect("somebody called");
        let named = grid.device(&largest.device_id).expect("of the feeder");
        let out: BTreeSet<LoadIx> = grid.affected(named).dead_loads.into_iter().collect();
        let same = out.iter().copied().eq(loads.iter().copied());
        println!(
            "{} ({} loads, {calls} calls): {} ({} loads), {} of the reports",
            grid.device_id(*device),
            loads.len(),
            largest.device_id,
            out.len(),
            largest.report_count
        );
        tried += 1;
        right += usize::from(same);
    }
    println!("{right} of {tried} right to the customer");
    assert!(tried >= 3 && right * 2 >= tried, "{right} of {tried}");
    Ok(())
}

/// Everybody at once: the worker keeps up, and nobody is lost.
#[tokio::test]
async fn a_thousand_reports_at_once_are_grouped_within_seconds() -> anyhow::Result<()> {
    let Some(network) = feeder()? else { return Ok(()) };
    let house = town(&network).await?;
    let grid = network.grid(Uuid::from_u128(1))?;
    let loads: Vec<LoadIx> = grid.loads().collect();
    let callers: Vec<String> = shuffled(&grid, &loads, 3).into_iter().take(1000).collect();
    for load in &callers {
        call(&house, load).await?;
    }
    let began = Instant::now();
    let mut grouped = 0;
    while grouped < callers.len() {
        grouped += house.group().await?;
    }
    println!(
        "1,000 reports all over the feeder grouped in {:?}",
        began.elapsed()
    );
    let open = then::open(&house).await?;
    let total: u32 = open.iter().map(|one| one.report_count).sum();
    assert_eq!(usize::try_from(total)?, callers.len());
    Ok(())
}

/// The eight calls of the README in the demo town, some seconds apart: one incident at the switch it names.
#[tokio::test]
async fn the_demo_calls_of_the_readme_are_one_incident_at_the_switch_it_names() -> anyhow::Result<()> {
    let pack = relight_grid::demo::town(DEMO_SEED);
    let network = pack.network();
    let house = town(&network).await?;
    for account in ["610", "615", "640", "650", "690", "700", "730", "740"] {
        let account = format!("3300000{account}");
        let point = pack.service_points.iter().find(|point| point.account == account);
        call(&house, &point.expect("an account of the demo town").id).await?;
        house.later(TimeDelta::seconds(2));
        house.group().await?;
    }
    let open = then::open(&house).await?;
    let seen: Vec<_> = open
        .iter()
        .map(|one| (one.device_id.as_str(), one.report_count))
        .collect();
    assert_eq!(seen, [("F1-LBS3", 8)]);
    Ok(())
}
