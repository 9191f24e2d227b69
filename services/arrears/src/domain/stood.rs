//! What is kept of a case that was paid, for a cut of before the payment that is told after it.

use serde::{Deserialize, Serialize};

use super::{
    Instant,
    case::{Case, PreNotice, Served},
    late::warned,
};

/// A case as it stood when it was paid, with a last warning on which a crew without a signal may have cut before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stood {
    /// The notice and its proof.
    pub served: Served,
    /// The warning.
    pub pre_notice: PreNotice,
    /// What was owed until then, hundredths of the currency.
    pub balance_cents: i64,
    /// The first of the payments that settled it: before it nothing of that was paid.
    pub first_paid_at: Instant,
    /// The moment all was paid.
    pub paid_at: Instant,
}

/// What is kept of a case that is paid now: a crew without a signal may have cut on its warning before the payment.
pub(super) fn of(case: &Case, first_paid_at: Instant, paid_at: Instant) -> Option<Box<Stood>> {
    let (served, pre_notice) = warned(&case.state)?;
    Some(Box::new(Stood {
        served: served.clone(),
        pre_notice: pre_notice.clone(),
        balance_cents: case.balance_cents,
        first_paid_at,
        paid_at,
    }))
}
