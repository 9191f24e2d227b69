//! All SQL of the planner.

pub mod alarm;
pub mod call;
pub mod consecutive;
pub mod crew;
pub mod facts;
pub mod fault;
pub mod figures;
pub mod form;
pub mod individually;
pub mod leader;
pub mod list;
pub mod lock;
pub mod outage;
pub mod people;
pub mod photo;
pub mod reliability;
pub mod requester;
pub mod safety;
pub mod told;
