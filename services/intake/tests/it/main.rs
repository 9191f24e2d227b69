//! Intake on a database of its own, with stand-ins for the services it asks.

mod accept;
mod answers;
mod bad_input;
mod checks;
mod closing;
mod confirm;
mod danger;
mod dispatch;
mod follow;
mod given;
mod grouping;
mod hand;
mod inference;
mod late;
mod network;
mod numbers;
mod owner;
mod read;
mod reconcile;
mod served;
mod signals;
mod stand_in;
mod storm;
mod then;
mod totals;
mod triage;
