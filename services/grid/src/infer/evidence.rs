//! What is known: one call, one meter's word, one switch's position, each with its own time.

use crate::model::{DeviceIx, LoadIx};

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// A customer says there is no supply.
    Call(LoadIx),
    /// A meter's last word as its supply went.
    LastGasp(LoadIx),
    /// A meter was asked and is without supply.
    PingOff(LoadIx),
    /// A meter was asked and has supply.
    PingOn(LoadIx),
    /// Telemetry says a device opened.
    ScadaOpen(DeviceIx),
}

/// One piece of evidence. Two that are equal are one: a duplicate changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Evidence {
    /// When it happened, milliseconds of any fixed clock (Unix time, or from the start of a storm).
    pub at_ms: i64,
    /// What was heard.
    pub what: What,
}

impl Evidence {
    /// `what`, heard at `at_ms`.
    pub fn new(at_ms: i64, what: What) -> Evidence {
        Evidence { at_ms, what }
    }

    /// The load it is about; none for telemetry.
    pub fn load(&self) -> Option<LoadIx> {
        match self.what {
            What::Call(load) | What::LastGasp(load) | What::PingOff(load) | What::PingOn(load) => Some(load),
            What::ScadaOpen(_) => None,
        }
    }
}
