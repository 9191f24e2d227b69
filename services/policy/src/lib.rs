//! Policy packs: the promises of a jurisdiction as data, each number with its unit, its source and its time.
//!
//! ```text
//! packs/CN-SGCC.toml ──> Pack::load ──> pack.fault_arrival(area, accepted_at) ──> Limit { due_at, rule, .. }
//! ```
//!
//! Pure but for reading the files of a deployment at start (`library`): time is an argument. What rules a case is the version valid at the moment
//! that triggered it, so callers pass that moment and not the present. A pack that is unclear (a bare number, an unknown
//! unit, two periods that overlap, a gap) does not load; a question no loaded rule answers is an error, never a guess.

mod answer;
mod area;
mod ask;
mod calendar;
mod clock;
mod embedded;
mod facts;
mod finding;
mod leaf;
mod library;
mod load;
mod pack;
mod quantity;
mod question;
mod shape;
mod view;
mod words;

pub use answer::{Answer, NoticeWindow, Verdict};
pub use area::AreaClass;
pub use calendar::Calendar;
pub use facts::{FactError, QUESTIONS};
pub use leaf::{Leaf, Tag};
pub use library::{FileError, Library, Section};
pub use load::{Fault, LoadError};
pub use pack::{Limit, NoRule, Pack};
pub use quantity::{DayKind, DayMode, Effect, Fact, Quantity, Recipients};
pub use question::{
    ArrearsDisconnect, ArrearsReconnect, Case, ComplaintAnswer, FaultArrival, PlannedChange, PlannedStart,
    PlannedTalks, Question, TemporaryStart,
};
pub use words::{Channel, ComplaintKind, CustomerClass, Hold};
