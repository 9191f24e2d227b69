//! Objects into a network.

mod equipment;
mod places;

use std::collections::{BTreeMap, HashMap};

use super::names::Ids;
use super::rdf::Object;
use super::{Wrong, phase};
use crate::network::{Bus, DeviceKind, Load, Network, Source};
use crate::phases::Phases;

/// A network and what there is to say about it.
pub(super) struct Built {
    pub(super) network: Network,
    pub(super) notes: Vec<String>,
    pub(super) aliases: Vec<(String, String)>,
}

/// What an object is in a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Node,
    Source,
    Device(DeviceKind),
    /// Joins its nodes, if it has two, without anything that could open.
    Joint,
    /// Becomes devices by its tanks, or one of its own.
    Transformer,
    Tank,
    Load,
    Other,
}

fn role(class: &str) -> Role {
    match class {
        "ConnectivityNode" | "TopologicalNode" => Role::Node,
        "EnergySource" | "ExternalNetworkInjection" => Role::Source,
        "ACLineSegment" | "EquivalentBranch" | "Conductor" => Role::Device(DeviceKind::Line),
        "SeriesCompensator" => Role::Device(DeviceKind::Reactor),
        "Breaker" | "DisconnectingCircuitBreaker" => Role::Device(DeviceKind::Breaker),
        "Recloser" => Role::Device(DeviceKind::Recloser),
        "Fuse" => Role::Device(DeviceKind::Fuse),
        "Switch" | "LoadBreakSwitch" | "Disconnector" | "Sectionaliser" | "ProtectedSwitch" | "Jumper"
        | "Cut" | "Fuseholder" | "GroundDisconnector" => Role::Device(DeviceKind::Switch),
        "Junction" | "BusbarSection" => Role::Joint,
        "PowerTransformer" => Role::Transformer,
        "TransformerTank" => Role::Tank,
        "EnergyConsumer" | "ConformLoad" | "NonConformLoad" => Role::Load,
        _ => Role::Other,
    }
}

/// Where a terminal is, and what else it says.
struct Terminal<'a> {
    object: &'a Object,
    node: String,
    sequence: f64,
}

/// A winding of a transformer or of a tank.
struct Winding<'a> {
    object: &'a Object,
    number: f64,
}

/// All objects of a file, found by what they belong to.
struct Model<'a> {
    objects: &'a [Object],
    terminals: HashMap<String, Vec<Terminal<'a>>>,
    /// Terminals by their own mRID: the node.
    node_of_terminal: HashMap<String, String>,
    terminal_by_mrid: HashMap<String, &'a Object>,
    /// Phase objects by the equipment they belong to, in order.
    phases: HashMap<String, Vec<&'a Object>>,
    windings: HashMap<String, Vec<Winding<'a>>>,
    tanks: HashMap<String, Vec<&'a Object>>,
    buses: Ids,
    devices: Ids,
    loads: Ids,
}

/// The network of `objects`; what is wrong with one is added to `faults` and leaves it out.
pub(super) fn network(objects: Vec<Object>, faults: &mut Vec<Wrong>) -> Built {
    let model = Model::new(&objects);
    let mut network = Network {
        name: model.name(),
        ..Network::default()
    };
    let mut passed_over: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    for object in &objects {
        let done = match role(&object.class) {
            Role::Node => Ok(()),
            Role::Source => model.source(object).map(|source| network.sources.extend(source)),
            Role::Device(kind) => model
                .device(object, kind)
                .map(|device| network.devices.extend(device)),
            Role::Joint if model.terminals(object, 2).is_ok() => model
                .device(object, DeviceKind::Line)
                .map(|device| network.devices.extend(device)),
            Role::Transformer => model
                .transformer(object)
                .map(|device| network.devices.extend(device)),
            Role::Tank => model.tank(object).map(|device| network.devices.push(device)),
            Role::Load => model.load(object).map(|load| network.loads.push(load)),
            Role::Joint | Role::Other => {
                model.other(object, &mut passed_over);
                Ok(())
            }
        };
        if let Err(problem) = done {
            faults.push(object.wrong(problem));
        }
    }
    network.buses = model.bus_rows();
    let mut notes: Vec<String> = passed_over
        .iter()
        .map(|((class, joins), count)| match joins {
            false => format!("{count} {class} passed over: they join nothing"),
            true => format!("{count} {class} left out with what they join: the class is not known"),
        })
        .collect();
    model.place(&mut network, &mut notes);
    let mut aliases = model.aliases();
    equipment::name_parts(&network, &mut aliases, &mut notes);
    Built {
        network,
        notes,
        aliases,
    }
}

