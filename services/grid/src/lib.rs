//! The electrical network: what is connected to what, and what goes dark when a device opens.
//!
//! Pure: no database, no clock, no randomness; files are read only by the importers, when asked to.
//!
//! ```text
//! import::{opendss, graph_json}, pack::read ──> Network (plain rows) ──> Grid (compact, searched)
//! demo::town(seed) ──> Pack ──> Network
//! ```
//!
//! [`Network`] is what a file said, [`Grid`] is the checked, interned form that is shared as an
//! `Arc<Grid>` and never changes: a switching operation is an argument of a question, a new network is
//! a new version. Nothing here panics on input: readers return [`Faults`], each naming file, line,
//! column and what is right.

mod affected;
mod below;
mod check;
pub mod demo;
mod diff;
mod fault;
mod flood;
mod ids;
pub mod import;
pub mod infer;
mod lookup;
mod model;
mod network;
pub mod pack;
mod phases;
mod quality;
pub mod simulate;
pub mod snapshot;
mod supply;
mod trace;

pub use affected::AffectedCount;
pub use diff::{Changes, Diff};
pub use fault::{Fault, Faults, OnBad};
pub use lookup::{Lookup, Unknown};
pub use model::{BusIx, DeviceIx, Grid, LoadIx};
pub use network::{Bus, Device, DeviceKind, End, Load, Network, Position, Source};
pub use pack::Pack;
pub use phases::{Phases, PhasesError};
pub use quality::{Island, Report, closing_loops, islands};
pub use supply::Supply;
pub use trace::Dead;
