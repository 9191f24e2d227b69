//! From calls to the device: what probably opened, whom it put out, how sure, and why.
//!
//! Pure and offline: evidence goes in with its own times, decisions come out; time is an argument. The
//! final state depends on the set of evidence and on the time asked about, not on the order of arrival, so
//! late, repeated and out-of-order evidence is normal and any decision can be replayed from what was stored.
//!
//! ```text
//! Evidence ─> Engine::accept ─> (classes above its load are scored anew)
//! Engine::decide(now) ─> Changes ─> Engine::incident(key): device, candidates, loads, confidence
//! ```
//!
//! The method, what it cannot know, and measured figures are in `docs/inference.md`; the numbers it uses are
//! in `weights.toml` beside this module. In short: devices that put out the same loads are one candidate;
//! for each the probability of what was heard below it *and of the silence* is computed, integrating over
//! the unknown time of the fault and the unknown share of customers who call; the best joint explanation of
//! all evidence by any number of faults and lone reports wins.
//!
//! To wire it into a service: store every [`Evidence`] with the report it came from, feed it to one engine
//! per grid version, call [`Engine::decide`] after a batch and at least every half minute, and write the
//! [`Change`]s. After a restart feed the stored evidence again, then the stored overrules and switchings.

mod atlas;
mod boxes;
mod crossing;
mod decide;
mod ends;
mod engine;
mod evidence;
mod explain;
mod held;
mod incident;
mod known;
mod likelihood;
mod node;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod order;
mod overrule;
mod record;
pub mod replay;
mod state;
mod tree;
mod weights;

pub use engine::{Change, Engine, Refusal};
pub use evidence::{Evidence, What};
pub use incident::{Candidate, Counted, Incident, IncidentKey};
pub(crate) use state::State;
pub use state::Switched;
pub use weights::Weights;
