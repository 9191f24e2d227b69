//! Every estimate that was given, and why one was taken back.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::db;
use crate::{domain::ids::OrderId, error::Error};

/// A change of the estimate.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// When.
    pub at: DateTime<Utc>,
    /// The estimate; none when withdrawn.
    pub etr_at: Option<DateTime<Utc>>,
    /// The one before.
    pub previous_at: Option<DateTime<Utc>>,
    /// Cause code as far as known.
    pub cause_code: &'a str,
    /// Who.
    pub actor: &'a str,
    /// By what.
    pub reason: &'static str,
}

/// Appends a change to a locked order's history.
pub async fn append(conn: &mut PgConnection, order: OrderId, change: &Change<'_>) -> Result<(), Error> {
    sqlx::query!(
        "insert into dispatch.etr (order_id, n, at, etr_at, previous_at, cause_code, actor, reason)
         values ($1, (select coalesce(max(n), 0) + 1 from dispatch.etr where order_id = $1), $2, $3, $4, $5, $6, $7)",
        order.uuid(),
        change.at,
        change.etr_at,
        change.previous_at,
        change.cause_code,
        change.actor,
        change.reason,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("note an estimate"))
}
