//! The life of a planned outage, pure: no I/O, no clock, no randomness. The law is asked of the policy pack, which is
//! part of the program.

pub mod area;
pub mod call;
pub mod consecutive;
pub mod event;
pub mod facts;
pub mod form;
pub mod ids;
pub mod law;
pub mod month;
pub mod outage;
pub mod overtaken;
pub mod refusal;
pub mod reliability;
pub mod safety;
pub mod said;
pub mod times;
pub mod transition;
pub mod window;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod table;
