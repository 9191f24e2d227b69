//! Typed ids: a UUIDv7 each with a type of its own, and ids derived from a cause for steps that may be repeated.

use uuid::Uuid;

/// Namespace of every derived id; never changes.
const DERIVED: Uuid = Uuid::from_u128(0x5e1f_9a52_6c1b_4d0e_9d0a_7265_6c69_6768);

/// The same (cause, step) always gives the same id, so a repeated step finds what it did before.
pub fn derived(cause: Uuid, step: &str) -> Uuid {
    let mut name = cause.as_bytes().to_vec();
    name.extend_from_slice(step.as_bytes());
    Uuid::new_v5(&DERIVED, &name)
}

/// A derived id from words only, for things known by an external name.
pub fn derived_from_name(name: &str) -> Uuid {
    Uuid::new_v5(&DERIVED, name.as_bytes())
}

/// Defines an id type: `typed_id!(/// One work order. OrderId, "order_id");`
#[macro_export]
macro_rules! typed_id {
    ($(#[$meta:meta])* $name:ident, $field:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// A new id, larger than the ones made before in this process (UUIDv7).
            #[expect(clippy::new_without_default, reason = "a default id would be a trap")]
            pub fn new() -> Self {
                Self(uuid::Uuid::now_v7())
            }

            /// Wraps a stored id.
            pub fn from_uuid(id: uuid::Uuid) -> Self {
                Self(id)
            }

            /// The bare id, for SQL.
            pub fn uuid(self) -> uuid::Uuid {
                self.0
            }

            /// Reads an id from the wire.
            ///
            /// # Errors
            /// [`Invalid`]($crate::Invalid) naming the field when it is no UUID.
            pub fn parse(text: &str) -> Result<Self, $crate::Invalid> {
                $crate::wire::uuid($field, text).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

typed_id!(
    /// One command of one sender; the same id means the same command.
    CommandId,
    "command_id"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_cause_and_step_give_the_same_id() {
        let cause = Uuid::now_v7();
        assert_eq!(derived(cause, "open"), derived(cause, "open"));
        assert_ne!(derived(cause, "open"), derived(cause, "close"));
    }

    #[test]
    fn a_text_that_is_no_uuid_names_the_field() {
        let error = CommandId::parse("42").unwrap_err();
        assert_eq!(error.field, "command_id");
    }
}
