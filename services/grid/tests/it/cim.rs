//! CIM100 RDF/XML: the real 13-bus feeder, and each construct in small.

use std::collections::BTreeMap;

use relight_grid::import::{self, Imported, cim};
use relight_grid::{Device, DeviceKind, Faults, Lookup, Network, OnBad};
use uuid::Uuid;

use crate::data;

#[test]
fn the_13_bus_feeder_is_the_golden_network() -> anyhow::Result<()> {
    let Some(path) = data::networks() else {
        return Ok(());
    };
    let file = path.join("cim-xml/IEEE13_Assets.xml.gz");
    let imported = import::open(&file, OnBad::Refuse)?;
    let golden = data::golden_network("ieee13")?;
    assert_eq!(rows(&imported.network), rows(&golden));
    Ok(())
}

/// Ids without their class, buses and phases; of lines the ends in any order.
fn rows(network: &Network) -> BTreeMap<String, String> {
    let name = |id: &str| id.rsplit('.').next().unwrap_or(id).to_lowercase();
    let device = |device: &Device| {
        let end = |end: &relight_grid::End| format!("{}:{}", end.bus.to_lowercase(), end.phases);
        let mut ends: Vec<String> = device.ends.iter().map(end).collect();
        if device.kind != DeviceKind::Transformer {
            ends.sort();
        }
        let state = (device.in_service, device.open);
        (
            format!("device {}", name(&device.id)),
            format!("{ends:?} {state:?}"),
        )
    };
    let load = |load: &relight_grid::Load| {
        let mut phases: Vec<u8> = load.phases.iter().collect();
        phases.sort_unstable();
        let at = format!("{} {phases:?} {}", load.bus.to_lowercase(), load.customers);
        (format!("load {}", name(&load.id)), at)
    };
    network
        .devices
        .iter()
        .map(device)
        .chain(network.loads.iter().map(load))
        .collect()
}

/// An object: class, id, name, further properties as XML.
pub fn object(class: &str, id: &str, name: &str, more: &str) -> String {
    format!(
        "<cim:{class} rdf:about=\"urn:uuid:{id}\">\n<cim:IdentifiedObject.name>{name}</cim:IdentifiedObject.name>{more}</cim:{class}>\n"
    )
}

fn link(property: &str, to: &str) -> String {
    format!("<cim:{property} rdf:resource=\"urn:uuid:{to}\"/>")
}

fn word(property: &str, word: &str) -> String {
    format!("<cim:{property} rdf:resource=\"http://iec.ch/TC57/CIM100#{word}\"/>")
}

fn value(property: &str, value: &str) -> String {
    format!("<cim:{property}>{value}</cim:{property}>")
}

pub fn terminal(id: &str, equipment: &str, node: &str, number: u8) -> String {
    let more = link("Terminal.ConductingEquipment", equipment)
        + &link("Terminal.ConnectivityNode", node)
        + &value("ACDCTerminal.sequenceNumber", &number.to_string());
    object("Terminal", id, id, &more)
}

/// Equipment between two nodes, with its terminals.
pub fn between(class: &str, name: &str, nodes: [&str; 2], more: &str) -> String {
    object(class, name, name, more)
        + &terminal(&format!("{name}-t1"), name, nodes[0], 1)
        + &terminal(&format!("{name}-t2"), name, nodes[1], 2)
}

fn phase(class: &str, of: &str, owner: &str, kind: &str) -> String {
    let more = link(&format!("{class}Phase.{owner}"), of)
        + &word(&format!("{class}Phase.phase"), &format!("SinglePhaseKind.{kind}"));
    object(
        &format!("{class}Phase"),
        &format!("{of}-{kind}"),
        &format!("{of}_{kind}"),
        &more,
    )
}

