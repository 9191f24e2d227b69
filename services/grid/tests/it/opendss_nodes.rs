//! OpenDSS: nodes by unusual numbers, and elements few feeders have.

use crate::opendss::{devices, script};

/// As training material of EPRI has it: an ungrounded neutral called 444.
#[test]
fn a_node_above_all_phases_is_a_neutral_and_is_noted() {
    let read = script(
        "new circuit.c bus1=a\n\
         new line.l bus1=a bus2=b phases=3\n\
         new transformer.t phases=3 windings=2 buses=[b.1.2.3.444 c.1.2.3.0] conns=[wye wye]\n\
         new reactor.earth phases=1 bus1=b.444 bus2=b.0\n\
         new load.x bus1=c.1.4000 phases=1\n",
    )
    .expect("a good script");
    assert_eq!(
        devices(&read),
        ["line.l line a:123 b:123", "transformer.t transformer b:123 c:123"]
    );
    assert_eq!(read.network.loads[0].phases.to_string(), "1");
    let noted = |words: &str| read.notes.iter().any(|note| note.contains(words));
    assert!(
        noted("transformer.t at \"b.1.2.3.444\": nodes above 63 are neutrals"),
        "{:?}",
        read.notes
    );
    let faults = script("new circuit.c bus1=a\nnew line.l bus1=a.x bus2=b\n").unwrap_err();
    assert!(
        faults
            .to_string()
            .contains("line 2, line.l: \"a.x\": a node is a number, of a phase up to 63"),
        "{faults}"
    );
}

#[test]
fn a_power_flow_controller_joins_its_buses() {
    let read =
        script("new circuit.c bus1=a\nnew upfc.u bus1=a bus2=b phases=3 refkv=7.2\nnew load.x bus1=b\n")
            .expect("a good script");
    let grid = read.network.grid(uuid::Uuid::nil()).expect("a grid");
    let device = grid.device("upfc.u").expect("it is a device");
    assert!(grid.dead(&[], &[]).dead_loads.is_empty());
    assert_eq!(grid.dead(&[device], &[]).dead_loads.len(), 1);
}

/// What OpenDSS wrote last is nothing here, and nobody is refused for looking at it.
#[test]
fn variables_of_opendss_itself_are_known() {
    let read = script("new circuit.c bus1=a\nnew load.x bus1=a\nshow voltages\nfileedit @LastShowFile\n");
    assert!(read.is_ok(), "{read:?}");
    let faults = script("new circuit.c bus1=a\nredirect @nobody\n").unwrap_err();
    assert!(
        faults
            .to_string()
            .contains("line 2: the variable @nobody has no value"),
        "{faults}"
    );
}
