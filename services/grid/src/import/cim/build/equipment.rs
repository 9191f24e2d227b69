//! What joins nodes, as devices.

use super::super::rdf::Object;
use super::{Model, Terminal, is_connected, is_in_service, phases};
use crate::import::OPEN_PART;
use crate::network::{Device, DeviceKind, End, Network};

impl Model<'_> {
    /// None for what joins a node with the ground; two where only some phases are open.
    pub(super) fn device(&self, object: &Object, kind: DeviceKind) -> Result<Vec<Device>, String> {
        if object.class == "GroundDisconnector" {
            return Ok(Vec::new());
        }
        let terminals = self.terminals(object, 2)?;
        let connected = terminals.iter().all(|terminal| is_connected(terminal.object));
        let row = |part: &str, ends: Vec<End>, open: bool| Device {
            id: format!(
                "{}{part}",
                self.devices.of(&object.mrid).map_or("", String::as_str)
            ),
            kind,
            ends,
            in_service: is_in_service(object),
            open: open || !connected,
            length_m: object
                .number("Conductor.length")
                .filter(|length| length.is_finite() && *length >= 0.0),
        };
        let sides = if kind.is_switching() {
            ["phaseSide1", "phaseSide2"]
        } else {
            ["phase", "phase"]
        };
        let (open, closed): (Vec<&Object>, Vec<&Object>) = self
            .live_phases(object, sides[0])
            .partition(|phase| is_open(object, Some(phase)));
        if connected && !open.is_empty() && !closed.is_empty() {
            return Ok(vec![
                row("", self.some_ends(terminals, sides, &closed)?, false),
                row(OPEN_PART, self.some_ends(terminals, sides, &open)?, true),
            ]);
        }
        let mut ends = Vec::with_capacity(2);
        for (terminal, side) in terminals.iter().zip(sides) {
            ends.push(End {
                bus: self.bus(&terminal.node)?,
                phases: self.phases_of(object, side, terminal.object)?,
            });
        }
        // Without phase objects the switch speaks for all.
        let open = closed.is_empty() && (!open.is_empty() || is_open(object, None));
        Ok(vec![row("", ends, open)])
    }

    /// The phase objects of an equipment that are no neutral.
    fn live_phases<'o>(&'o self, object: &Object, side: &'o str) -> impl Iterator<Item = &'o Object> {
        let phases = self.phases.get(&object.mrid).into_iter().flatten();
        phases
            .copied()
            .filter(move |phase| phase.word(side).is_some_and(|word| word != "N"))
    }

    /// The ends of an equipment on some of its phases.
    fn some_ends(
        &self,
        terminals: &[Terminal<'_>],
        sides: [&str; 2],
        own: &[&Object],
    ) -> Result<Vec<End>, String> {
        let ends = terminals.iter().zip(sides).map(|(terminal, side)| {
            let words: Vec<&str> = own.iter().filter_map(|phase| phase.word(side)).collect();
            Ok(End {
                bus: self.bus(&terminal.node)?,
                phases: phases(&words)?,
            })
        });
        ends.collect()
    }

    /// A transformer that has no tanks.
    pub(super) fn transformer(&self, object: &Object) -> Result<Option<Device>, String> {
        if self.tanks.contains_key(&object.mrid) {
            return Ok(None);
        }
        self.windings(object).map(Some)
    }

    pub(super) fn tank(&self, object: &Object) -> Result<Device, String> {
        self.windings(object)
    }

    fn windings(&self, object: &Object) -> Result<Device, String> {
        let windings = self
            .windings
            .get(&object.mrid)
            .map(Vec::as_slice)
            .unwrap_or_default();
        if windings.len() < 2 {
            return Err(format!(
                "has {} winding(s); a transformer has 2 or more",
                windings.len()
            ));
        }
        let mut ends = Vec::with_capacity(windings.len());
        let mut connected = true;
        for winding in windings {
            let terminal = winding.object.link("TransformerEnd.Terminal").unwrap_or_default();
            let node = self
                .node_of_terminal
                .get(&terminal)
                .map(String::as_str)
                .unwrap_or_default();
            let terminal = self.terminal_by_mrid.get(&terminal).copied();
            connected &= terminal.is_none_or(is_connected);
            let word = winding
                .object
                .word("orderedPhases")
                .or(winding.object.word("TransformerTankEnd.phases"));
            let word = word.or_else(|| terminal.and_then(|terminal| terminal.word("Terminal.phases")));
            let words: Vec<&str> = word.into_iter().collect();
            ends.push(End {
                bus: self.bus(node)?,
                phases: phases(&words)?,
            });
        }
        Ok(Device {
            id: self.devices.of(&object.mrid).cloned().unwrap_or_default(),
            kind: DeviceKind::Transformer,
            ends,
            in_service: is_in_service(object),
            open: !connected,
            length_m: None,
        })
    }
}

/// Is a switch, or one phase of it, open: what is said of the present, else what is normal.
fn is_open(switch: &Object, phase: Option<&Object>) -> bool {
    let whole = switch.is("Switch.open");
    let closed = phase.and_then(|phase| phase.is("SwitchPhase.closed"));
    if closed.is_some() || whole.is_some() {
        return closed == Some(false) || whole == Some(true);
    }
    let normal = phase.and_then(|phase| phase.is("SwitchPhase.normalOpen"));
    normal.or(switch.is("Switch.normalOpen")).unwrap_or(false)
}

/// Lets every name of a device that is open in part stand for both parts, and says so.
pub(super) fn name_parts(network: &Network, aliases: &mut Vec<(String, String)>, notes: &mut Vec<String>) {
    for pair in network.devices.windows(2) {
        let [whole, part] = pair else { continue };
        if part.id.strip_suffix(OPEN_PART) != Some(whole.id.as_str()) {
            continue;
        }
        let names: Vec<String> = aliases
            .iter()
            .filter(|(_, id)| *id == whole.id)
            .map(|(name, _)| name.clone())
            .collect();
        aliases.extend(names.into_iter().map(|name| (name, part.id.clone())));
        aliases.extend([&whole.id, &part.id].map(|id| (whole.id.clone(), id.clone())));
        notes.push(format!(
            "{} is open on some of its phases: they are called {}, and {} in a question means both",
            whole.id, part.id, whole.id
        ));
    }
}
