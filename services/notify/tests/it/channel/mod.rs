//! The channel edges against real receivers on this machine.

mod smpp;
mod smpp_faults;
mod smtp;
