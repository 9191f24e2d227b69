//! The planner on a real database: the lawful way, every gate on it, what is told, who is escalated.

mod alarms;
mod calls;
mod consecutive;
mod crew;
mod faults;
mod figures;
mod forms;
mod gates;
mod given;
mod individually;
mod locks;
mod longer;
mod moved;
mod orders;
mod plans;
mod reach;
mod reliability;
mod requested;
mod safety;
mod served;
mod talks;
mod then;
mod told;
mod way;
