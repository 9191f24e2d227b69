//! What opens, what closes and what is withdrawn. Pure: no I/O, no clock.

pub mod class;
pub mod opening;
pub mod outage;
pub mod record;
pub mod restoring;

#[cfg(test)]
mod oracle;
