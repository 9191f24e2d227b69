//! All objects of a script, and the network they make.

use std::collections::HashMap;

use super::class::{Class, Known};
use super::object::Object;
use crate::fault::Fault;
use crate::ids::check_id;
use crate::import::place;
use crate::network::{Bus, Device, DeviceKind, End, Load, Network, Source};
use crate::phases::Phases;

/// Objects in order of definition, found by class and name.
#[derive(Default)]
pub(super) struct Circuit {
    pub(super) name: String,
    pub(super) objects: Vec<Object>,
    by_id: HashMap<(Class, String), usize>,
    /// Bus to (lon, lat), or to (x, y) of an unknown projection.
    pub(super) coordinates: HashMap<String, (f64, f64)>,
    /// A second object may have the name of the first.
    pub(super) allows_duplicates: bool,
}

impl Circuit {
    pub(super) fn find(&self, class: Class, name: &str) -> Option<usize> {
        self.by_id.get(&(class, name.to_lowercase())).copied()
    }

    /// Adds an object, or answers the one there is under that name.
    pub(super) fn add(&mut self, object: Object) -> usize {
        let key = (object.class, object.name.clone());
        let next = self.objects.len();
        let at = *self.by_id.entry(key).or_insert(next);
        if at == next {
            self.objects.push(object);
        }
        at
    }

    pub(super) fn network(mut self, faults: &mut Vec<Fault>, notes: &mut Vec<String>) -> Network {
        let kinds = self.apply_controls(faults);
        let mut network = Network {
            name: self.name.clone(),
            ..Network::default()
        };
        for (ix, object) in self.objects.iter().enumerate() {
            if let Err(problem) = add_row(&mut network, object, kinds.get(&ix).copied()) {
                faults.push(object.place.fault(Some(&object.id()), problem));
            }
        }
        network.add_missing_buses();
        add_end_buses(&mut network);
        place(&mut network, |id| self.coordinates.get(id).copied(), notes);
        network
    }

    /// Switches what the controls switch; answers what each switched element has become.
    fn apply_controls(&mut self, faults: &mut Vec<Fault>) -> HashMap<usize, DeviceKind> {
        let mut kinds = HashMap::new();
        let controls: Vec<Object> = self
            .objects
            .iter()
            .filter(|object| object.class.is_control() && object.enabled)
            .cloned()
            .collect();
        for control in controls {
            let target = if control.switched.is_empty() {
                &control.monitored
            } else {
                &control.switched
            };
            let (class, name) = target.split_once('.').unwrap_or_default();
            let class = match Class::known(class) {
                Known::Here(class) => Some(class),
                // What it switches joins nothing.
                Known::PassedOver => continue,
                Known::No => None,
            };
            match class.and_then(|class| self.find(class, name)) {
                Some(ix) => {
                    kinds.insert(ix, control_kind(control.class));
                    self.objects[ix].open |= control.holds_open();
                }
                None => faults.push(control.place.fault(
                    Some(&control.id()),
                    format!("switches {target:.80?}, which does not exist; name it like line.NAME"),
                )),
            }
        }
        kinds
    }
}

fn control_kind(class: Class) -> DeviceKind {
    match class {
        Class::Fuse => DeviceKind::Fuse,
        Class::Recloser => DeviceKind::Recloser,
        Class::Relay => DeviceKind::Breaker,
        _ => DeviceKind::Switch,
    }
}

/// Sources and loads may hang on a bus no device names.
fn add_end_buses(network: &mut Network) {
    let mut known: std::collections::HashSet<String> =
        network.buses.iter().map(|bus| bus.id.clone()).collect();
    let named = network
        .sources
        .iter()
        .map(|source| &source.bus)
        .chain(network.loads.iter().map(|load| &load.bus));
    for id in named {
        if known.insert(id.clone()) {
            network.buses.push(Bus {
                id: id.clone(),
                position: None,
            });
        }
    }
}

