//! One circuit element as rows of a network.
//!
//! A device open on some conductors becomes two: under its own id what is closed, and with `.open` behind it
//! what is open, so that closing both makes it whole. The neutral of a wye load, and of a winding of one or two phases,
//! is no phase when it stands on node 4 or above.

use super::class::Class;
use super::object::{Object, one_word};
use crate::ids::check_id;
use crate::import::OPEN_PART;
use crate::network::{Device, DeviceKind, End, Load, Source};
use crate::phases::Phases;

/// Nodes from here on carry neutrals, where a conductor is one.
const FIRST_NEUTRAL: u8 = 4;
/// Nodes above are neutrals by the habit of their authors (`B4.1.2.3.444`): no phase is called so.
const LAST_NODE: u32 = 63;
/// Most phases of an element.
const PHASES_MAX: usize = 21;

/// What joins buses, as it was defined; none for what stands between a bus and the ground.
pub(super) fn devices(object: &Object, switched_as: Option<DeviceKind>) -> Result<Vec<Device>, String> {
    let kind = match object.class {
        Class::Line if object.is_switch => DeviceKind::Switch,
        Class::Line => DeviceKind::Line,
        Class::Transformer | Class::AutoTrans => DeviceKind::Transformer,
        // With a neutral, or with one bus, they stand between it and the ground.
        Class::Reactor | Class::Capacitor if high_node(object).is_some() => return Ok(Vec::new()),
        Class::Reactor | Class::Capacitor | Class::Upfc if object.buses[1].is_empty() => {
            return Ok(Vec::new());
        }
        Class::Reactor | Class::Capacitor | Class::Upfc => DeviceKind::Reactor,
        _ => return Ok(Vec::new()),
    };
    check_id(&object.id())?;
    // Controls are what makes a line a switching device; a transformer stays one.
    let kind = switched_as
        .filter(|_| kind != DeviceKind::Transformer)
        .unwrap_or(kind);
    let parts = match Opened::of(object)? {
        Opened::Nothing => vec![(ends(object, |_, _| true)?, false)],
        Opened::All => vec![(ends(object, |_, _| true)?, true)],
        Opened::Conductors(open) => {
            let is_open = |conductor: usize| open & 1 << conductor != 0;
            vec![
                (ends(object, |_, conductor| !is_open(conductor))?, false),
                (ends(object, |_, conductor| is_open(conductor))?, true),
            ]
        }
        Opened::Windings(open) => vec![
            (ends(object, |winding, _| !open.contains(&winding))?, false),
            (
                ends(object, |winding, _| winding == 0 || open.contains(&winding))?,
                true,
            ),
        ],
    };
    let rows = parts.into_iter().filter(|(ends, _)| ends.len() >= 2);
    let rows = rows.zip(["", OPEN_PART]).map(|((ends, open), part)| Device {
        id: format!("{}{part}", object.id()),
        kind,
        ends,
        in_service: object.enabled,
        open,
        length_m: None,
    });
    Ok(rows.collect())
}

/// What of a device is open.
enum Opened {
    Nothing,
    All,
    /// Of every terminal these, one bit each.
    Conductors(u32),
    /// All of these windings, the first not among them.
    Windings(Vec<usize>),
}

impl Opened {
    fn of(object: &Object) -> Result<Opened, String> {
        let all = object.all_phases();
        let each: Vec<u32> = (0..object.buses.len())
            .map(|at| object.open_conductors(at))
            .collect();
        let (two, any) = (each.len() <= 2, each.iter().fold(0, |any, open| any | open));
        let whole: Vec<usize> = (0..each.len()).filter(|&at| each[at] == all).collect();
        match () {
            () if any == 0 => Ok(Opened::Nothing),
            () if two && any == all || whole.contains(&0) || whole.len() + 1 >= each.len().max(2) => {
                Ok(Opened::All)
            }
            () if two && is_straight(object)? => Ok(Opened::Conductors(any)),
            () if each.iter().all(|&open| open == 0 || open == all) => Ok(Opened::Windings(whole)),
            () => Err(
                "one conductor of a transformer is open; open a whole winding, or the line before it"
                    .to_owned(),
            ),
        }
    }
}

/// Does every conductor go through by itself.
fn is_straight(object: &Object) -> Result<bool, String> {
    let ends = ends(object, |_, _| true)?;
    Ok(ends
        .iter()
        .all(|end| end.phases.mask() == ends[0].phases.mask() && end.phases.iter().count() == object.phases))
}

/// The grounded windings and terminals of a device are left out; they join nothing.
fn ends(object: &Object, takes: impl Fn(usize, usize) -> bool) -> Result<Vec<End>, String> {
    // A transformer has a neutral behind the phases of each winding, an autotransformer their other ends.
    let extra = match object.class {
        Class::AutoTrans => object.phases,
        Class::Transformer => 1,
        _ => 0,
    };
    let mut ends = Vec::new();
    for (at, spec) in object.buses.iter().enumerate() {
        let (bus, mut nodes) = terminal(spec, object.phases, object.phases + extra)?;
        if object.class == Class::Transformer && object.phases < 3 && !object.is_delta(at) {
            drop_neutral(&mut nodes, object.phases);
        }
        let taken = nodes.iter().enumerate();
        let taken = taken.filter(|&(conductor, _)| takes(at, conductor));
        if let Some(phases) = live(spec, taken.map(|(_, &node)| node))? {
            ends.push(End { bus, phases });
        }
    }
    Ok(ends)
}

