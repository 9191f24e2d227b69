//! Calls by telephone. Rows are added and never changed.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    domain::{call::Call, ids::OutageId, window::Instant},
    error::Error,
};

/// About whom, and why.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The outage.
    pub outage: OutageId,
    /// Its plan.
    pub plan_no: u32,
    /// Who was called.
    pub customer: Uuid,
    /// notice, late_start, extended, acknowledgement.
    pub purpose: &'a str,
}

/// Stores a call.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert(
    conn: &mut PgConnection,
    about: About<'_>,
    call: &Call,
    by: &str,
    at: Instant,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into planner.call (id, outage_id, plan_no, customer_id, purpose, contact_id, number_sealed, seal_key, outcome,
             called_by, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        call.id,
        about.outage.uuid(),
        i32::try_from(about.plan_no).unwrap_or(i32::MAX),
        about.customer,
        about.purpose,
        call.contact,
        call.number.bytes,
        call.number.key,
        call.outcome.word(),
        by,
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store a call"))
}

/// A call as it is shown: never its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its id; later ones are greater.
    pub id: Uuid,
    /// Who was called.
    pub customer_id: Uuid,
    /// About which plan.
    pub plan_no: i32,
    /// Why.
    pub purpose: String,
    /// Which number.
    pub contact_id: Uuid,
    /// What became of it.
    pub outcome: String,
    /// Who called.
    pub called_by: String,
    /// When.
    pub at: Instant,
}

/// Calls about an outage, the newest first, before `before`; `customer`: only about them.
///
/// # Errors
/// [`Error::Common`].
pub async fn list(
    pool: &PgPool,
    id: OutageId,
    customer: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Recorded>, Error> {
    sqlx::query_as!(
        Recorded,
        "select id, customer_id, plan_no, purpose, contact_id, outcome, called_by, at from planner.call
         where outage_id = $1 and ($2::uuid is null or customer_id = $2) and ($3::uuid is null or id < $3)
         order by id desc limit $4",
        id.uuid(),
        customer,
        before,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list calls"))
}
