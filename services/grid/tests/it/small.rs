//! A small network of our own in four forms, always there: each form gives the same answers, written by hand.

use std::path::Path;

use relight_grid::import::{self, Imported};
use relight_grid::{Dead, Grid, LoadIx, Lookup, OnBad};

use crate::data;

const FORMS: [&str; 4] = ["network.dss", "network.json", "network.xml", "pack"];

fn read(form: &str) -> anyhow::Result<Imported> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/small");
    Ok(import::open(&folder.join(form), OnBad::Refuse)?)
}

/// Loads by their names, sorted.
fn names(grid: &Grid, loads: &[LoadIx]) -> String {
    let name = |load: &LoadIx| grid.load_id(*load).trim_start_matches("load.").to_owned();
    let mut names: Vec<String> = loads.iter().map(name).collect();
    names.sort();
    names.join(" ")
}

fn dead(grid: &Grid, lookup: &Lookup<'_>, open: &str, close: &str) -> anyhow::Result<Dead> {
    let devices = |given: &str| {
        let found = given.split_whitespace().map(|id| lookup.devices(id));
        found.collect::<Result<Vec<_>, _>>().map(|found| found.concat())
    };
    Ok(grid.dead(&devices(open)?, &devices(close)?))
}

/// (open, close, dead, partly dead, customers)
const CASES: &[(&str, &str, &str, &str, u64)] = &[
    ("", "", "", "", 0),
    // Everything hangs on the breaker; the tie takes the mesh over, and back through the transformer all of it.
    ("line.cb", "", "home kiosk lamp mill shop", "", 8),
    ("line.cb", "line.tie", "", "", 0),
    ("line.cb transformer.lv", "line.tie", "home lamp", "", 4),
    ("transformer.lv", "", "kiosk mill shop", "", 4),
    ("transformer.lv", "line.tie", "", "", 0),
    // One side of the mesh is nobody's only way, two are.
    ("line.m1", "", "", "", 0),
    ("line.m2", "", "", "", 0),
    ("line.m1 line.m3", "", "shop", "", 2),
    ("line.m2 line.m3", "", "kiosk mill", "", 2),
    // A device of one phase takes one phase.
    ("line.k3", "", "kiosk", "mill", 1),
    ("line.k12", "", "", "mill", 0),
    ("line.k12 line.k3", "", "kiosk mill", "", 2),
    ("line.f", "", "home lamp", "", 4),
    ("transformer.house", "", "home lamp", "", 4),
    ("line.drop", "", "lamp", "", 1),
    ("line.tie", "line.tie", "", "", 0),
];

#[test]
fn every_form_gives_the_written_answers() -> anyhow::Result<()> {
    for form in FORMS {
        let imported = read(form)?;
        let grid = data::grid(&imported.network);
        let lookup = Lookup::new(&grid, &imported);
        for &(open, close, all, partly, customers) in CASES {
            let found = dead(&grid, &lookup, open, close)?;
            let told = (
                names(&grid, &found.dead_loads),
                names(&grid, &found.partly_dead_loads),
            );
            assert_eq!(
                (told.0.as_str(), told.1.as_str(), found.customers),
                (all, partly, customers),
                "{form}: open {open:?}, close {close:?}"
            );
        }
    }
    Ok(())
}

#[test]
fn every_form_tells_the_way_to_the_source() -> anyhow::Result<()> {
    let table = [
        ("load.lamp", "cb f house drop"),
        ("load.home", "cb f house"),
        ("load.kiosk", "cb lv k3"),
        ("load.mill", "cb lv"),
        ("load.shop", "cb lv"),
    ];
    for form in FORMS {
        let imported = read(form)?;
        let grid = data::grid(&imported.network);
        for (load, way) in table {
            let load = Lookup::new(&grid, &imported).load(load)?;
            let name = |id: &str| id.rsplit('.').next().unwrap_or(id).to_owned();
            let points = grid.single_points_of_failure(load);
            let points: Vec<String> = points.iter().map(|&d| name(grid.device_id(d))).collect();
            assert_eq!(points.join(" "), way, "{form}: {}", grid.load_id(load));
        }
    }
    Ok(())
}
