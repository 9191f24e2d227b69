//! Photos are evidence: their bytes are kept as the phone took them, under their SHA-256, before anybody is told so.
//!
//! The edge keeps bytes and decides nothing: it tells a service which of the photos a command names are stored, and shows
//! a photo when the owner of the case says that the caller may look at it (docs/adr/0014).

mod id;
mod store;
mod upload;

pub use id::{Form, PhotoId};
pub use store::{Photos, Put};
pub use upload::{Upload, show, upload};
