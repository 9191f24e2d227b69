//! Circuit elements as far as they connect.

use super::Place;
use super::class::Class;
use super::control::Control;
use super::token::array;
use crate::check::WINDINGS_MAX;

/// One element; only the fields of its class are used.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) class: Class,
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) phases: usize,
    /// The script says so itself, not a code.
    has_own_phases: bool,
    /// The code that would say how many phases there are is not defined.
    lacks_code: bool,
    /// Of a line geometry: its conductors, which are its phases unless it is reduced to those.
    conductors: usize,
    is_reduced: bool,
    pub(super) enabled: bool,
    /// Conductors open at each terminal, one bit each.
    open: Vec<u32>,
    /// The terminal opened or closed last, from 0: one that is not named is this one.
    terminal: usize,
    /// Bus specifications with their nodes, one per terminal.
    pub(super) buses: Vec<String>,
    /// Is the winding or the load in delta, one per terminal.
    deltas: Vec<bool>,
    /// The winding that `bus` and `conn` are about, from 0.
    pub(super) active: usize,
    pub(super) is_switch: bool,
    pub(super) customers: u32,
    /// Of a control: the element it watches, and the one it switches.
    pub(super) monitored: String,
    pub(super) switched: String,
    pub(super) control: Control,
}

impl Object {
    pub(super) fn new(class: Class, name: String, place: Place) -> Object {
        let terminals = match class {
            Class::Line | Class::Reactor | Class::Capacitor | Class::Upfc | Class::Vsource => 2,
            Class::Transformer | Class::AutoTrans | Class::XfmrCode => 2,
            _ => 1,
        };
        let mut object = Object {
            class,
            name,
            place,
            phases: 3,
            has_own_phases: false,
            lacks_code: false,
            conductors: 3,
            is_reduced: false,
            enabled: true,
            open: vec![0; terminals],
            terminal: 0,
            buses: vec![String::new(); terminals],
            deltas: vec![false; terminals],
            active: 0,
            is_switch: false,
            customers: 1,
            monitored: String::new(),
            switched: String::new(),
            control: Control::default(),
        };
        if class == Class::Vsource {
            object.buses[0] = "sourcebus".to_owned();
        }
        object
    }

    /// `class.name`, as the script has it.
    pub(super) fn given(&self) -> String {
        format!("{}.{}", self.class.name(), self.name)
    }

    /// The same as an id.
    pub(super) fn id(&self) -> String {
        one_word(&self.given())
    }

    /// Does as `like` does: takes over everything but the name and the buses, and is in service.
    pub(super) fn copy_from(&mut self, other: &Object) {
        *self = Object {
            name: self.name.clone(),
            place: self.place.clone(),
            buses: self.buses.clone(),
            enabled: true,
            open: vec![0; other.buses.len()],
            ..other.clone()
        };
        self.buses.resize(other.buses.len(), String::new());
    }

    /// Takes over what a transformer code says.
    pub(super) fn take_code(&mut self, code: &Object) -> Result<(), String> {
        self.phases = code.phases;
        self.lacks_code = false;
        self.set_windings(code.buses.len())?;
        self.deltas.clone_from(&code.deltas);
        Ok(())
    }

    /// Takes over how many phases a line code, a geometry or a spacing is for.
    pub(super) fn take_line_code(&mut self, code: &Object) {
        self.phases = code.line_phases();
        self.lacks_code = false;
    }

    /// Does without a code: what the script says itself counts, else the nodes of the buses tell the phases.
    pub(super) fn miss_code(&mut self) {
        self.lacks_code = !self.has_own_phases;
    }

    /// The phases, from the nodes of the first bus that lists any where the code is missing.
    pub(super) fn settle_phases(&mut self) {
        if !self.lacks_code {
            return;
        }
        let listed = |spec: &String| spec.split('.').skip(1).filter(|node| node.trim() != "0").count();
        if let Some(count) = self.buses.iter().map(listed).find(|&count| count > 0) {
            self.phases = count;
        }
    }

    /// The element a control switches: the one it watches when it names no other.
    pub(super) fn target(&self) -> &str {
        if self.switched.is_empty() {
            &self.monitored
        } else {
            &self.switched
        }
    }

    /// The phases of a line that is built after this code, geometry or spacing.
    fn line_phases(&self) -> usize {
        if self.class == Class::LineGeometry && !self.is_reduced {
            self.conductors
        } else {
            self.phases
        }
    }

