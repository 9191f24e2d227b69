//! Commands of dispatch: lock, decide with the pure domain, save, tell, set timers; all in the caller's transaction.

mod acknowledge;
mod apply;
mod change;
pub(crate) mod clocks;
pub mod crews;
mod estimate;
mod fired;
mod incident;
mod rights;
pub(crate) mod subject;
mod tell;

pub use acknowledge::acknowledge;
pub use apply::{Act, Command, apply, rehearse};
pub use change::{By, Change};
pub use fired::{climb_fired, clock_fired, shift_fired};
pub use incident::{settle, take};
pub use rights::{may_decide, may_see, may_see_crew, scope};
pub use subject::{settle as settle_subject, settle_all as settle_subjects, take as take_subject};
