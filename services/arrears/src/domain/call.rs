//! A recorded call as proof: which number was called and which adult answered (operations.md O15; domain.md 5.5 no. 16).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Refusal;

/// Whom a recorded call reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The contact at registry that was called.
    pub contact: Uuid,
    /// Name of who answered.
    pub answered_by: String,
    /// An adult who speaks for the customer.
    pub adult: bool,
}

/// Whether the call told anybody who counts.
///
/// # Errors
/// [`Refusal::Proof`] with the field that is missing or wrong.
pub fn check(call: Option<&Call>) -> Result<(), Refusal> {
    let no = |field, must| Err(Refusal::Proof { field, must });
    match call {
        None => no("call", "must name the contact that was called and who answered"),
        Some(call) if call.answered_by.trim().is_empty() => {
            no("call.answered_by", "must name who answered the call")
        }
        Some(call) if !call.adult => no(
            "call.adult",
            "must be an adult who speaks for the customer: a child or a stranger was not told, call again",
        ),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::given::call;

    #[test]
    fn a_call_counts_when_an_adult_with_a_name_answered() {
        let good = call();
        let field = |call: Option<&Call>| check(call).err().and_then(|refusal| refusal.field());
        assert_eq!(field(Some(&good)), None);
        assert_eq!(field(None), Some("call"));
        let nobody = Call {
            answered_by: " ".to_owned(),
            ..good.clone()
        };
        assert_eq!(field(Some(&nobody)), Some("call.answered_by"));
        let child = Call { adult: false, ..good };
        assert_eq!(field(Some(&child)), Some("call.adult"));
    }
}