fn tank_end(tank: &str, number: u8, node: &str, phases: &str) -> String {
    let id = format!("{tank}-e{number}");
    let more = link("TransformerTankEnd.TransformerTank", tank)
        + &word(
            "TransformerTankEnd.orderedPhases",
            &format!("OrderedPhaseCodeKind.{phases}"),
        )
        + &value("TransformerEnd.endNumber", &number.to_string())
        + &link("TransformerEnd.Terminal", &format!("{id}-t"));
    object("TransformerTankEnd", &id, &id, &more) + &terminal(&format!("{id}-t"), "bank", node, number)
}

/// Nodes a to d, a source at a, and `more`.
pub fn file(more: &str) -> String {
    let nodes: String = ["a", "b", "c", "d"]
        .iter()
        .map(|id| object("ConnectivityNode", id, id, ""))
        .collect();
    let source = object("EnergySource", "src", "src", "") + &terminal("src-t", "src", "a", 1);
    format!(
        "<?xml version=\"1.0\"?>\n<!-- a -->\n<rdf:RDF xmlns:cim=\"http://iec.ch/TC57/CIM100#\" xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n{nodes}{source}{more}</rdf:RDF>\n"
    )
}

fn read(more: &str) -> Result<Imported, Faults> {
    cim::read("f.xml", file(more).as_bytes(), OnBad::Refuse)
}

fn devices(more: &str) -> Vec<String> {
    let imported = read(more).expect("a good file");
    let show = |device: &Device| {
        let ends: Vec<String> = device
            .ends
            .iter()
            .map(|end| format!("{}:{}", end.bus, end.phases))
            .collect();
        let off = if device.in_service { "" } else { " off" };
        let open = if device.open { " open" } else { "" };
        format!("{} {} {}{off}{open}", device.id, device.kind, ends.join(" "))
    };
    imported.network.devices.iter().map(show).collect()
}

fn switch_phase(letter: &str, property: &str, text: &str) -> String {
    let kind = format!("SinglePhaseKind.{letter}");
    let more = link("SwitchPhase.Switch", "s")
        + &word("SwitchPhase.phaseSide1", &kind)
        + &word("SwitchPhase.phaseSide2", &kind)
        + &value(&format!("SwitchPhase.{property}"), text);
    object("SwitchPhase", &format!("s-{letter}"), letter, &more)
}

