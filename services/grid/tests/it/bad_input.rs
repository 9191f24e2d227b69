//! No input panics, and every bad one is named.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use relight_grid::import::{graph_json, opendss};
use relight_grid::pack::read_pack_from;
use relight_grid::{OnBad, snapshot};

const GRAPH: &str =
    r#"{"name":"n","sources":["a"],"buses":{"a":{"x":1,"y":2}},"edges":[EDGE],"loads":[LOAD]}"#;

fn graph(edge: &str, load: &str) -> String {
    let text = GRAPH.replace("EDGE", edge).replace("LOAD", load);
    match graph_json::read("g.json", text.as_bytes(), OnBad::Refuse) {
        Ok(_) => String::new(),
        Err(faults) => faults.to_string(),
    }
}

#[test]
fn each_fault_of_a_graph_is_named() {
    let good = r#"{"id":"e","kind":"line","from":"a","fp":[1],"to":"b","tp":[1]}"#;
    assert_eq!(graph(good, ""), "");
    let table = [
        (
            r#"{"id":"e","kind":"rope","from":"a","fp":[1],"to":"b","tp":[1]}"#,
            "",
            "kind \"rope\" is not known",
        ),
        (
            r#"{"id":"e","kind":"line","from":"a","fp":[1],"to":"b"}"#,
            "",
            "the ends are missing",
        ),
        (
            r#"{"id":"e","kind":"line","from":"a","fp":[],"to":"b","tp":[1]}"#,
            "",
            "no phase is given",
        ),
        (
            r#"{"id":"e","kind":"line","from":"a","fp":[1,1],"to":"b","tp":[1]}"#,
            "",
            "given twice",
        ),
        (
            r#"{"id":"e","kind":"line","from":"a","fp":[12],"to":"b","tp":[1]}"#,
            "",
            "1 to 9",
        ),
        (
            r#"{"id":"e","kind":"line","from":"a","fp":[-1],"to":"b","tp":[1]}"#,
            "",
            "line 1",
        ),
        (
            r#"{"id":"e f","kind":"line","from":"a","fp":[1],"to":"b","tp":[1]}"#,
            "",
            "white space",
        ),
        (
            r#"{"id":"t","kind":"transformer","wdg":[{"bus":"a","ph":[1]}]}"#,
            "",
            "1 end(s)",
        ),
        (
            r#"{"id":"e","kind":"line","wdg":[{"bus":"a","ph":[1]},{"bus":"a","ph":[1]},{"bus":"a","ph":[1]}]}"#,
            "",
            "3 end(s)",
        ),
        (
            good,
            r#"{"id":"l","bus":"nix","ph":[1]}"#,
            "\"nix\", which does not exist",
        ),
        (good, r#"{"id":"l","bus":"a","ph":[1],"cust":-1}"#, "line 1"),
        (
            good,
            r#"{"id":"l","bus":"a","ph":[1]},{"id":"L","bus":"a","ph":[2]}"#,
            "defined twice",
        ),
    ];
    for (edge, load, words) in table {
        let faults = graph(edge, load);
        assert!(faults.contains(words), "{edge} {load}: {faults}");
    }
    for bytes in [&b"{"[..], b"\x1f\x8b broken", b"", b"[]", b"\xff"] {
        assert!(graph_json::read("g.json", bytes, OnBad::Skip).is_err());
    }
}

#[test]
fn rows_of_a_graph_are_named_with_their_lines() {
    let text = r#"{
"name": "n",
"sources": [
"a",
"nix"],
"buses": {
"a": {},
"A": {}},
"edges": [
{"id": "e", "kind": "line", "from": "a", "fp": [1], "to": "b", "tp": [1]},
{"id": "E", "kind": "line", "from": "a", "fp": [1], "to": "b", "tp": [1]},
{"id": "f", "kind": "line", "from": "a", "fp": [1]},
{"id": "g",
"kind": 5}],
"loads": [
{"id": "l", "bus": "c", "ph": [1]}]
}"#;
    let table = [
        (5, "\"nix\", which does not exist"),
        (8, "defined twice"),
        (11, "defined twice"),
        (12, "the ends are missing"),
        (14, "invalid type"),
        (16, "\"c\", which does not exist"),
    ];
    let mut faults = graph_json::read("g.json", text.as_bytes(), OnBad::Refuse)
        .unwrap_err()
        .0;
    faults.sort_by_key(|fault| fault.line);
    assert_eq!(faults.len(), table.len(), "{faults:?}");
    for (fault, (line, words)) in faults.iter().zip(table) {
        assert_eq!(
            (fault.file.as_str(), fault.line),
            ("g.json", Some(line)),
            "{fault}"
        );
        assert!(fault.problem.contains(words), "{fault}");
    }
    let read = graph_json::read("g.json", text.as_bytes(), OnBad::Skip).unwrap();
    assert_eq!((read.network.devices.len(), read.skipped.len()), (1, 6));
}

