//! What the registry decides, without a database: how a contact is written, who belongs together in an affected set,
//! what is doubtful in an imported network, how a network is switched and by whose word.

pub mod affected;
pub mod contact;
pub mod findings;
pub mod question;
pub mod state;
pub(crate) mod street;
pub mod switching;

/// External ids and accounts are compared in this form, which is the grid's rule too.
pub fn fold(id: &str) -> String {
    id.to_lowercase()
}
