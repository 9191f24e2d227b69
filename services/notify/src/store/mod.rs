//! All SQL of notify.

pub mod attempt;
pub mod incident;
pub mod list;
pub mod message;
pub mod notice;
pub mod question;
pub mod receipt;
pub mod reply;
pub mod result;
pub mod round;
pub mod standing;
pub mod wrong;
