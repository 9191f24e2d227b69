//! Which moment somebody may say that something happened at.

use super::{Case, Instant, Refusal};

/// Nothing happened that lies ahead.
pub(super) fn past(field: &'static str, at: Instant, now: Instant) -> Result<(), Refusal> {
    if at <= now {
        Ok(())
    } else {
        Err(Refusal::Field {
            field,
            must: "must not lie ahead",
        })
    }
}

/// Nobody is reminded of what was not overdue yet: the pack would hold such a case for ever.
pub(super) fn overdue(case: &Case, reminded_at: Instant) -> Result<(), Refusal> {
    if reminded_at.with_timezone(&case.zone).date_naive() > case.due_on {
        Ok(())
    } else {
        Err(Refusal::Field {
            field: "reminded_at",
            must: "must be after the day on which the debt was due",
        })
    }
}
