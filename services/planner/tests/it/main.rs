//! The planner on a real database: the lawful way, every gate on it, what is told, who is escalated.

mod added;
mod alarms;
mod calls;
mod consecutive;
mod crew;
mod figures;
mod forms;
mod gates;
mod given;
mod late_start;
mod leaders;
mod longer;
mod moved;
mod orders;
mod plans;
mod proofs;
mod reach;
mod reliability;
mod requested;
mod safety;
mod served;
mod talks;
mod then;
mod told;
mod way;
