//! Intake on a database of its own, with stand-ins for the services it asks.

mod accept;
mod bad_input;
mod confirm;
mod dispatch;
mod given;
mod grouping;
mod known_network;
mod numbers;
mod read;
mod reconcile;
mod served;
mod stand_in;
mod then;
