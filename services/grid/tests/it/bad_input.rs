//! No input panics, and every bad one is named.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use relight_grid::import::{cim, graph_json, opendss};
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
            r#"{"id":"e","kind":"line","from":"a","fp":[64],"to":"b","tp":[1]}"#,
            "",
            "up to 63",
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

/// Bare places, counts with a point, ids that are numbers and sources with phases are common in real files.
#[test]
fn a_graph_may_be_written_loosely() {
    let text = r#"{"sources":[{"bus":"a","ph":[1,2]}],"buses":{"a":null,"b":{"x":null}},"edges":[
        {"id":7,"kind":"Regulator","from":"a","fp":[1],"to":"b","tp":[1]}],
        "loads":[{"id":"l","bus":"B","ph":[1],"cust":2.0}]}"#;
    let network = graph_json::read("g.json", text.as_bytes(), OnBad::Refuse)
        .unwrap()
        .network;
    assert_eq!(
        (network.devices[0].id.as_str(), network.loads[0].customers),
        ("7", 2)
    );
    assert_eq!(network.devices[0].kind, relight_grid::DeviceKind::Transformer);
    assert_eq!(network.sources[0].phases.unwrap().to_string(), "12");
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
    "fuse.f line.a state=(open closed)\n",
    "new line.a bus1=x.1.2 bus2=y phases=2\n",
    "open line.a 1 2\n",
    "open transformer.t 2\n",
    "disable line.*\n",
    "linecode=",
    "xfmrcode=",
    "conn=delta",
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

/// Objects of real classes with real properties, joined at random and broken at one place.
fn cim_file() -> impl Strategy<Value = Vec<u8>> {
    let classes = [
        "ConnectivityNode",
        "Terminal",
        "EnergySource",
        "ACLineSegment",
        "ACLineSegmentPhase",
        "Breaker",
        "SwitchPhase",
        "PowerTransformer",
        "PowerTransformerEnd",
        "TransformerTank",
        "TransformerTankEnd",
        "EnergyConsumer",
        "EnergyConsumerPhase",
        "Junction",
        "PositionPoint",
        "Location",
        "Mystery",
    ];
    let links = [
        "Terminal.ConductingEquipment",
        "Terminal.ConnectivityNode",
        "SwitchPhase.Switch",
        "TransformerEnd.Terminal",
        "TransformerTankEnd.TransformerTank",
        "TransformerTank.PowerTransformer",
        "PowerTransformerEnd.PowerTransformer",
        "ACLineSegmentPhase.ACLineSegment",
        "EnergyConsumerPhase.EnergyConsumer",
        "PositionPoint.Location",
        "PowerSystemResource.Location",
    ];
    let words = [
        "ACLineSegmentPhase.phase",
        "SwitchPhase.phaseSide1",
        "SwitchPhase.phaseSide2",
        "Terminal.phases",
        "TransformerTankEnd.orderedPhases",
        "EnergyConsumerPhase.phase",
        "EnergyConsumer.phaseConnection",
    ];
    let kinds = ["K.A", "K.B", "K.ABCN", "K.s1", "K.none", "K.N", "K.D", "K.Q", ""];
    let values = [
        "SwitchPhase.closed",
        "Switch.open",
        "Switch.normalOpen",
        "ACDCTerminal.sequenceNumber",
        "ACDCTerminal.connected",
        "TransformerEnd.endNumber",
        "EnergyConsumer.customerCount",
        "IdentifiedObject.name",
        "PositionPoint.xPosition",
        "Equipment.inService",
        "Conductor.length",
    ];
    let texts = ["true", "false", "1", "-1", "1e400", "NaN", "n", "é", ""];
    let property = prop_oneof![
        3 => (select(links.to_vec()), 0..12_u8)
            .prop_map(|(name, to)| format!("<cim:{name} rdf:resource=\"urn:uuid:{to}\"/>")),
        2 => (select(words.to_vec()), select(kinds.to_vec()))
            .prop_map(|(name, kind)| format!("<cim:{name} rdf:resource=\"x#{kind}\"/>")),
        2 => (select(values.to_vec()), select(texts.to_vec()))
            .prop_map(|(name, text)| format!("<cim:{name}>{text}</cim:{name}>")),
    ];
    let object = (select(classes.to_vec()), 0..12_u8, vec(property, 0..6)).prop_map(|(class, id, more)| {
        format!(
            "<cim:{class} rdf:about=\"urn:uuid:{id}\">{}</cim:{class}>\n",
            more.concat()
        )
    });
    (vec(object, 0..30), any::<bool>(), any::<Index>(), any::<u8>()).prop_map(
        |(objects, breaks, at, byte)| {
            let mut bytes = crate::cim::file(&objects.concat()).into_bytes();
            if breaks {
                *at.get_mut(&mut bytes) = byte;
            }
            bytes
        },
    )
}

proptest! {
    #[test]
    fn cim_never_panics(bytes in cim_file(), skip in any::<bool>()) {
        let on_bad = if skip { OnBad::Skip } else { OnBad::Refuse };
        if let Ok(read) = cim::read("f.xml", bytes.as_slice(), on_bad) {
            prop_assert!(read.network.grid(uuid::Uuid::nil()).is_ok());
        }
    }

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
