//! All SQL of access.

pub(crate) mod attempts;
pub(crate) mod codes;
pub(crate) mod people;
pub(crate) mod sessions;
