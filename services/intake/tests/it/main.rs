//! Intake on a database of its own, with stand-ins for the services it asks.

mod accept;
mod answers;
mod bad_input;
mod checks;
mod confirm;
mod dispatch;
mod given;
mod grouping;
mod hand;
mod inference;
mod late;
mod network;
mod numbers;
mod read;
mod reconcile;
mod replays;
mod served;
mod signals;
mod stand_in;
mod storm;
mod then;
mod totals;
mod triage;