fn add_row(network: &mut Network, object: &Object, switched_as: Option<DeviceKind>) -> Result<(), String> {
    let kind = match object.class {
        Class::Line if object.is_switch => DeviceKind::Switch,
        Class::Line => DeviceKind::Line,
        Class::Transformer | Class::AutoTrans => DeviceKind::Transformer,
        // With one bus they stand between it and the ground.
        Class::Reactor | Class::Capacitor if object.buses[1].is_empty() => return Ok(()),
        Class::Reactor | Class::Capacitor => DeviceKind::Reactor,
        Class::Load => return load(object).map(|load| network.loads.push(load)),
        Class::Vsource => return source(object).map(|source| network.sources.extend(source)),
        _ => return Ok(()),
    };
    check_id(&object.id())?;
    let device = Device {
        id: object.id(),
        // Controls are what makes a line a switching device; a transformer stays one.
        kind: switched_as
            .filter(|_| kind != DeviceKind::Transformer)
            .unwrap_or(kind),
        ends: ends(object, kind)?,
        in_service: object.enabled,
        open: object.open,
        length_m: None,
    };
    if device.ends.len() >= 2 {
        network.devices.push(device);
    }
    Ok(())
}

/// The grounded windings and terminals of a device are left out; they join nothing.
fn ends(object: &Object, kind: DeviceKind) -> Result<Vec<End>, String> {
    // A transformer has a neutral behind the phases of each winding, an autotransformer their other ends.
    let extra = match object.class {
        Class::AutoTrans => object.phases,
        _ => usize::from(kind == DeviceKind::Transformer),
    };
    let mut ends = Vec::new();
    for spec in &object.buses {
        let (bus, nodes) = terminal(spec, object.phases, object.phases + extra)?;
        if let Some(phases) = nodes {
            ends.push(End { bus, phases });
        }
    }
    Ok(ends)
}

fn load(object: &Object) -> Result<Load, String> {
    // A delta load of one or two phases has a conductor more; a wye load has its neutral.
    let conductors = object.phases + usize::from(!object.is_delta || object.phases < 3);
    let (bus, phases) = terminal(&object.buses[0], object.phases, conductors)?;
    check_id(&object.id())?;
    Ok(Load {
        id: object.id(),
        bus,
        phases: phases.ok_or("all nodes are grounded; write the phases, like BUS.1.2.3")?,
        customers: object.customers,
        in_service: object.enabled && !object.open,
    })
}

/// None when the source is not there at the start.
fn source(object: &Object) -> Result<Option<Source>, String> {
    let (bus, phases) = terminal(&object.buses[0], object.phases, object.phases)?;
    if !object.buses[1].is_empty() {
        let (other, nodes) = terminal(&object.buses[1], object.phases, object.phases)?;
        if nodes.is_some() && other != bus {
            return Err("a source between two buses is not understood; leave bus2 out".to_owned());
        }
    }
    Ok((object.enabled && !object.open).then_some(Source { bus, phases }))
}

/// The bus of `BUS.1.2.0` and its nodes: the first `phases` conductors default to 1, 2, 3, the others
/// to ground. None when every node is the ground.
fn terminal(spec: &str, phases: usize, conductors: usize) -> Result<(String, Option<Phases>), String> {
    let mut parts = spec.trim().split('.');
    let bus = parts.next().unwrap_or_default().trim().to_lowercase();
    if bus.is_empty() {
        return Err("a bus is missing; write bus1=NAME, or buses=[A B] for a transformer".to_owned());
    }
    check_id(&bus)?;
    if !(1..=8).contains(&phases) {
        return Err(format!("{phases} phases; write 1 to 8"));
    }
    let mut nodes: Vec<u8> = (1..=conductors)
        .map(|k| if k <= phases { k as u8 } else { 0 })
        .collect();
    for (node, given) in nodes.iter_mut().zip(parts) {
        *node = given
            .trim()
            .parse()
            .map_err(|_| format!("{spec:.80?}: a node is a number from 0 to 9"))?;
    }
    let mut live: Vec<u8> = Vec::new();
    for node in nodes.into_iter().filter(|&node| node != 0) {
        if !live.contains(&node) {
            live.push(node);
        }
    }
    if live.is_empty() {
        return Ok((bus, None));
    }
    Ok((
        bus,
        Some(Phases::new(&live).map_err(|error| format!("{spec:.80?}: {error}"))?),
    ))
}
