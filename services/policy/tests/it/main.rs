//! The engine as its callers meet it: cases of the domain by number, clocks against an oracle, packs that must not load.

mod arrears;
mod change;
mod deadline;
mod given;
mod library;
mod load;
mod oracle;
mod read;
mod start;
mod talks;
