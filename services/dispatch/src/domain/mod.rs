//! What dispatch decides, without I/O: values in, values out, time is an argument.

pub mod clock;
pub mod crew;
pub mod device_time;
pub mod etr;
pub mod ids;
pub mod index;
mod nearest;
pub mod order;
pub mod place;
pub mod recommend;
pub mod rules;
pub mod skill;
pub mod subject;
