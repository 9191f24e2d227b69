//! Storms with known truth, and how well the inference engine reads them.
//!
//! [`storm()`] makes one from a seed: faults, the calls and meter messages they cause, switching by the control
//! room, and what disturbs: callers of nothing, wrong links, lost messages. [`measure()`] plays it to an engine and compares. The makers
//! share no number with the engine: call delays are log-normal here and heavy-tailed there, rates of calling
//! differ from fault to fault, faults fall on protective devices by the lines they protect.

mod links;
mod measure;
mod random;
mod settings;
mod storm;
mod transfers;

pub use measure::{Score, measure};
pub use settings::StormSettings;
pub use storm::{Storm, StormFault, storm};
