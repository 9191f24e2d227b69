//! What the registry decides, without a database: how a contact is written, who belongs together in an affected set,
//! what is doubtful in an imported network.

pub mod affected;
pub mod contact;
pub mod findings;
pub mod question;

/// External ids and accounts are compared in this form, which is the grid's rule too.
pub fn fold(id: &str) -> String {
    id.to_lowercase()
}
