//! Work orders as both edges show them, and the events that move them.

mod event;
mod view;

pub use event::{OrderEvent, Section};
pub use view::{AreaClass, Clock, Order, Place, Step};
