//! OpenDSS: what is open in part, what neutrals do, and what is told.

use relight_grid::{Dead, Lookup};

use crate::data;
use crate::opendss::{devices, script};

/// Phase loss is stated, and the device is one for who asks.
#[test]
fn a_conductor_that_is_open_takes_its_phase_alone() -> anyhow::Result<()> {
    let table = [
        ("open line.a 1 1", "sourcebus:1 b:1 open"),
        (
            "new fuse.f line.a state=(closed open closed)",
            "sourcebus:2 b:2 open",
        ),
        ("open line.a 1\nclose line.a 1 3", "sourcebus:12 b:12 open"),
    ];
    for (text, open) in table {
        let text = format!(
            "new circuit.x\nnew line.a sourcebus b\n{text}\nnew load.all bus1=b\nnew load.one phases=1 bus1=b.2"
        );
        let imported = script(&text)?;
        assert!(devices(&imported)[1].ends_with(open), "{text}");
        let grid = data::grid(&imported.network);
        let dead = grid.dead(&[], &[]);
        assert!(
            dead.partly_dead_loads.contains(&grid.load("load.all").unwrap()),
            "{text}"
        );
        let both = Lookup::new(&grid, &imported).devices("LINE.A")?;
        assert_eq!(grid.dead(&[], &both), Dead::default(), "{text}");
        assert_eq!(grid.dead(&both, &[]).dead_loads.len(), 2, "{text}");
    }
    Ok(())
}

/// A winding taken off leaves the others in service.
#[test]
fn an_open_winding_is_off_alone() -> anyhow::Result<()> {
    let text = "new circuit.x\nnew transformer.t phases=1 windings=3 buses=[sourcebus.2 x.1.0 x.0.2]\n\
                open transformer.t 3\nnew load.one phases=1 bus1=x.1\nnew load.two phases=1 bus1=x.2";
    let imported = script(text)?;
    let grid = data::grid(&imported.network);
    assert_eq!(grid.dead(&[], &[]).dead_loads, [grid.load("load.two").unwrap()]);
    Ok(())
}

/// The neutral goes on behind the open phase; the load it comes back from is dead all the same.
#[test]
fn a_neutral_feeds_nobody() -> anyhow::Result<()> {
    let text = "new circuit.x\nnew transformer.t buses=[sourcebus m.1.2.3.4] conns=[delta wye]\n\
                new line.four phases=4 bus1=m.1.2.3.4 bus2=n.1.2.3.4\nnew line.p phases=1 bus1=n.1 bus2=e.1\n\
                new line.n phases=1 bus1=n.4 bus2=e.4\nnew load.l phases=1 bus1=e.1.4\n\
                new transformer.s phases=1 buses=[e.1.4 f.1.0]\nnew load.low phases=1 bus1=f.1";
    let imported = script(text)?;
    let grid = data::grid(&imported.network);
    assert_eq!(grid.dead(&[], &[]), Dead::default());
    let dead = grid.dead(&[grid.device("line.p").unwrap()], &[]);
    assert_eq!((dead.dead_loads.len(), dead.partly_dead_loads.len()), (2, 0));
    Ok(())
}

#[test]
fn what_was_passed_over_or_assumed_is_told() {
    let table = [
        (
            "new line.a sourcebus.1 b.1 linecode=nix",
            "linecode \"nix\" is not defined",
        ),
        ("new frob.f bus1=b", "class \"frob\" is not known"),
        (
            "new line.a sourcebus b frob=1",
            "\"frob\" is no property of a line",
        ),
        (
            "new line.a sourcebus b\nnew line.A sourcebus c",
            "defined twice, the second edits the first",
        ),
        (
            "new line.a sourcebus b\nopen line.a 1 2",
            "line.a is open in part",
        ),
        (
            "new line.a sourcebus b\nnew swtcontrol.s line.a action=open lock=y",
            "is locked",
        ),
        ("new swtcontrol.s line.nix", "does not exist; it does nothing"),
        ("buscoords nix.csv", "nix.csv cannot be read"),
        ("set datapath=/nix", "the folder stays as it is"),
        ("disable load.nix", "disable load.nix: it does not exist"),
        ("new gicline.g sourcebus b", "class gicline"),
        ("new \"line.a b\" sourcebus b", "is called line.a_b"),
    ];
    for (text, words) in table {
        let notes = script(&format!("new circuit.x\n{text}")).unwrap().notes;
        assert!(notes.iter().any(|note| note.contains(words)), "{text}: {notes:?}");
    }
}
