//! Circuit elements as far as they connect, and their properties.

use super::Place;
use super::token::array;
use crate::network::WINDINGS_MAX;

/// Classes that matter here; all others are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Class {
    Line,
    Transformer,
    Reactor,
    Capacitor,
    Load,
    Vsource,
    SwtControl,
    Fuse,
    Recloser,
    Relay,
    LineCode,
    LineGeometry,
    LineSpacing,
    XfmrCode,
}

/// Property names in OpenDSS order: it decides what a positional value or a shortened name means.
/// Names without an effect on what is connected are left out where that moves no other; the empty
/// name stands for them.
const TABLE: &[(Class, &str, &[&str])] = &[
    (
        Class::Line,
        "line",
        &[
            "bus1", "bus2", "linecode", "length", "phases", "r1", "x1", "r0", "x0", "c1", "c0", "rmatrix",
            "xmatrix", "cmatrix", "switch", "rg", "xg", "rho", "geometry", "units", "spacing", "wires", "",
            "enabled", "like",
        ],
    ),
    (
        Class::Transformer,
        "transformer",
        &[
            "phases",
            "windings",
            "wdg",
            "bus",
            "conn",
            "kv",
            "kva",
            "tap",
            "%r",
            "rneut",
            "xneut",
            "buses",
            "conns",
            "kvs",
            "kvas",
            "taps",
            "xhl",
            "xht",
            "xlt",
            "xscarray",
            "thermal",
            "n",
            "m",
            "flrise",
            "hsrise",
            "%loadloss",
            "%noloadloss",
            "normhkva",
            "emerghkva",
            "sub",
            "maxtap",
            "mintap",
            "numtaps",
            "subname",
            "%imag",
            "ppm_antifloat",
            "%rs",
            "bank",
            "xfmrcode",
            "",
            "enabled",
            "like",
        ],
    ),
    (
        Class::Reactor,
        "reactor",
        &[
            "bus1", "bus2", "phases", "kvar", "kv", "conn", "", "enabled", "like",
        ],
    ),
    (
        Class::Capacitor,
        "capacitor",
        &[
            "bus1", "bus2", "phases", "kvar", "kv", "conn", "", "enabled", "like",
        ],
    ),
    (
        Class::Load,
        "load",
        &[
            "phases", "bus1", "kv", "kw", "pf", "model", "yearly", "daily", "duty", "growth", "conn", "kvar",
            "rneut", "xneut", "status", "class", "vminpu", "vmaxpu", "numcust", "", "enabled", "like",
        ],
    ),
    (
        Class::Vsource,
        "vsource",
        &[
            "bus1",
            "basekv",
            "pu",
            "angle",
            "frequency",
            "phases",
            "bus2",
            "",
            "enabled",
            "like",
        ],
    ),
    (
        Class::SwtControl,
        "swtcontrol",
        &[
            "switchedobj",
            "switchedterm",
            "action",
            "lock",
            "delay",
            "normal",
            "state",
            "reset",
            "",
            "enabled",
            "like",
        ],
    ),
    (
        Class::Fuse,
        "fuse",
        &[
            "monitoredobj",
            "monitoredterm",
            "switchedobj",
            "switchedterm",
            "fusecurve",
            "ratedcurrent",
            "delay",
            "action",
            "normal",
            "state",
            "",
            "enabled",
            "like",
        ],
    ),
    (
        Class::Recloser,
        "recloser",
        &[
            "monitoredobj",
            "monitoredterm",
            "switchedobj",
            "switchedterm",
            "numfast",
            "action",
            "normal",
            "state",
            "",
            "enabled",
            "like",
        ],
    ),
    (
        Class::Relay,
        "relay",
        &[
            "monitoredobj",
            "monitoredterm",
            "switchedobj",
            "switchedterm",
            "type",
            "action",
            "normal",
            "state",
            "",
            "enabled",
            "like",
        ],
    ),
    (Class::LineCode, "linecode", &["nphases", "", "like"]),
    (
        Class::LineGeometry,
        "linegeometry",
        &["nconds", "nphases", "", "like"],
    ),
    (
        Class::LineSpacing,
        "linespacing",
        &["nconds", "nphases", "", "like"],
    ),
    (
        Class::XfmrCode,
        "xfmrcode",
        &["phases", "windings", "wdg", "conn", "conns", "", "like"],
    ),
];

impl Class {
    pub(super) fn of(word: &str) -> Option<Class> {
        let word = word.to_lowercase();
        TABLE.iter().find(|(_, name, _)| *name == word).map(|row| row.0)
    }

    fn row(self) -> &'static (Class, &'static str, &'static [&'static str]) {
        TABLE
            .iter()
            .find(|row| row.0 == self)
            .expect("every class has a row in the table above")
    }

    pub(super) fn name(self) -> &'static str {
        self.row().1
    }

    /// The position of a property: named in full, else the first name it begins, else the left-out ones.
    pub(super) fn property(self, word: &str) -> usize {
        let names = self.row().2;
        let exact = names.iter().position(|name| *name == word);
        let begun = || {
            names
                .iter()
                .position(|name| word.len() >= 2 && name.starts_with(word))
        };
        exact.or_else(begun).unwrap_or(self.left_out())
    }

    /// The name at a position; behind the left-out ones every positional value is one of them.
    pub(super) fn property_at(self, at: usize) -> &'static str {
        self.row().2.get(at).copied().unwrap_or_default()
    }

    /// The position after `at`, for the next positional value.
    pub(super) fn property_after(self, at: usize) -> usize {
        if at == self.left_out() { at } else { at + 1 }
    }

    fn left_out(self) -> usize {
        let names = self.row().2;
        names
            .iter()
            .position(|name| name.is_empty())
            .unwrap_or(names.len())
    }

    /// Does it switch another device.
    pub(super) fn is_control(self) -> bool {
        matches!(
            self,
            Class::SwtControl | Class::Fuse | Class::Recloser | Class::Relay
        )
    }
}

/// One element; only the fields of its class are used.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) class: Class,
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) phases: usize,
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
}

impl Object {
    pub(super) fn new(class: Class, name: String, place: Place) -> Object {
        let terminals = match class {
            Class::Line | Class::Transformer | Class::XfmrCode | Class::Reactor | Class::Capacitor => 2,
            _ => 1,
        };
        let mut object = Object {
            class,
            name,
            place,
            phases: 3,
            enabled: true,
            open: false,
            buses: vec![String::new(); terminals],
            active: 0,
            is_delta: false,
            is_switch: false,
            customers: 1,
            monitored: String::new(),
            switched: String::new(),
        };
        if class == Class::Vsource {
            object.buses[0] = "sourcebus".to_owned();
        }
        object
    }

    pub(super) fn id(&self) -> String {
        format!("{}.{}", self.class.name(), self.name)
    }

    /// Copies everything but the name, as `like` does.
    pub(super) fn copy_from(&mut self, other: &Object) {
        *self = Object {
            name: self.name.clone(),
            place: self.place.clone(),
            ..other.clone()
        };
    }

    /// Takes over what a transformer code says.
    pub(super) fn take_code(&mut self, code: &Object) -> Result<(), String> {
        self.phases = code.phases;
        self.set_windings(code.buses.len())
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
            "action" | "state" if self.class.is_control() => self.open = opens(value)?,
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

fn count(value: &str) -> Result<usize, String> {
    let number: Option<usize> = value.trim().parse().ok();
    number
        .filter(|&n| n <= 1_000_000)
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
