//! CIM100 RDF/XML in the profile distribution tools exchange (GridAPPS-D): what it connects.
//!
//! | CIM | here |
//! |---|---|
//! | `ConnectivityNode` (or `TopologicalNode`, where terminals name that) | bus |
//! | `EnergySource`, `ExternalNetworkInjection` | source |
//! | `ACLineSegment`, `EquivalentBranch` | line |
//! | `SeriesCompensator` | reactor |
//! | `Switch` and its kinds, `Jumper`, `Cut` | switch, breaker, recloser, fuse |
//! | `Junction` and `BusbarSection` with two terminals | line |
//! | `TransformerTank`; a `PowerTransformer` without tanks | transformer |
//! | `EnergyConsumer` and its kinds | load |
//!
//! Phases come from the `...Phase` objects, in the order of their sequence numbers; without any, from
//! the terminal; without that, or with `PhaseCode.none`, all three. The neutral is no phase. `A`, `B`, `C` are 1, 2, 3;
//! `s1` and `s2` of a split-phase secondary are 1 and 2, as are `X` and `Y`, whose phases are not known. A single-phase load in delta hangs between its phase
//! and the next one. A phase of a switch is open when `SwitchPhase.closed` or `Switch.open` says so; where neither is
//! given, by `SwitchPhase.normalOpen`, else `Switch.normalOpen`. A switch open on some phases becomes two devices: under
//! its own name what is closed, and with `.open` behind it what is open; its name in a question means both. A device is
//! also open when a terminal is not connected.
//!
//! A row is called by its name; by its mRID where the name is missing, is no id or is not the only one
//! of its kind. Both are understood in questions, and the name of a bank stands for its tanks.
//!
//! Objects that hang on one node (capacitors, machines, inverters) join nothing and are passed over. Objects of
//! a class not listed here that join two nodes are left out. Notes tell both.

mod build;
mod names;
mod phase;
mod rdf;

use std::io::BufRead;

use crate::fault::{Fault, Faults, OnBad};
use crate::import::Imported;

/// Reads RDF/XML as it comes; `file` is the name faults are reported under.
///
/// # Errors
/// XML that is not well formed; every bad object unless told to skip them.
pub fn read(file: &str, from: impl BufRead, on_bad: OnBad) -> Result<Imported, Faults> {
    let mut faults = Vec::new();
    let objects = rdf::read(from, &mut faults).map_err(|(line, problem)| {
        Faults(vec![Fault {
            file: file.to_owned(),
            line: Some(line),
            column: None,
            problem,
        }])
    })?;
    let built = build::network(objects, &mut faults);
    let mut faults: Vec<Fault> = faults.into_iter().map(|wrong| wrong.in_file(file)).collect();
    let mut network = built.network;
    faults.extend(network.drop_bad(file, |_| None));
    let (network, skipped) = on_bad.judge(network, faults)?;
    if network.sources.is_empty() {
        return Err(Faults(skipped));
    }
    Ok(Imported {
        network,
        skipped,
        notes: built.notes,
        aliases: built.aliases,
    })
}

/// What is wrong with an object.
#[derive(Debug)]
struct Wrong {
    line: u64,
    /// The object, as `Class name`.
    object: String,
    problem: String,
}

impl Wrong {
    fn in_file(self, file: &str) -> Fault {
        Fault {
            file: file.to_owned(),
            line: Some(self.line),
            column: Some(self.object),
            problem: self.problem,
        }
    }
}
