//! Which moment somebody may say that something happened at.

use chrono::TimeDelta;

use super::{Case, Instant, Refusal, money::Terms};

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

/// How far the clock of billing may be ahead of ours.
pub const AHEAD_MAX: TimeDelta = TimeDelta::seconds(60);

/// A balance of later than now is no fresher: our clock was set back, and nobody knows how old it is.
pub(super) fn fresh(case: &Case, terms: &Terms, now: Instant) -> Result<(), Refusal> {
    let max_s = i64::from(terms.balance_max_age_s);
    let age = now - case.balance_at;
    if age.num_seconds() > max_s || age < -AHEAD_MAX {
        return Err(Refusal::BalanceStale {
            as_of: case.balance_at,
            max_s,
        });
    }
    Ok(())
}