impl<'a> Model<'a> {
    fn new(objects: &'a [Object]) -> Model<'a> {
        let of = |wanted: &dyn Fn(Role) -> bool| -> Vec<&'a Object> {
            objects
                .iter()
                .filter(|object| wanted(role(&object.class)))
                .collect()
        };
        let has_tanks: std::collections::HashSet<String> = objects
            .iter()
            .filter_map(|object| object.link("TransformerTank.PowerTransformer"))
            .collect();
        let is_device = |role| {
            matches!(
                role,
                Role::Device(_) | Role::Joint | Role::Transformer | Role::Tank
            )
        };
        let mut devices = of(&is_device);
        devices.retain(|object| !has_tanks.contains(&object.mrid));
        let mut model = Model {
            objects,
            terminals: HashMap::new(),
            node_of_terminal: HashMap::new(),
            terminal_by_mrid: HashMap::new(),
            phases: HashMap::new(),
            windings: HashMap::new(),
            tanks: HashMap::new(),
            buses: Ids::new(&nodes_in_use(objects)),
            devices: Ids::new(&devices),
            loads: Ids::new(&of(&|role| role == Role::Load)),
        };
        objects.iter().for_each(|object| model.index(object));
        model.sort();
        model
    }

    fn index(&mut self, object: &'a Object) {
        match object.class.as_str() {
            "Terminal" => {
                let node = node_of(object);
                self.node_of_terminal.insert(object.mrid.clone(), node.clone());
                self.terminal_by_mrid.insert(object.mrid.clone(), object);
                if let Some(equipment) = object.link("ConductingEquipment") {
                    self.terminals.entry(equipment).or_default().push(Terminal {
                        object,
                        node,
                        sequence: object.number("sequenceNumber").unwrap_or(f64::MAX),
                    });
                }
            }
            "TransformerTankEnd" | "PowerTransformerEnd" => {
                let owner = object.link("TransformerTankEnd.TransformerTank");
                let owner = owner.or_else(|| object.link("PowerTransformerEnd.PowerTransformer"));
                if let Some(owner) = owner {
                    self.windings.entry(owner).or_default().push(Winding {
                        object,
                        number: object.number("endNumber").unwrap_or(f64::MAX),
                    });
                }
            }
            "TransformerTank" => {
                if let Some(bank) = object.link("TransformerTank.PowerTransformer") {
                    self.tanks.entry(bank).or_default().push(object);
                }
            }
            "ACLineSegmentPhase" | "SwitchPhase" | "EnergyConsumerPhase" | "EnergySourcePhase" => {
                let owners = ["ACLineSegment", "Switch", "EnergyConsumer", "EnergySource"];
                let qualified = |owner: &&str| object.link(&format!("{}.{owner}", object.class));
                if let Some(owner) = owners.iter().find_map(qualified) {
                    self.phases.entry(owner).or_default().push(object);
                }
            }
            _ => {}
        }
    }

    /// Everything in the order of its numbers.
    fn sort(&mut self) {
        for terminals in self.terminals.values_mut() {
            terminals.sort_by(|a, b| a.sequence.total_cmp(&b.sequence));
        }
        for windings in self.windings.values_mut() {
            windings.sort_by(|a, b| a.number.total_cmp(&b.number));
        }
        for phases in self.phases.values_mut() {
            let number = |object: &Object| object.number("sequenceNumber").unwrap_or(f64::MAX);
            let letter = |object: &Object| {
                object
                    .word("phase")
                    .or(object.word("phaseSide1"))
                    .map(str::to_owned)
            };
            phases.sort_by(|a, b| number(a).total_cmp(&number(b)).then(letter(a).cmp(&letter(b))));
        }
    }

    fn name(&self) -> String {
        let named = |class: &str| self.objects.iter().find(|object| object.class == class);
        let found = named("Feeder")
            .or_else(|| named("Line"))
            .or_else(|| named("Substation"));
        found.map(|object| object.name().to_owned()).unwrap_or_default()
    }

    fn bus_rows(&self) -> Vec<Bus> {
        let nodes = nodes_in_use(self.objects);
        let row = |node: &&Object| Bus {
            id: self.buses.of(&node.mrid).cloned().unwrap_or_default(),
            position: None,
        };
        nodes.iter().map(row).collect()
    }

    fn aliases(&self) -> Vec<(String, String)> {
        let mut aliases = [self.devices.aliases.clone(), self.loads.aliases.clone()].concat();
        for bank in self
            .objects
            .iter()
            .filter(|object| role(&object.class) == Role::Transformer)
        {
            for tank in self.tanks.get(&bank.mrid).into_iter().flatten() {
                let Some(id) = self.devices.of(&tank.mrid) else {
                    continue;
                };
                for alias in [bank.name(), &bank.given] {
                    aliases.push((alias.to_owned(), id.clone()));
                }
            }
        }
        aliases
    }

    /// The bus of a node.
    fn bus(&self, node: &str) -> Result<String, String> {
        match self.buses.of(node) {
            Some(id) => Ok(id.clone()),
            None if node.is_empty() => Err("a terminal names no node".to_owned()),
            None => Err(format!("a terminal names the node {node}, which does not exist")),
        }
    }

