//! What the feed and timers should have done.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::db;
use crate::error::Error;

/// Most rows of one pass.
const PASS: i64 = 5_000;

/// Accounts that owe enough since before their own today and have no open case. A debt that was given up stays so; a bill
/// due later is another.
///
/// # Errors
/// [`Error::Common`].
pub async fn debts_without_case(
    pool: &PgPool,
    minimum_cents: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "select a.id from arrears.account a
         where a.balance_cents > 0 and a.balance_cents >= $1
           and a.due_on < ($2::timestamptz at time zone a.zone)::date
           and not exists (select 1 from arrears.debt_case c where c.account_id = a.id and not c.is_over)
           and not exists (select 1 from arrears.debt_case w
               where w.account_id = a.id and w.state = 'withdrawn' and (w.doc ->> 'due_on')::date >= a.due_on)
         limit $3",
        minimum_cents,
        now,
        PASS
    )
    .fetch_all(pool)
    .await
    .map_err(db("look for debts without a case"))
}

/// Open cases that wait for a moment and have no timer.
///
/// # Errors
/// [`Error::Common`].
pub async fn cases_without_timer(pool: &PgPool) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "select c.id from arrears.debt_case c
         where c.state in ('reminded', 'notice_issued', 'notice_served', 'window_open', 'pre_noticed', 'paid', 'reconnect_ordered')
           and not exists (select 1 from arrears.timer t where t.subject = c.id)
         limit $1",
        PASS
    )
    .fetch_all(pool)
    .await
    .map_err(db("look for cases without a timer"))
}
