//! What a switch control, fuse, recloser or relay does to the element it switches.
//!
//! As OpenDSS does up to its first solution: fuses, reclosers and relays put their state onto the element
//! whenever they are edited; a switch control does so by `state` only, and by `action` or `normal`, the last one
//! given, when the circuit is solved, unless it is locked by then.

use super::class::Class;

/// The states of one control.
#[derive(Debug, Clone)]
pub(super) struct Control {
    /// The terminal it switches, from 1.
    pub(super) terminal: usize,
    /// Conductors it holds open, one bit each.
    pub(super) held: u32,
    /// Its state has to be put onto the element.
    pub(super) is_due: bool,
    pub(super) is_locked: bool,
    /// What a switch control will do when it may.
    wants_open: bool,
    /// What it was told last, locked or not.
    told_open: bool,
}

impl Default for Control {
    fn default() -> Control {
        Control {
            terminal: 1,
            held: 0,
            is_due: false,
            is_locked: false,
            wants_open: false,
            told_open: false,
        }
    }
}

impl Control {
    pub(super) fn set_state(&mut self, class: Class, property: &str, words: &[String]) {
        let states: Vec<bool> = words.iter().map(|word| opens(word)).collect();
        let first = states.first().copied().unwrap_or_default();
        match class {
            Class::SwtControl => self.tell(property, first),
            // It only says what a reset leads to.
            _ if property == "normal" => {}
            Class::Fuse if property == "state" => {
                for (at, &open) in states.iter().enumerate().take(32) {
                    self.held = if open {
                        self.held | 1 << at
                    } else {
                        self.held & !(1 << at)
                    };
                }
            }
            _ => self.held = all(first),
        }
    }

    fn tell(&mut self, property: &str, open: bool) {
        self.told_open = open;
        if self.is_locked {
            return;
        }
        self.wants_open = open;
        if property == "state" {
            self.held = all(open);
            self.is_due = true;
        }
    }

    /// What a switch control changes at the first solution.
    pub(super) fn at_solution(&self) -> Option<u32> {
        let wanted = all(self.wants_open);
        (!self.is_locked && wanted != self.held).then_some(wanted)
    }

    /// It was told to open and does not, because it is locked.
    pub(super) fn is_kept_from_opening(&self) -> bool {
        self.is_locked && self.told_open && self.held == 0
    }
}

fn all(open: bool) -> u32 {
    if open { u32::MAX } else { 0 }
}

/// Is it `open` or `trip`.
fn opens(word: &str) -> bool {
    matches!(word.to_lowercase().chars().next(), Some('o' | 't'))
}
