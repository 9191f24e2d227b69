//! What may stand in a network and should not: a loop in what ought to be radial, an island. Told alike whatever the format.

use std::fs;
use std::path::Path;

use relight_grid::{OnBad, Report, import};
use uuid::Uuid;

use crate::cim;

/// A loop of three lines at the source, and a line with a load that nothing feeds.
const GRAPH: &str = r#"{"name": "n", "sources": ["a"], "buses": {"a": {}, "b": {}, "c": {}, "d": {}, "e": {}},
    "edges": [
        {"id": "ab", "kind": "line", "from": "a", "fp": [1], "to": "b", "tp": [1]},
        {"id": "bc", "kind": "line", "from": "b", "fp": [1], "to": "c", "tp": [1]},
        {"id": "ca", "kind": "line", "from": "c", "fp": [1], "to": "a", "tp": [1]},
        {"id": "de", "kind": "line", "from": "d", "fp": [1], "to": "e", "tp": [1]}],
    "loads": [{"id": "l", "bus": "e", "ph": [1]}]}"#;

const SCRIPT: &str = "new circuit.n bus1=a\nnew line.ab bus1=a bus2=b\nnew line.bc bus1=b bus2=c\n\
                      new line.ca bus1=c bus2=a\nnew line.de bus1=d bus2=e\nnew load.l bus1=e\n";

const PACK: [(&str, &str); 4] = [
    ("bus.csv", "id,lon,lat\na,,\nb,,\nc,,\nd,,\ne,,\n"),
    ("source.csv", "bus,phases\na,1\n"),
    (
        "line.csv",
        "id,kind,from_bus,from_phases,to_bus,to_phases,length_m,in_service,open\nab,line,a,1,b,1,,yes,no\n\
         bc,line,b,1,c,1,,yes,no\nca,line,c,1,a,1,,yes,no\nde,line,d,1,e,1,,yes,no\n",
    ),
    ("load.csv", "id,bus,phases,customers,in_service\nl,e,1,1,yes\n"),
];

fn xml() -> String {
    let line = |name: &str, nodes| cim::between("ACLineSegment", name, nodes, "");
    let load = cim::object("EnergyConsumer", "l", "l", "") + &cim::terminal("l-t", "l", "e", 1);
    let all = [
        cim::object("ConnectivityNode", "e", "e", ""),
        line("ab", ["a", "b"]),
        line("bc", ["b", "c"]),
        line("ca", ["c", "a"]),
        line("de", ["d", "e"]),
        load,
    ];
    cim::file(&all.concat())
}

fn report(path: &Path) -> Report {
    let imported = import::open(path, OnBad::Refuse).expect("doubtful, not bad");
    let grid = imported.network.grid(Uuid::nil()).expect("a good network");
    Report::new(&imported, &grid)
}

#[test]
fn a_loop_and_an_island_are_told_in_every_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("pack")).expect("a folder in it");
    for (name, text) in PACK {
        fs::write(path("pack").join(name), text).expect("a file");
    }
    for (name, text) in [("n.json", GRAPH), ("n.dss", SCRIPT), ("n.xml", &xml())] {
        fs::write(path(name), text).expect("a file");
    }
    for format in ["pack", "n.json", "n.dss", "n.xml"] {
        let report = report(&path(format));
        let found = |kind: &str| report.findings.get(kind).map_or(0, Vec::len);
        assert_eq!(found("devices_closing_a_loop"), 1, "{format}: {report}");
        assert_eq!(found("loads_without_path_to_source"), 1, "{format}: {report}");
        let islands: Vec<_> = report
            .islands
            .iter()
            .map(|island| (island.buses, island.loads))
            .collect();
        assert_eq!(islands, [(2, 1)], "{format}: {report}");
        let words = report.to_string();
        assert!(
            words.contains("close a loop") && words.contains("islands"),
            "{words}"
        );
    }
}
