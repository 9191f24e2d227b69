//! Commands on outages: lock, decide by [`crate::domain::transition`], save, tell, audit, set timers. One transaction each.

pub mod act;
pub mod alarm;
pub mod archive;
pub mod calls;
pub mod draft;
pub mod due;
pub mod fault;
pub mod form;
pub mod leaders;
pub mod longer;
pub mod moved;
pub mod refresh;
pub mod reliability;
pub mod rights;
pub mod safety;
pub mod silent;
pub mod step;
pub mod task;
pub mod tell;
