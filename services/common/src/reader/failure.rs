//! Why events were not applied.

use crate::error::{Code, Coded, chain};

/// Why a transaction did not come about, and whether trying again may help.
pub(super) struct Failure {
    pub(super) again: bool,
    pub(super) reason: String,
}

impl Failure {
    fn of(error: &impl Coded) -> Self {
        let again = matches!(
            error.code(),
            Code::Unavailable | Code::Aborted | Code::DeadlineExceeded
        );
        Self {
            again,
            reason: chain(error),
        }
    }

    pub(super) fn stopping() -> Self {
        Self {
            again: true,
            reason: "told to stop".to_owned(),
        }
    }

    pub(super) fn miscounted() -> Self {
        Self {
            again: false,
            reason: "the consumer prepared fewer events than it was given".to_owned(),
        }
    }

    pub(super) fn panicked() -> Self {
        Self {
            again: false,
            reason: "the consumer panicked".to_owned(),
        }
    }
}

pub(super) fn of<E: Coded>(error: E) -> Failure {
    Failure::of(&error)
}