    /// Opens or closes a conductor of a terminal, counted from 1; 0 means all conductors, and the terminal named last.
    pub(super) fn switch(&mut self, terminal: usize, conductor: usize, open: bool) {
        if (1..=self.buses.len()).contains(&terminal) {
            self.terminal = terminal - 1;
        }
        let bits = match conductor {
            0 => u32::MAX,
            1..=32 => 1 << (conductor - 1),
            _ => 0,
        };
        let own = &mut self.open[self.terminal];
        *own = if open { *own | bits } else { *own & !bits };
    }

    /// Sets all conductors of a terminal.
    pub(super) fn hold(&mut self, terminal: usize, open: u32) {
        self.switch(terminal, 0, false);
        self.open[self.terminal] = open;
    }

    /// The conductors that are phases and open at a terminal.
    pub(super) fn open_conductors(&self, terminal: usize) -> u32 {
        self.open[terminal] & self.all_phases()
    }

    /// Every phase, as conductors.
    pub(super) fn all_phases(&self) -> u32 {
        u32::MAX >> (32 - self.phases.clamp(1, 32))
    }

    pub(super) fn is_delta(&self, terminal: usize) -> bool {
        self.deltas[terminal]
    }

    fn set_windings(&mut self, count: usize) -> Result<(), String> {
        if !(1..=WINDINGS_MAX).contains(&count) {
            return Err(format!("{count} windings; write 1 to {WINDINGS_MAX}"));
        }
        self.buses.resize(count, String::new());
        self.deltas.resize(count, false);
        self.open.resize(count, 0);
        self.active = self.active.min(count - 1);
        self.terminal = self.terminal.min(count - 1);
        Ok(())
    }

    /// Sets a property that refers to nothing else.
    pub(super) fn set(&mut self, property: &str, value: &str) -> Result<(), String> {
        match property {
            "phases" | "nphases" => {
                self.phases = count(value)?;
                (self.has_own_phases, self.lacks_code) = (true, false);
            }
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
            "conn" => self.deltas[self.active] = is_delta(value),
            "conns" => self
                .deltas
                .iter_mut()
                .zip(array(value))
                .for_each(|(own, given)| *own = is_delta(&given)),
            "monitoredobj" => self.monitored = value.to_lowercase(),
            "switchedobj" => self.switched = value.to_lowercase(),
            "switchedterm" => self.control.terminal = count(value)?,
            "lock" => self.control.is_locked = yes(value),
            "action" | "state" | "normal" if self.class.is_control() => {
                self.control.set_state(self.class, property, &array(value));
            }
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
        // A code that comes later may be for more windings.
        self.set_windings(buses.len().max(self.buses.len()))?;
        self.buses
            .iter_mut()
            .zip(buses)
            .for_each(|(own, given)| *own = given);
        Ok(())
    }
}

/// A whole number, also when it is written as `3.0` or to be calculated, as `1 2 +`.
pub(super) fn count(value: &str) -> Result<usize, String> {
    calculated(value)
        .filter(|n| (0.0..=1_000_000.0).contains(n) && n.fract() == 0.0)
        .map(|n| n as usize)
        .ok_or_else(|| format!("{value:.60?} is not a number; write a whole one"))
}

/// The value of numbers and operators in reverse Polish notation.
fn calculated(value: &str) -> Option<f64> {
    let mut stack: Vec<f64> = Vec::new();
    for word in array(value) {
        let result = match word.as_str() {
            "+" | "-" | "*" | "/" => {
                let (right, left) = (stack.pop()?, stack.pop()?);
                match word.as_str() {
                    "+" => left + right,
                    "-" => left - right,
                    "*" => left * right,
                    _ => left / right,
                }
            }
            number => number.parse().ok()?,
        };
        stack.push(result);
    }
    stack.pop().filter(|_| stack.is_empty())
}

pub(super) fn yes(value: &str) -> bool {
    matches!(value.trim().to_lowercase().chars().next(), Some('y' | 't' | '1'))
}

fn is_delta(value: &str) -> bool {
    let value = value.trim().to_lowercase();
    value.starts_with('d') || value == "ll"
}

/// A name as an id may be: white space, which only a quoted name holds, becomes `_`.
pub(super) fn one_word(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join("_")
}