#[test]
fn skipping_leaves_out_what_hangs_on_the_bad_row() {
    let text = GRAPH
        .replace(
            "EDGE",
            r#"{"id":"e","kind":"line","from":"a","fp":[],"to":"b","tp":[1]}"#,
        )
        .replace(
            "LOAD",
            r#"{"id":"l","bus":"b","ph":[1]},{"id":"m","bus":"a","ph":[1]}"#,
        );
    let read = graph_json::read("g.json", text.as_bytes(), OnBad::Skip).unwrap();
    assert_eq!(read.skipped.len(), 2);
    assert_eq!(read.network.loads.len(), 1);
}

/// Bytes that look a little like what the reader wants, so that it gets past the first word.
fn like(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        8 => prop::sample::select(words).prop_map(|word| word.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..6),
    ];
    vec(word, 0..60).prop_map(|words| words.concat())
}

const DSS: &[&str] = &[
    "new ",
    "circuit.c",
    "line.a",
    "edit ",
    "~ ",
    "\n",
    "\n",
    " ",
    "bus1=",
    "bus2=",
    "x.1.2",
    "y",
    "transformer.t",
    "windings=",
    "3",
    "wdg=",
    "buses=[",
    "]",
    "(",
    "\"",
    "like=",
    "a",
    "open ",
    "close ",
    "enabled=",
    "no",
    "=",
    ",",
    ".",
    "!",
    "//",
    "/*",
    "*/",
    "redirect main.dss",
    "buscoords main.dss",
    "phases=",
    "0",
    "99999999999",
    "load.l",
    "swtcontrol.s",
    "switchedobj=",
    "action=",
    "|",
    "more ",
    "clear",
    "fuse.f",
    "é",
];

const CSV: &[&str] = &[
    "id,lon,lat\n",
    "bus,phases\n",
    "a",
    ",",
    "\n",
    "\"",
    "123",
    "-1",
    "1e400",
    "NaN",
    "yes",
    "no",
    " ",
    "é",
    "\0",
    "id,windings,in_service,open\n",
    "a:1 b:2",
    ":",
    "account,channel,value,language\n",
    "sms",
    "+8613",
    "\r\n",
    "id,kind,from_bus,from_phases,to_bus,to_phases,length_m,in_service,open\n",
    "line",
    "id,name_zh,name_en,line\n",
    "LINESTRING (1 2, 3 4)",
    "LINESTRING ((",
    "account,name,language,class,life_support,dedicated_line\n",
];

const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "name",
    "\"name\":\"n\"",
    "\"sources\":[\"a\"]",
    "\"buses\":{\"a\":{}}",
    "\"edges\":[]",
    "\"loads\":[]",
    "1",
    "-1",
    "null",
    "1e999",
    "\\u0000",
    "\"edges\":[{\"id\":\"\"}]",
];

proptest! {
    #[test]
    fn opendss_never_panics(bytes in like(DSS), skip in any::<bool>()) {
        let on_bad = if skip { OnBad::Skip } else { OnBad::Refuse };
        let mut file = |_: &Path| Ok(bytes.clone());
        if let Ok(read) = opendss::read_from(&mut file, Path::new("main.dss"), on_bad) {
            prop_assert!(read.network.grid(uuid::Uuid::nil()).is_ok());
        }
    }

    #[test]
    fn the_pack_never_panics(bytes in like(CSV), skip in any::<bool>()) {
        let on_bad = if skip { OnBad::Skip } else { OnBad::Refuse };
        if let Ok((pack, _)) = read_pack_from(&mut |_| Ok(Some(bytes.clone())), on_bad) {
            let _ = pack.network().grid(uuid::Uuid::nil());
        }
    }

    #[test]
    fn graph_json_never_panics(bytes in like(JSON)) {
        if let Ok(read) = graph_json::read("g", &bytes, OnBad::Skip) {
            let _ = read.network.grid(uuid::Uuid::nil());
        }
    }

    #[test]
    fn a_gzip_archive_of_anything_never_panics(bytes in vec(any::<u8>(), 0..200)) {
        let _ = graph_json::read("g", &[&[0x1f, 0x8b, 8, 0], &bytes[..]].concat(), OnBad::Refuse);
    }

    #[test]
    fn a_snapshot_never_panics(bytes in vec(any::<u8>(), 0..200)) {
        let _ = snapshot::read(&bytes);
        let _ = snapshot::read(&[b"relight-grid 1\n", &bytes[..]].concat());
        let _ = snapshot::read(&[b"relight-grid 1\n[bus.csv] 12\nid,lon,lat\na", &bytes[..]].concat());
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..400)) {
        let _ = graph_json::read("g", &bytes, OnBad::Skip);
        let _ = read_pack_from(&mut |_| Ok(Some(bytes.clone())), OnBad::Skip);
        let mut file = |_: &Path| Ok(bytes.clone());
        let _ = opendss::read_from(&mut file, Path::new("main.dss"), OnBad::Skip);
    }
}
