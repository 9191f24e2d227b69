//! All objects of a script, and the network they make.

use std::collections::{BTreeMap, HashMap};

use super::class::{Class, Known};
use super::device;
use super::object::Object;
use crate::fault::Fault;
use crate::import::{Imported, OPEN_PART, place};
use crate::network::{Bus, DeviceKind, Network};

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
    /// What was passed over or assumed, and how often.
    notes: BTreeMap<String, usize>,
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

    /// Remembers what the user has to be told.
    pub(super) fn note(&mut self, what: String) {
        *self.notes.entry(what).or_default() += 1;
    }

    /// Begins anew; what there was to say is kept.
    pub(super) fn clear(&mut self) {
        *self = Circuit {
            notes: std::mem::take(&mut self.notes),
            ..Circuit::default()
        };
    }

    /// The network and what there is to say about it; what is wrong with an object leaves it out.
    pub(super) fn imported(mut self, faults: &mut Vec<Fault>, mut notes: Vec<String>) -> Imported {
        self.objects.iter_mut().for_each(Object::settle_phases);
        let kinds = self.apply_controls();
        let mut imported = Imported::from(Network {
            name: self.name.clone(),
            ..Network::default()
        });
        for ix in 0..self.objects.len() {
            let added = self.add_rows(&mut imported, ix, kinds.get(&ix).copied());
            let object = &self.objects[ix];
            if let Err(problem) = added {
                faults.push(object.place.fault(Some(&object.given()), problem));
            }
        }
        imported.network.add_missing_buses();
        add_end_buses(&mut imported.network);
        place(
            &mut imported.network,
            |id| self.coordinates.get(id).copied(),
            &mut notes,
        );
        notes.extend(self.notes.into_iter().map(|(what, count)| match count {
            1 => what,
            _ => format!("{what} ({count} times)"),
        }));
        imported.notes = notes;
        imported
    }

    fn add_rows(
        &mut self,
        imported: &mut Imported,
        ix: usize,
        switched_as: Option<DeviceKind>,
    ) -> Result<(), String> {
        let object = &self.objects[ix];
        let network = &mut imported.network;
        match object.class {
            Class::Load => network.loads.push(device::load(object)?),
            Class::Vsource => network.sources.extend(device::source(object)?),
            _ => {}
        }
        let (given, id) = (object.given(), object.id());
        let high = device::high_node(object).filter(|_| object.class.makes_rows());
        let high = high.map(|spec| format!("{given} at {spec:.80?}: nodes above 63 are neutrals, no phases"));
        let rows = device::devices(object, switched_as)?;
        if let [_, part] = rows.as_slice() {
            let aliases = [&id, &part.id].map(|row| (given.clone(), row.clone()));
            imported.aliases.extend(aliases);
            self.note(format!(
                "{given} is open in part: what is open is called {id}{OPEN_PART}, and {given} in a question means both"
            ));
        } else if given != id && object.class.makes_rows() {
            imported.aliases.push((given.clone(), id.clone()));
            self.note(format!("{given:?} is called {id}: an id holds no white space"));
        }
        imported.network.devices.extend(rows);
        high.into_iter().for_each(|note| self.note(note));
        Ok(())
    }

    /// Puts what a control holds onto its element, where that is due and there is one.
    pub(super) fn act(&mut self, ix: usize) {
        let control = &self.objects[ix].control;
        let (terminal, held) = (control.terminal, control.held);
        if !control.is_due {
            return;
        }
        if let Some(target) = self.target(ix) {
            self.objects[target].hold(terminal, held);
            self.objects[ix].control.is_due = false;
        }
    }

    /// The element a control switches; none when there is none that matters here.
    fn target(&self, ix: usize) -> Option<usize> {
        let (class, name) = self.objects[ix].target().split_once('.')?;
        self.find(Class::of(class)?, name)
    }

    /// Switches what the controls switch; answers what each switched element has become.
    fn apply_controls(&mut self) -> HashMap<usize, DeviceKind> {
        let mut kinds = HashMap::new();
        for ix in 0..self.objects.len() {
            if !self.objects[ix].class.is_control() {
                continue;
            }
            self.act(ix);
            let object = &self.objects[ix];
            let Some(target) = self.target(ix) else {
                self.note_without_target(ix);
                continue;
            };
            if !object.enabled {
                continue;
            }
            kinds.insert(target, control_kind(object.class));
            if object.class != Class::SwtControl {
                continue;
            }
            let terminal = object.control.terminal;
            if object.control.is_kept_from_opening() {
                let note = format!(
                    "{} is told to open and is locked: it does nothing, as in OpenDSS",
                    object.given()
                );
                self.note(note);
            } else if let Some(open) = object.control.at_solution() {
                self.objects[target].hold(terminal, open);
            }
        }
        kinds
    }

    fn note_without_target(&mut self, ix: usize) {
        let object = &self.objects[ix];
        let class = object.target().split_once('.').map(|(class, _)| class);
        // What it switches may join nothing.
        if class.is_some_and(|class| matches!(Class::known(class), Known::PassedOver)) {
            return;
        }
        let note = format!(
            "{}: {} switches {:.80?}, which does not exist; it does nothing",
            object.place,
            object.given(),
            object.target()
        );
        self.note(note);
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
