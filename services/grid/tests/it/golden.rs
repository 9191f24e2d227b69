//! Outages and switchings of real networks, confirmed by power flow, must come out exactly.

use anyhow::Context;
use relight_grid::{Grid, Network, snapshot};
use serde::Deserialize;

use crate::data;

#[derive(Deserialize)]
struct Outages {
    total_customers: u64,
    dead_at_start: Vec<String>,
    cases: Vec<Outage>,
}

#[derive(Deserialize)]
struct Outage {
    open: String,
    dead_loads: Vec<String>,
    customers: u64,
}

#[derive(Deserialize)]
struct Switchings {
    cases: Vec<Switching>,
}

#[derive(Deserialize)]
struct Switching {
    open: String,
    close: String,
    dead_loads_before_close: usize,
    dead_loads: Vec<String>,
}

#[derive(Deserialize)]
struct Upstream {
    loads: Vec<Way>,
}

#[derive(Deserialize)]
struct Way {
    load: String,
    single_points_of_failure_source_to_load: Vec<String>,
    switches_on_path: Vec<String>,
    service_transformer: String,
}

/// Ids of the dead loads, sorted, and customers, after opening one device and closing some.
fn dead(grid: &Grid, open: &str, close: Option<&str>) -> (Vec<String>, u64) {
    let opened = grid.device(open).unwrap_or_else(|| panic!("no device {open}"));
    let closed: Vec<_> = close
        .into_iter()
        .map(|id| grid.device(id).expect("tie exists"))
        .collect();
    let dead = grid.dead(&[opened], &closed);
    let mut ids: Vec<String> = dead
        .dead_loads
        .iter()
        .map(|&l| grid.load_id(l).to_owned())
        .collect();
    ids.sort();
    (ids, dead.customers)
}

/// Checks every case; answers how many there were.
pub(crate) fn check_all(name: &str, network: &Network) -> anyhow::Result<usize> {
    let grid = data::grid(network);
    let outages: Outages = data::golden_json(name, "outage_cases")?.context("no outage cases")?;
    let start = grid.dead(&[], &[]);
    let mut at_start = outages.dead_at_start.clone();
    at_start.sort();
    let mut own: Vec<&str> = start.dead_loads.iter().map(|&load| grid.load_id(load)).collect();
    own.sort_unstable();
    assert_eq!(own, at_start, "{name}: dead at the start");
    let customers: u64 = grid
        .loads()
        .map(|load| u64::from(grid.load_customers(load)))
        .sum();
    assert_eq!(customers, outages.total_customers);
    for case in &outages.cases {
        let mut expected = case.dead_loads.clone();
        expected.sort();
        assert_eq!(
            dead(&grid, &case.open, None),
            (expected, case.customers),
            "{name}: open {}",
            case.open
        );
    }
    let switchings: Option<Switchings> = data::golden_json(name, "switching_cases")?;
    let switchings = switchings.map(|s| s.cases).unwrap_or_default();
    for case in &switchings {
        let mut expected = case.dead_loads.clone();
        expected.sort();
        assert_eq!(
            dead(&grid, &case.open, None).0.len(),
            case.dead_loads_before_close,
            "{name}: {}",
            case.open
        );
        let after = dead(&grid, &case.open, Some(&case.close)).0;
        assert_eq!(
            after, expected,
            "{name}: open {}, close {}",
            case.open, case.close
        );
    }
    Ok(outages.cases.len() + switchings.len())
}

#[test]
fn every_golden_outage_and_switching_comes_out_exactly() -> anyhow::Result<()> {
    for name in data::golden_names() {
        let cases = check_all(&name, &data::golden_network(&name)?)?;
        println!("{name}: {cases} cases");
    }
    Ok(())
}

#[test]
fn a_snapshot_of_a_golden_network_answers_the_same() -> anyhow::Result<()> {
    for name in data::golden_names() {
        let bytes = snapshot::write(&data::golden_network(&name)?)?;
        check_all(&name, &snapshot::read(&bytes)?)?;
    }
    Ok(())
}

#[test]
fn every_golden_way_to_the_source_comes_out_exactly() -> anyhow::Result<()> {
    for name in data::golden_names() {
        let Some(upstream) = data::golden_json::<Upstream>(&name, "upstream")? else {
            continue;
        };
        let grid = data::grid(&data::golden_network(&name)?);
        for way in upstream.loads {
            let load = grid.load(&way.load).context("load exists")?;
            let points = grid.single_points_of_failure(load);
            let ids: Vec<&str> = points.iter().map(|&d| grid.device_id(d)).collect();
            assert_eq!(
                ids, way.single_points_of_failure_source_to_load,
                "{name}: {}",
                way.load
            );
            let switches: Vec<&str> = grid
                .protective_above(load)
                .iter()
                .rev()
                .map(|&d| grid.device_id(d))
                .collect();
            assert_eq!(switches, way.switches_on_path, "{name}: {}", way.load);
            let transformer = grid
                .supplying_transformer(load)
                .map(|d| grid.device_id(d).to_owned());
            assert_eq!(transformer, Some(way.service_transformer), "{name}: {}", way.load);
        }
    }
    Ok(())
}

/// The device found above a whole outage puts exactly that outage out, or lies below the opened one.
#[test]
fn the_common_device_of_an_outage_puts_all_of_it_out() -> anyhow::Result<()> {
    for name in data::golden_names() {
        let grid = data::grid(&data::golden_network(&name)?);
        let outages: Outages = data::golden_json(&name, "outage_cases")?.context("no outage cases")?;
        for case in outages.cases.iter().filter(|case| !case.dead_loads.is_empty()) {
            let loads: Vec<_> = case.dead_loads.iter().map(|id| grid.load(id).unwrap()).collect();
            let Some(device) = grid.common_device(&loads) else {
                continue;
            };
            let out = grid.dead(&[device], &[]).dead_loads;
            assert!(
                loads.iter().all(|load| out.contains(load)),
                "{name}: {}",
                case.open
            );
            if case.open == grid.device_id(device) {
                assert_eq!(out.len(), loads.len(), "{name}: {}", case.open);
            }
        }
    }
    Ok(())
}
