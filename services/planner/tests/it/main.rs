//! The planner on a real database: the lawful way, every gate on it, what is told, who is escalated.

mod gates;
mod given;
mod plans;
mod then;
mod way;
