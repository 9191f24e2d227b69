//! Units, crews, shifts, positions, work orders, clocks, estimates.

pub mod domain;