#[test]
fn a_switch_is_open_by_its_phases_too() {
    let breaker = |more: &str| between("Breaker", "s", ["a", "b"], more);
    let each = |property: &str, text: &str| -> String {
        ["A", "B", "C"]
            .map(|letter| switch_phase(letter, property, text))
            .concat()
    };
    let mixed = switch_phase("A", "closed", "false")
        + &switch_phase("B", "closed", "true")
        + &switch_phase("N", "closed", "true");
    let table: Vec<(String, Vec<&str>)> = vec![
        (
            breaker("") + &each("normalOpen", "true"),
            vec!["s breaker a:123 b:123 open"],
        ),
        (
            breaker(&value("Switch.open", "false")) + &each("normalOpen", "true"),
            vec!["s breaker a:123 b:123"],
        ),
        (
            breaker(&value("Switch.normalOpen", "true")) + &each("closed", "true"),
            vec!["s breaker a:123 b:123"],
        ),
        (
            breaker(&value("Switch.open", "true")) + &each("closed", "true"),
            vec!["s breaker a:123 b:123 open"],
        ),
        (
            breaker("") + &mixed,
            vec!["s breaker a:2 b:2", "s.open breaker a:1 b:1 open"],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(devices(&text), expected, "{text}");
    }
}

#[test]
fn a_switch_open_in_part_is_one_for_who_asks() -> anyhow::Result<()> {
    let mixed = switch_phase("A", "closed", "false") + &switch_phase("B", "closed", "true");
    let imported = read(&(between("Breaker", "s", ["a", "b"], "") + &mixed))?;
    let grid = imported.network.grid(Uuid::nil())?;
    for name in ["S", "Breaker.s"] {
        assert_eq!(Lookup::new(&grid, &imported).devices(name)?.len(), 2, "{name}");
    }
    Ok(())
}

#[test]
fn what_is_not_known_is_left_out_and_said() {
    let imported = read(&between("MysteryDevice", "m", ["a", "b"], "")).unwrap();
    assert!(imported.network.devices.is_empty());
    assert_eq!(
        imported.notes,
        ["1 MysteryDevice left out with what they join: the class is not known"]
    );
}

#[test]
fn constructs_become_devices() {
    let switch_phase = |closed: &str| {
        let more = link("SwitchPhase.Switch", "s")
            + &word("SwitchPhase.phaseSide1", "SinglePhaseKind.C")
            + &word("SwitchPhase.phaseSide2", "SinglePhaseKind.C")
            + &value("SwitchPhase.closed", closed);
        object("SwitchPhase", "s-c", "s_C", &more)
    };
    let line = |more: &str| between("ACLineSegment", "l", ["a", "b"], more);
    let switch = |class: &str, more: &str| between(class, "s", ["a", "b"], more);
    let table: Vec<(String, &str)> = vec![
        (line(""), "l line a:123 b:123"),
        (
            line(&value("Equipment.inService", "false")),
            "l line a:123 b:123 off",
        ),
        (
            line("")
                + &phase("ACLineSegment", "l", "ACLineSegment", "B")
                + &phase("ACLineSegment", "l", "ACLineSegment", "N"),
            "l line a:2 b:2",
        ),
        (
            line("")
                + &phase("ACLineSegment", "l", "ACLineSegment", "s1")
                + &phase("ACLineSegment", "l", "ACLineSegment", "s2"),
            "l line a:12 b:12",
        ),
        (
            switch("LoadBreakSwitch", &value("Switch.open", "true")),
            "s switch a:123 b:123 open",
        ),
        (
            switch(
                "Breaker",
                &(value("Switch.open", "false") + &value("Switch.normalOpen", "true")),
            ),
            "s breaker a:123 b:123",
        ),
        (
            switch("Recloser", &value("Switch.normalOpen", "true")),
            "s recloser a:123 b:123 open",
        ),
        (switch("Fuse", "") + &switch_phase("true"), "s fuse a:3 b:3"),
        (switch("Fuse", "") + &switch_phase("false"), "s fuse a:3 b:3 open"),
        (between("Junction", "j", ["a", "b"], ""), "j line a:123 b:123"),
        (
            object("ACLineSegment", "l", "l", "")
                + &terminal("l-1", "l", "a", 1)
                + &terminal("l-2", "l", "b", 2).replace(
                    "</cim:Terminal>",
                    &format!("{}</cim:Terminal>", word("Terminal.phases", "PhaseCode.none")),
                ),
            "l line a:123 b:123",
        ),
        (
            between("SeriesCompensator", "r", ["a", "b"], ""),
            "r reactor a:123 b:123",
        ),
        (
            object("PowerTransformer", "bank", "bank", "")
                + &object(
                    "TransformerTank",
                    "t",
                    "tank",
                    &link("TransformerTank.PowerTransformer", "bank"),
                )
                + &tank_end("t", 1, "a", "BN")
                + &tank_end("t", 2, "b", "s1N")
                + &tank_end("t", 3, "b", "Ns2"),
            "tank transformer a:2 b:1 b:2",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(devices(&text), [expected], "{text}");
    }
}

#[test]
fn loads_hang_on_the_phases_they_use() {
    let load = |more: &str| object("EnergyConsumer", "l", "l", more) + &terminal("l-t", "l", "a", 1);
    let delta = word("EnergyConsumer.phaseConnection", "PhaseShuntConnectionKind.D");
    let one = |kind: &str| phase("EnergyConsumer", "l", "EnergyConsumer", kind);
    let table = [
        (load(""), "123", 1),
        (
            load(&value("EnergyConsumer.customerCount", "7")) + &one("B"),
            "2",
            7,
        ),
        (load(&delta) + &one("C"), "31", 1),
        (load(&delta), "123", 1),
        (load("") + &one("s1") + &one("s2"), "12", 1),
    ];
    for (text, phases, customers) in table {
        let load = read(&text).unwrap().network.loads.remove(0);
        assert_eq!(
            (load.phases.to_string().as_str(), load.customers),
            (phases, customers),
            "{text}"
        );
    }
}

/// Two lines of one name are called by their mRIDs; a bank's name opens all its tanks.
#[test]
fn names_that_are_not_unique_give_way_to_ids() -> anyhow::Result<()> {
    let line = |id: &str| {
        object("ACLineSegment", id, "same", "")
            + &terminal(&format!("{id}-1"), id, "a", 1)
            + &terminal(&format!("{id}-2"), id, "b", 2)
    };
    let tank = |id: &str| {
        object(
            "TransformerTank",
            id,
            id,
            &link("TransformerTank.PowerTransformer", "bank"),
        ) + &tank_end(id, 1, "b", "AN")
            + &tank_end(id, 2, "c", "AN")
    };
    let text = line("ID-1")
        + &line("ID-2")
        + &object("PowerTransformer", "bank", "Bank", "")
        + &tank("t1")
        + &tank("t2");
    let imported = read(&text)?;
    let grid = imported.network.grid(Uuid::nil())?;
    let lookup = Lookup::new(&grid, &imported);
    let ids = |name: &str| -> Vec<String> {
        let found = lookup.devices(name).expect("known");
        found
            .iter()
            .map(|&device| grid.device_id(device).to_owned())
            .collect()
    };
    assert_eq!(ids("id-2"), ["ID-2"]);
    assert_eq!(ids("BANK"), ["t1", "t2"]);
    assert_eq!(ids("same"), ["ID-1", "ID-2"]);
    assert_eq!(ids("transformer.t1"), ["t1"]);
    Ok(())
}

#[test]
fn each_fault_is_named_with_its_line() {
    let table: Vec<(String, &str)> = vec![
        (
            object("ACLineSegment", "l", "l", "") + &terminal("t", "l", "a", 1),
            "ACLineSegment l: has 1 terminal(s), not 2",
        ),
        (
            between("ACLineSegment", "l", ["a", "nix"], ""),
            "nix, which does not exist",
        ),
        (object("PowerTransformer", "p", "p", ""), "0 winding(s)"),
        (
            between("ACLineSegment", "l", ["a", "b"], "") + &object("EnergyConsumer", "l", "x", ""),
            "defined twice",
        ),
        (
            between("ACLineSegment", "l", ["a", "b"], "")
                + &phase("ACLineSegment", "l", "ACLineSegment", "Q"),
            "\"Q\" is no phase",
        ),
    ];
    for (text, words) in table {
        let faults = read(&text).unwrap_err();
        assert!(faults.0[0].line.is_some_and(|line| line > 4), "{faults}");
        assert!(faults.to_string().contains(words), "{faults}");
    }
}

#[test]
fn what_is_no_cim_file_is_refused_with_its_line() {
    let whole = file("");
    for (text, words) in [
        ("<html></html>", "not rdf:RDF"),
        ("<rdf:RDF>\n<a>", "middle of an element"),
        (&whole[..whole.len() - 20], "line"),
        ("<rdf:RDF>\n<a></b></rdf:RDF>", "not well formed"),
        ("<rdf:RDF>&unknown;</rdf:RDF>", "entity"),
        ("<rdf:RDF></rdf:RDF>", "no source"),
    ] {
        for on_bad in [OnBad::Refuse, OnBad::Skip] {
            let faults = cim::read("f.xml", text.as_bytes(), on_bad).unwrap_err();
            assert!(faults.to_string().contains(words), "{text}: {faults}");
        }
    }
}
