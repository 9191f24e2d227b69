//! Import, affected sets and look-ups on a real database.

mod bad_input;
mod carried;
mod contacts;
mod customers;
mod given;
mod golden;
mod grid;
mod import;
mod life_support;
mod links;
mod meters;
mod points_of_customer;
mod search;
mod served;
mod sets;
mod several;
mod switching;
mod then;
mod uses;
