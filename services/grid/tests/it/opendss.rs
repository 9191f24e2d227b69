//! OpenDSS text: the real 9500-node feeder, and each construct in small.

use std::collections::BTreeMap;
use std::path::Path;

use relight_grid::import::{Imported, opendss};
use relight_grid::{Device, DeviceKind, Faults, OnBad};

use crate::{data, golden};

const FEEDER: &str = "ieee9500-latlon";

fn feeder() -> anyhow::Result<Option<Imported>> {
    let Some(path) = data::networks() else {
        return Ok(None);
    };
    let entry = path.join(FEEDER).join("Master-bal-initial-config.dss");
    Ok(Some(opendss::read(&entry, OnBad::Refuse)?))
}

#[test]
fn the_9500_node_feeder_is_the_golden_network() -> anyhow::Result<()> {
    let Some(imported) = feeder()? else { return Ok(()) };
    let golden = data::golden_network(FEEDER)?;
    assert_eq!(data::load_ids(&imported.network), data::load_ids(&golden));
    let by_id = |devices: &[Device]| -> BTreeMap<String, (bool, bool, String)> {
        let row = |d: &Device| (d.id.clone(), (d.in_service, d.open, format!("{:?}", d.ends)));
        devices.iter().map(row).collect()
    };
    assert_eq!(by_id(&imported.network.devices), by_id(&golden.devices));
    for bus in &golden.buses {
        let own = imported
            .network
            .buses
            .iter()
            .find(|own| own.id == bus.id)
            .unwrap();
        assert_eq!(own.position, bus.position, "{}", bus.id);
        assert!(own.position.is_some(), "{}", bus.id);
    }
    Ok(())
}

#[test]
fn the_9500_node_feeder_passes_the_golden_cases() -> anyhow::Result<()> {
    let Some(imported) = feeder()? else { return Ok(()) };
    let cases = golden::check_all(FEEDER, &imported.network)?;
    println!("{FEEDER} from OpenDSS: {cases} cases");
    Ok(())
}

#[test]
fn the_master_with_protection_gives_reclosers_and_open_ties() -> anyhow::Result<()> {
    let Some(path) = data::networks() else {
        return Ok(());
    };
    let imported = opendss::read(&path.join(FEEDER).join("protection.dss"), OnBad::Refuse)?;
    let count = |wanted: fn(&&Device) -> bool| imported.network.devices.iter().filter(wanted).count();
    assert_eq!(count(|d| d.kind == DeviceKind::Recloser), 11);
    assert_eq!(count(|d| d.open), 9);
    Ok(())
}

pub(crate) fn script(text: &str) -> Result<Imported, Faults> {
    files(&[("main.dss", text)])
}

fn files(files: &[(&str, &str)]) -> Result<Imported, Faults> {
    let mut file = |path: &Path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        found
            .map(|(_, text)| text.as_bytes().to_vec())
            .ok_or(std::io::ErrorKind::NotFound.into())
    };
    opendss::read_from(&mut file, Path::new("main.dss"), OnBad::Refuse)
}