fn drop_neutral(nodes: &mut [u8], phases: usize) {
    let neutrals = nodes.iter_mut().skip(phases);
    neutrals
        .filter(|node| **node >= FIRST_NEUTRAL)
        .for_each(|node| *node = 0);
}

pub(super) fn load(object: &Object) -> Result<Load, String> {
    let is_delta = object.is_delta(0);
    // A delta load of one or two phases has a conductor more; a wye load has its neutral.
    let conductors = object.phases + usize::from(!is_delta || object.phases < 3);
    let spec = &object.buses[0];
    let (bus, mut nodes) = terminal(spec, object.phases, conductors)?;
    if !is_delta {
        drop_neutral(&mut nodes, object.phases);
    }
    check_id(&object.id())?;
    let whole = live(spec, nodes.iter().copied())?;
    let whole = whole.ok_or("all nodes are grounded; write the phases, like BUS.1.2.3")?;
    let closed = live(spec, closed(object, &nodes))?;
    Ok(Load {
        id: object.id(),
        bus,
        phases: closed.unwrap_or(whole),
        customers: object.customers,
        in_service: object.enabled && closed.is_some(),
    })
}

/// None when the source is not there at the start.
pub(super) fn source(object: &Object) -> Result<Option<Source>, String> {
    let (bus, nodes) = terminal(&object.buses[0], object.phases, object.phases)?;
    if !object.buses[1].is_empty() {
        let (other, nodes) = terminal(&object.buses[1], object.phases, object.phases)?;
        if nodes.iter().any(|&node| node != 0) && other != bus {
            return Err("a source between two buses is not understood; leave bus2 out".to_owned());
        }
    }
    let phases = live(&object.buses[0], nodes.iter().copied())?;
    let closed = live(&object.buses[0], closed(object, &nodes))?;
    let feeds = object.enabled && (closed.is_some() || phases.is_none());
    Ok(feeds.then_some(Source { bus, phases: closed }))
}

/// The nodes of the first terminal whose conductors are closed.
fn closed<'a>(object: &Object, nodes: &'a [u8]) -> impl Iterator<Item = u8> + use<'a> {
    let open = object.open_conductors(0);
    let all = open == object.all_phases();
    let nodes = nodes.iter().enumerate();
    nodes
        .filter(move |&(at, _)| !all && open & 1 << at == 0)
        .map(|(_, &node)| node)
}

/// The bus of `BUS.1.2.0` and its nodes: the first `phases` conductors default to 1, 2, 3, the others to ground.
fn terminal(spec: &str, phases: usize, conductors: usize) -> Result<(String, Vec<u8>), String> {
    let mut parts = spec.trim().split('.');
    let bus = one_word(&parts.next().unwrap_or_default().to_lowercase());
    if bus.is_empty() {
        return Err("a bus is missing; write bus1=NAME, or buses=[A B] for a transformer".to_owned());
    }
    check_id(&bus)?;
    if !(1..=PHASES_MAX).contains(&phases) {
        return Err(format!("{phases} phases; write 1 to {PHASES_MAX}"));
    }
    let mut nodes: Vec<u8> = (1..=conductors)
        .map(|k| if k <= phases { k as u8 } else { 0 })
        .collect();
    for (at, (node, given)) in nodes.iter_mut().zip(parts).enumerate() {
        let number = given.trim().parse::<u32>();
        *node = match number {
            Ok(neutral) if at >= phases && is_high(neutral) => 0,
            Ok(number) if !is_high(number) => number as u8,
            Ok(_) | Err(_) => {
                return Err(format!(
                    "{spec:.80?}: a node is a number, of a phase up to {LAST_NODE}"
                ));
            }
        };
    }
    Ok((bus, nodes))
}

fn is_high(node: u32) -> bool {
    node > LAST_NODE
}

/// A bus of the object with a node no phase has.
pub(super) fn high_node(object: &Object) -> Option<&String> {
    let is_one = |spec: &&String| {
        let mut nodes = spec.split('.').skip(1);
        nodes.any(|node| node.trim().parse().is_ok_and(is_high))
    };
    object.buses.iter().find(is_one)
}

/// The nodes that are not the ground, each once; none when all are.
fn live(spec: &str, nodes: impl Iterator<Item = u8>) -> Result<Option<Phases>, String> {
    let mut live: Vec<u8> = Vec::new();
    for node in nodes.filter(|&node| node != 0) {
        if !live.contains(&node) {
            live.push(node);
        }
    }
    if live.is_empty() {
        return Ok(None);
    }
    Phases::new(&live)
        .map(Some)
        .map_err(|error| format!("{spec:.80?}: {error}"))
}