    /// The terminals of an equipment; there must be `count`.
    fn terminals(&self, object: &Object, count: usize) -> Result<&[Terminal<'a>], String> {
        let terminals = self
            .terminals
            .get(&object.mrid)
            .map(Vec::as_slice)
            .unwrap_or_default();
        if terminals.len() == count {
            return Ok(terminals);
        }
        Err(format!("has {} terminal(s), not {count}", terminals.len()))
    }

    /// Phases of an equipment by its phase objects, else by its terminal, else all three.
    fn phases_of(&self, object: &Object, property: &str, terminal: &Object) -> Result<Phases, String> {
        let words: Vec<&str> = match self.phases.get(&object.mrid) {
            Some(phases) => phases.iter().filter_map(|phase| phase.word(property)).collect(),
            None => terminal.word("Terminal.phases").into_iter().collect(),
        };
        phases(&words)
    }

    fn load(&self, object: &Object) -> Result<Load, String> {
        let terminal = &self.terminals(object, 1)?[0];
        let mut phases = self.phases_of(object, "phase", terminal.object)?;
        if object.word("phaseConnection") == Some("D") {
            let each = self.phases.get(&object.mrid).into_iter().flatten();
            let is_secondary = each
                .filter_map(|phase| phase.word("phase"))
                .any(|word| word.starts_with('s'));
            let list: Vec<u8> = phases.iter().collect();
            phases = Phases::new(&phase::in_delta(&list, is_secondary)).map_err(|error| error.to_string())?;
        }
        let customers = object.number("customerCount").unwrap_or(1.0);
        if !(0.0..=1_000_000.0).contains(&customers) {
            return Err("customerCount must be a number from 0 to 1,000,000".to_owned());
        }
        Ok(Load {
            id: self.loads.of(&object.mrid).cloned().unwrap_or_default(),
            bus: self.bus(&terminal.node)?,
            phases,
            customers: customers as u32,
            in_service: is_in_service(object) && is_connected(terminal.object),
        })
    }

    /// None when it is out of service.
    fn source(&self, object: &Object) -> Result<Option<Source>, String> {
        let terminal = &self.terminals(object, 1)?[0];
        let bus = self.bus(&terminal.node)?;
        let phases = match self.phases.contains_key(&object.mrid) {
            true => Some(self.phases_of(object, "phase", terminal.object)?),
            false => None,
        };
        let feeds = is_in_service(object) && is_connected(terminal.object);
        Ok(feeds.then_some(Source { bus, phases }))
    }

    /// An object of a class we do not know, or of one that is no device here; does it join two nodes.
    fn other(&self, object: &'a Object, passed_over: &mut BTreeMap<(&'a str, bool), usize>) {
        let Some(terminals) = self.terminals.get(&object.mrid) else {
            return;
        };
        let joins = terminals
            .iter()
            .any(|terminal| terminal.node != terminals[0].node);
        *passed_over.entry((object.class.as_str(), joins)).or_default() += 1;
    }
}

/// The node a terminal is at; the empty text when it names none.
fn node_of(terminal: &Object) -> String {
    let node = terminal.link("Terminal.ConnectivityNode");
    node.or_else(|| terminal.link("Terminal.TopologicalNode"))
        .unwrap_or_default()
}

/// Connectivity nodes; topological ones only where terminals name those instead.
fn nodes_in_use(objects: &[Object]) -> Vec<&Object> {
    let mut by_topology = objects.iter().filter(|object| object.class == "Terminal");
    let by_topology = by_topology.any(|object| object.get("Terminal.ConnectivityNode").is_none());
    let of = |class: &str| {
        objects
            .iter()
            .filter(move |object| object.class == class)
            .collect::<Vec<_>>()
    };
    let mut nodes = of("ConnectivityNode");
    if by_topology {
        let mut named: std::collections::HashSet<String> = objects
            .iter()
            .filter(|object| object.class == "Terminal" && object.get("Terminal.ConnectivityNode").is_none())
            .filter_map(|object| object.link("Terminal.TopologicalNode"))
            .collect();
        nodes.extend(
            of("TopologicalNode")
                .into_iter()
                .filter(|node| named.remove(&node.mrid)),
        );
    }
    nodes
}

fn is_in_service(object: &Object) -> bool {
    let in_service = object.is("Equipment.inService");
    in_service
        .or(object.is("Equipment.normallyInService"))
        .unwrap_or(true)
}

fn is_connected(terminal: &Object) -> bool {
    terminal.is("ACDCTerminal.connected").unwrap_or(true)
}

/// The phases of some words; all three when none says any.
fn phases(words: &[&str]) -> Result<Phases, String> {
    let mut numbers = Vec::new();
    let said = words.iter().filter(|word| **word != "none");
    if said.clone().count() == 0 {
        return Ok(phase::all());
    }
    for word in said {
        for number in phase::numbers(word)? {
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
    }
    Phases::new(&numbers).map_err(|error| error.to_string())
}