/// Devices as `id kind bus:phases... [off] [open]`.
pub(crate) fn devices(imported: &Imported) -> Vec<String> {
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

#[test]
fn constructs_become_devices() {
    let table = [
        (
            "new line.A bus1=sourcebus bus2=b",
            "line.a line sourcebus:123 b:123",
        ),
        (
            "New object=Line.A sourcebus.2, b.2 phases=1",
            "line.a line sourcebus:2 b:2",
        ),
        (
            "new line.a bus1=sourcebus.3.2 bus2=b.3.2 phases=2 Switch=y",
            "line.a switch sourcebus:32 b:32",
        ),
        (
            "new linecode.c nphases=1\nnew line.a bus1=sourcebus.2 bus2=b.2 linecode=c",
            "line.a line sourcebus:2 b:2",
        ),
        (
            "new line.a bus1=sourcebus\n~ bus2=b // on\nmore enabled=no",
            "line.a line sourcebus:123 b:123 off",
        ),
        (
            "new line.a bus1=sourcebus bus2=b\nedit line.A enab=false",
            "line.a line sourcebus:123 b:123 off",
        ),
        (
            "new line.a bus1=sourcebus bus2=b\nLine.A.enabled = False",
            "line.a line sourcebus:123 b:123 off",
        ),
        (
            "new line.a bus1=sourcebus bus2=b\nopen line.a 1",
            "line.a line sourcebus:123 b:123 open",
        ),
        (
            "new line.a bus1=sourcebus bus2=b\nopen line.a 1 0\nclose line.a 1",
            "line.a line sourcebus:123 b:123",
        ),
        (
            "new line.a bus1=sourcebus bus2=b\nnew swtcontrol.s switchedobj=line.a action=open",
            "line.a switch sourcebus:123 b:123 open",
        ),
        (
            "new line.a bus1=sourcebus bus2=b\nnew fuse.f line.a",
            "line.a fuse sourcebus:123 b:123",
        ),
        (
            "new line.a bus1=sourcebus bus2=b\nnew relay.r monitoredobj=line.a",
            "line.a breaker sourcebus:123 b:123",
        ),
        (
            "new transformer.t phases=1 windings=3 buses=[sourcebus.2 x.1.0 x.0.2]",
            "transformer.t transformer sourcebus:2 x:1 x:2",
        ),
        (
            "new xfmrcode.ct phases=1 windings=3\nnew transformer.t xfmrcode=CT buses=(sourcebus.2, x.1.0, x.0.2)",
            "transformer.t transformer sourcebus:2 x:1 x:2",
        ),
        (
            "new transformer.t phases=3 windings=2\n~ wdg=1 bus=sourcebus conn=delta\n~ wdg=2 bus=b.1.2.3.0",
            "transformer.t transformer sourcebus:123 b:123",
        ),
        (
            "new transformer.t buses=[sourcebus b.1.2.3.4]",
            "transformer.t transformer sourcebus:123 b:1234",
        ),
        (
            "new line.a sourcebus b enabled=no\nbatchedit line.^A enabled=yes",
            "line.a line sourcebus:123 b:123",
        ),
        (
            "var @where=sourcebus\nnew line.a bus1=@where.2 bus2=b.2 phases=1",
            "line.a line sourcebus:2 b:2",
        ),
        (
            "new line.a bus1=sourcebus bus2=b\nset element=line.a\n~ phases=3.0 enab=n",
            "line.a line sourcebus:123 b:123 off",
        ),
        (
            "new line.a bus1=sourcebus bus2=b\nopen object=line.a term=1",
            "line.a line sourcebus:123 b:123 open",
        ),
        (
            "new line.a bus1=sourcebus bus2=b\nnew swtcontrol.s line.a normal=open state=closed",
            "line.a switch sourcebus:123 b:123",
        ),
        (
            "new line.a bus1=sourcebus bus2=b\nnew swtcontrol.s line.a state=closed normal=open",
            "line.a switch sourcebus:123 b:123 open",
        ),
        (
            "new line.a bus1=sourcebus bus2=b\nnew swtcontrol.s line.a lock=yes action=open",
            "line.a switch sourcebus:123 b:123",
        ),
        (
            "new line.a bus1=sourcebus bus2=b\nnew recloser.s line.a 1 normal=open",
            "line.a recloser sourcebus:123 b:123",
        ),
        (
            "new line.a bus1=sourcebus bus2=b\nnew fuse.s line.a state=[open open open]",
            "line.a fuse sourcebus:123 b:123 open",
        ),
        (
            "new line.a bus1=sourcebus.1.2.3.43 bus2=b.1.2.3.43 phases=4",
            "line.a line sourcebus:123(43) b:123(43)",
        ),
        (
            "new line.a sourcebus b\nopen line.a 1\nopen line.a 2\nclose line.a 1",
            "line.a line sourcebus:123 b:123 open",
        ),
        (
            "new line.a sourcebus b\nopen line.a 2\nclose line.a",
            "line.a line sourcebus:123 b:123",
        ),
        (
            "new line.a sourcebus b\nopen line.a 1 2\nclose line.a 1",
            "line.a line sourcebus:123 b:123",
        ),
        (
            "new line.a sourcebus b\nopen line.a 1 1\nopen line.a 1 2\nopen line.a 2 3",
            "line.a line sourcebus:123 b:123 open",
        ),
        (
            "new line.a sourcebus b\ndisable line.*\ndisable line.nix\nedit line.nix phases=1\n~ phases=2",
            "line.a line sourcebus:123 b:123 off",
        ),
        (
            "new swtcontrol.s line.a action=open lock=yes\nnew line.a sourcebus b",
            "line.a switch sourcebus:123 b:123",
        ),
        (
            "new line.a sourcebus b\nopen line.a 1\nnew swtcontrol.s line.a action=close",
            "line.a switch sourcebus:123 b:123 open",
        ),
        (
            "new line.a sourcebus b\nopen line.a 1\nnew fuse.f line.a",
            "line.a fuse sourcebus:123 b:123",
        ),
        (
            "new line.a sourcebus b\nnew fuse.f line.a\nopen line.a 1",
            "line.a fuse sourcebus:123 b:123 open",
        ),
        (
            "new line.a sourcebus b\nnew relay.r line.a action=trip",
            "line.a breaker sourcebus:123 b:123 open",
        ),
        (
            "new line.a sourcebus.1 b.1 linecode=nix",
            "line.a line sourcebus:1 b:1",
        ),
        (
            "new line.a sourcebus.1.3 b.1.3 geometry=nix",
            "line.a line sourcebus:13 b:13",
        ),
        (
            "new line.a sourcebus b spacing=nix wires=[x x x]\nnew frob.f bus1=b bus2=c\n~ x=1",
            "line.a line sourcebus:123 b:123",
        ),
        (
            "redirect ..\\IEEELineCodes.dss\nnew line.a sourcebus.2 b.2 phases=1 linecode=nix frob=1",
            "line.a line sourcebus:2 b:2",
        ),
        (
            "new transformer.t xfmrcode=nix buses=[sourcebus.2 x.1.0 x.0.2]",
            "transformer.t transformer sourcebus:2 x:1 x:2",
        ),
        (
            "new transformer.t phases=1 buses=[sourcebus.1.4 x.1.0]",
            "transformer.t transformer sourcebus:1 x:1",
        ),
        (
            "new \"line.a b\" bus1=sourcebus bus2=\"my bus\"\nbuscoords nix.csv\nset datapath=/nix",
            "line.a_b line sourcebus:123 my_bus:123",
        ),
        (
            "new gicline.g sourcebus b\nnew vsconverter.v bus1=b\nnew line.a sourcebus b phases=(1 2 +)",
            "line.a line sourcebus:123 b:123",
        ),
        (
            "new linegeometry.g nconds=4 nphases=3\nnew line.a bus1=sourcebus bus2=b geometry=g",
            "line.a line sourcebus:1234 b:1234",
        ),
        (
            "new linegeometry.g nconds=4 nphases=3 reduce=yes\nnew line.a bus1=sourcebus bus2=b geometry=g",
            "line.a line sourcebus:123 b:123",
        ),
        (
            "new line.a bus1=sourcebus bus2=b enabled=no phases=1\nnew line.a like=a bus1=sourcebus.2 bus2=b.2",
            "line.a line sourcebus:2 b:2",
        ),
        (
            "new autotrans.t buses=[sourcebus b] conns=[series wye]",
            "autotrans.t transformer sourcebus:123 b:123",
        ),
        (
            "/* new line.x */ new line.y\n/*\nnew line.z\n*/ new line.w\nnew line.a sourcebus b",
            "line.a line sourcebus:123 b:123",
        ),
        (
            "NEW \"line.a\" {sourcebus} 'b'\nnew generator.g bus1=b\n~ kw=5\ncalcv\nshow voltages",
            "line.a line sourcebus:123 b:123",
        ),
        (
            "new reactor.r bus1=sourcebus bus2=b",
            "reactor.r reactor sourcebus:123 b:123",
        ),
    ];
    for (text, device) in table {
        let imported = script(&format!("clear\nnew circuit.x\n{text}\nsolve")).unwrap();
        assert_eq!(devices(&imported), [device], "{text}");
    }
}

#[test]
fn what_stands_to_ground_or_carries_nothing_is_no_device() {
    let text = "new circuit.x\nnew capacitor.c bus1=sourcebus kvar=300\nnew reactor.r bus1=sourcebus\n/* new line.a\nbus1=a */\nnew wiredata.w";
    assert_eq!(devices(&script(text).unwrap()), Vec::<String>::new());
}

#[test]
fn loads_hang_on_the_phases_they_use() {
    let table = [
        ("phases=1 bus1=sourcebus.3", "3"),
        ("phases=1 bus1=sourcebus.3.1 conn=delta", "31"),
        ("phases=2 bus1=sourcebus.1.2 conn=wye", "12"),
        ("phases=3 bus1=sourcebus", "123"),
        ("phases=3 bus1=sourcebus conn=delta", "123"),
        ("phases=1 bus1=sourcebus.1.4", "1"),
        ("phases=3 bus1=sourcebus.1.2.3.4", "123"),
        ("phases=2 bus1=sourcebus.1.2.5", "12"),
        ("phases=1 bus1=sourcebus.4.5 conn=delta", "45"),
    ];
    for (text, phases) in table {
        let imported = script(&format!("new circuit.x\nnew load.l {text} numcust=4")).unwrap();
        let load = &imported.network.loads[0];
        assert_eq!(
            (load.id.as_str(), load.phases.to_string().as_str(), load.customers),
            ("load.l", phases, 4)
        );
    }
}

#[test]
fn redirects_stay_relative_and_in_any_case_keep_the_line_of_a_fault() {
    let good = files(&[
        (
            "main.dss",
            "new circuit.x\nredirect sub/a.dss\nlatlongcoords sub\\c.csv",
        ),
        ("sub/a.dss", "redirect b.dss"),
        ("sub/b.dss", "new line.l bus1=sourcebus bus2=b"),
        ("sub/c.csv", "bus,lat,lon\nSourceBus, 30.5, 120.25"),
    ]);
    let good = good.unwrap();
    assert_eq!(devices(&good).len(), 1);
    let at = good
        .network
        .buses
        .iter()
        .find(|bus| bus.id == "sourcebus")
        .unwrap()
        .position
        .unwrap();
    assert_eq!((at.lon, at.lat), (120.25, 30.5));
    let bad = files(&[
        ("main.dss", "new circuit.x\nredirect a.dss"),
        ("a.dss", "\nnew line.l bus1=a.x bus2=b"),
    ]);
    assert_eq!(bad.unwrap_err().0[0].line, Some(2));
}

#[test]
fn plane_coordinates_are_left_out_with_a_note() {
    let imported = files(&[
        (
            "main.dss",
            "new circuit.x\nnew line.a bus1=sourcebus bus2=b\nbuscoords c.csv",
        ),
        ("c.csv", "sourcebus 100 80\nb 200 400"),
    ]);
    let imported = imported.unwrap();
    assert!(imported.network.buses.iter().all(|bus| bus.position.is_none()));
    assert!(imported.notes.iter().any(|note| note.contains("WGS84")));
}

#[test]
fn each_fault_is_named_at_its_line() {
    let table = [
        ("new line.a bus1=sourcebus", 2, "a bus is missing"),
        ("new line", 2, "new CLASS.NAME"),
        ("new line.a \"bus1", 2, "not closed"),
        ("new line.a bus1=sourcebus bus2=b phases=x", 2, "whole one"),
        ("new line.a bus1=sourcebus bus2=b phases=22", 2, "write 1 to 21"),
        ("new line.a bus1=sourcebus.99 bus2=b", 2, "up to 63"),
        ("open line.a 1", 2, "does not exist"),
        (
            "new transformer.t windings=3 phases=1 buses=[sourcebus.1 b.1.0 b.0.2]\nopen transformer.t 2 x",
            3,
            "not a number",
        ),
        (
            "new transformer.t buses=[sourcebus.1.2.3 b.2.3.4]\nopen transformer.t 1 2",
            2,
            "one conductor of a transformer",
        ),
        ("new transformer.t windings=3\n~ wdg=4 bus=x", 3, "winding 4 of 3"),
        ("new transformer.t windings=1000000", 2, "1 to 20"),
        ("redirect ../up.dss", 2, "outside the folder"),
        ("redirect /etc/passwd", 2, "outside the folder"),
        ("redirect nix.dss", 2, "cannot be read"),
        ("new load.l bus1=b.0 phases=1", 2, "grounded"),
        ("new line.a bus1=sourcebus bus2=@b", 2, "no value"),
        ("new vsource.v bus1=a bus2=b", 2, "between two buses"),
        ("frobnicate line.a", 2, "no command"),
        ("reduce", 2, "not understood"),
        ("new line.a bus1=sourcebus bus2=b like=line.x", 2, "no line"),
        (
            "set allowduplicates=yes\nnew line.a sourcebus b\nnew line.A sourcebus b",
            4,
            "twice",
        ),
        ("clear\n~ bus1=a", 3, "no object"),
    ];
    for (text, line, words) in table {
        let faults = script(&format!("new circuit.x\n{text}")).unwrap_err();
        let fault = &faults.0[0];
        assert_eq!(fault.line, Some(line), "{text}: {faults}");
        assert!(fault.problem.contains(words), "{text}: {faults}");
    }
}

#[test]
fn a_script_that_runs_itself_ends() {
    let faults = script("new circuit.x\nredirect main.dss\nredirect main.dss").unwrap_err();
    assert!(faults.to_string().contains("circle"), "{faults}");
}

#[test]
fn a_script_without_a_circuit_is_refused_even_when_skipping() {
    let mut file = |_: &Path| Ok(b"new line.a bus1=a bus2=b".to_vec());
    let faults = opendss::read_from(&mut file, Path::new("main.dss"), OnBad::Skip).unwrap_err();
    assert!(faults.to_string().contains("no source"), "{faults}");
}
