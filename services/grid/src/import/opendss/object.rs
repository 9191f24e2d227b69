//! Circuit elements as far as they connect.

use super::Place;
use super::class::Class;
use super::token::array;
use crate::check::WINDINGS_MAX;

/// One element; only the fields of its class are used.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) class: Class,
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) phases: usize,
    /// Of a line geometry: its conductors, which are its phases unless it is reduced to those.
    conductors: usize,
    is_reduced: bool,
    pub(super) enabled: bool,
    pub(super) open: bool,
    /// Bus specifications with their nodes, one per terminal.
    pub(super) buses: Vec<String>,
    /// The winding that `bus` and `conn` are about, from 0.
    pub(super) active: usize,
    pub(super) is_delta: bool,
    pub(super) is_switch: bool,
    pub(super) customers: u32,
    /// Of a control: the element it watches, and the one it switches.
    pub(super) monitored: String,
    pub(super) switched: String,
    /// Of a switch control: it does not act, and what it would do if it did.
    is_locked: bool,
    wants_open: bool,
}

impl Object {
    pub(super) fn new(class: Class, name: String, place: Place) -> Object {
        let terminals = match class {
            Class::Line | Class::Reactor | Class::Capacitor | Class::Vsource => 2,
            Class::Transformer | Class::AutoTrans | Class::XfmrCode => 2,
            _ => 1,
        };
        let mut object = Object {
            class,
            name,
            place,
            phases: 3,
            conductors: 3,
            is_reduced: false,
            enabled: true,
            open: false,
            buses: vec![String::new(); terminals],
            active: 0,
            is_delta: false,
            is_switch: false,
            customers: 1,
            monitored: String::new(),
            switched: String::new(),
            is_locked: false,
            wants_open: false,
        };
        if class == Class::Vsource {
            object.buses[0] = "sourcebus".to_owned();
        }
        object
    }

    pub(super) fn id(&self) -> String {
        format!("{}.{}", self.class.name(), self.name)
    }

    /// Does as `like` does: takes over everything but the name and the buses, and is in service.
    pub(super) fn copy_from(&mut self, other: &Object) {
        *self = Object {
            name: self.name.clone(),
            place: self.place.clone(),
            buses: self.buses.clone(),
            enabled: true,
            open: false,
            ..other.clone()
        };
        self.buses.resize(other.buses.len(), String::new());
    }

    /// Takes over what a transformer code says.
    pub(super) fn take_code(&mut self, code: &Object) -> Result<(), String> {
        self.phases = code.phases;
        self.set_windings(code.buses.len())
    }

    /// The phases of a line that is built after this code, geometry or spacing.
    pub(super) fn line_phases(&self) -> usize {
        if self.class == Class::LineGeometry && !self.is_reduced {
            self.conductors
        } else {
            self.phases
        }
    }

    /// Does a control hold its element open, once it has acted.
    pub(super) fn holds_open(&self) -> bool {
        match self.class {
            Class::SwtControl if !self.is_locked => self.wants_open,
            _ => self.open,
        }
    }

    /// Sets what a control does to its element. A switch control acts by any of the three properties,
    /// the last one counts, and does nothing while it is locked; `state` acts at once. Of the others
    /// `normal` only says what a reset leads to.
    fn set_state(&mut self, property: &str, value: &str) -> Result<(), String> {
        let open = opens(value)?;
        if self.class != Class::SwtControl {
            if property != "normal" {
                self.open = open;
            }
        } else if !self.is_locked {
            self.wants_open = open;
            if property == "state" {
                self.open = open;
            }
        }
        Ok(())
    }

    fn set_windings(&mut self, count: usize) -> Result<(), String> {
        if !(1..=WINDINGS_MAX).contains(&count) {
            return Err(format!("{count} windings; write 1 to {WINDINGS_MAX}"));
        }
        self.buses.resize(count, String::new());
        Ok(())
    }

    /// Sets a property that refers to nothing else.
    pub(super) fn set(&mut self, property: &str, value: &str) -> Result<(), String> {
        match property {
            "phases" | "nphases" => self.phases = count(value)?,
            "nconds" => self.conductors = count(value)?,
            "reduce" => self.is_reduced = yes(value),
            "enabled" => self.enabled = yes(value),
            "switch" => self.is_switch = yes(value),
            "numcust" => self.customers = count(value)? as u32,
            "windings" => self.set_windings(count(value)?)?,
            "wdg" => self.select_winding(value)?,
            "bus1" => self.buses[0] = value.to_owned(),
            "bus2" if self.buses.len() > 1 => self.buses[1] = value.to_owned(),
            "bus" => self.buses[self.active] = value.to_owned(),
            "buses" => self.set_buses(value)?,
            "conn" if self.class == Class::Load => self.is_delta = is_delta(value),
            "monitoredobj" => self.monitored = value.to_lowercase(),
            "switchedobj" => self.switched = value.to_lowercase(),
            "lock" => self.is_locked = yes(value),
            "action" | "state" | "normal" if self.class.is_control() => self.set_state(property, value)?,
            _ => {}
        }
        Ok(())
    }

    fn select_winding(&mut self, value: &str) -> Result<(), String> {
        let winding = count(value)?;
        if !(1..=self.buses.len()).contains(&winding) {
            return Err(format!(
                "winding {winding} of {}; set windings first",
                self.buses.len()
            ));
        }
        self.active = winding - 1;
        Ok(())
    }

    fn set_buses(&mut self, value: &str) -> Result<(), String> {
        let buses = array(value);
        if buses.len() > self.buses.len() {
            return Err(format!(
                "{} buses for {} windings; set windings first",
                buses.len(),
                self.buses.len()
            ));
        }
        self.buses
            .iter_mut()
            .zip(buses)
            .for_each(|(own, given)| *own = given);
        Ok(())
    }
}

/// A whole number, also when it is written as `3.0`.
fn count(value: &str) -> Result<usize, String> {
    let number: Option<f64> = value.trim().parse().ok();
    number
        .filter(|n| (0.0..=1_000_000.0).contains(n) && n.fract() == 0.0)
        .map(|n| n as usize)
        .ok_or_else(|| format!("{value:.60?} is not a number; write a whole one"))
}

pub(super) fn yes(value: &str) -> bool {
    matches!(value.trim().to_lowercase().chars().next(), Some('y' | 't' | '1'))
}

fn is_delta(value: &str) -> bool {
    let value = value.trim().to_lowercase();
    value.starts_with('d') || value == "ll"
}

/// Is `open` or `trip`, for all conductors alike.
fn opens(value: &str) -> Result<bool, String> {
    let words: Vec<bool> = array(value)
        .iter()
        .map(|word| matches!(word.to_lowercase().chars().next(), Some('o' | 't')))
        .collect();
    match words.split_first() {
        Some((first, rest)) if rest.iter().all(|word| word == first) => Ok(*first),
        Some(_) => Err("conductors in different states; the model opens whole devices".to_owned()),
        None => Ok(false),
    }
}
