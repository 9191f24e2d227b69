//! All SQL of the planner.

pub mod accuracy;
pub mod alarm;
pub mod call;
pub mod compliance;
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
pub mod published;
pub mod reliability;
pub mod requester;
pub mod safety;
pub mod task;
pub mod told;
