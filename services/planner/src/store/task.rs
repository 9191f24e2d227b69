//! Visits: who goes to whom until when, and whether it was done.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    domain::{ids::OutageId, window::Instant},
    error::Error,
};

/// Customers of one answer, as with proofs.
const CUSTOMERS_MAX: i64 = 500;

/// What somebody is sent to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// To whom; empty: everybody who was not told.
    pub customers: Vec<Uuid>,
    /// visit, community, call.
    pub channel: &'static str,
    /// Who goes.
    pub assignee: String,
    /// Until when.
    pub due_at: Instant,
    /// What to know.
    pub note: String,
    /// Who sent them.
    pub by: String,
    /// When.
    pub at: Instant,
}

/// Stores it; one that is not done yet is given anew. How many customers.
///
/// # Errors
/// [`Error::Common`].
pub async fn assign(
    conn: &mut PgConnection,
    (id, plan_no): (OutageId, u32),
    task: &Task,
) -> Result<u32, Error> {
    let done = sqlx::query!(
        "insert into planner.notice_task as t (id, outage_id, plan_no, customer_id, channel, assignee, due_at, note, assigned_by,
             assigned_at)
         select gen_random_uuid(), $1, $2, r.customer_id, $4, $5, $6, $7, $8, $9 from planner.recipient r
         where r.outage_id = $1 and r.released_at is null
           and (r.customer_id = any($3) or (cardinality($3::uuid[]) = 0 and r.served_at is null))
         order by r.customer_id limit $10
         on conflict (outage_id, plan_no, customer_id, channel) do update set assignee = excluded.assignee,
             due_at = excluded.due_at, note = excluded.note, assigned_by = excluded.assigned_by, assigned_at = excluded.assigned_at
         where t.done_at is null",
        id.uuid(),
        i32::try_from(plan_no).unwrap_or(i32::MAX),
        &task.customers,
        task.channel,
        task.assignee,
        task.due_at,
        task.note,
        task.by,
        task.at,
        CUSTOMERS_MAX
    )
    .execute(conn)
    .await
    .map_err(Error::db("assign visits"))?;
    Ok(u32::try_from(done.rows_affected()).unwrap_or(u32::MAX))
}

/// These customers were told: nobody has to go to them any more.
///
/// # Errors
/// [`Error::Common`].
pub async fn done(
    conn: &mut PgConnection,
    (id, plan_no): (OutageId, u32),
    customers: &[Uuid],
    by: &str,
    at: Instant,
) -> Result<(), Error> {
    sqlx::query!(
        "update planner.notice_task set done_at = $4, done_by = $5
         where outage_id = $1 and plan_no = $2 and customer_id = any($3) and done_at is null",
        id.uuid(),
        i32::try_from(plan_no).unwrap_or(i32::MAX),
        customers,
        at,
        by
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("end visits"))
}

/// A visit as the desk sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: Uuid,
    /// The outage.
    pub outage_id: Uuid,
    /// Its spoken number.
    pub number: String,
    /// Of which plan.
    pub plan_no: i32,
    /// Org unit.
    pub org_path: String,
    /// To whom.
    pub customer_id: Uuid,
    /// visit, community, call.
    pub channel: String,
    /// Who goes.
    pub assignee: String,
    /// Until when.
    pub due_at: Instant,
    /// What to know.
    pub note: String,
    /// Who sent them.
    pub assigned_by: String,
    /// When.
    pub assigned_at: Instant,
    /// When the customer was told.
    pub done_at: Option<Instant>,
    /// Who recorded the proof.
    pub done_by: String,
}

/// What is wanted of the visits.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only of this outage.
    pub outage: Option<Uuid>,
    /// Only of this person; empty: of all.
    pub assignee: String,
    /// Only those not done.
    pub open: bool,
}

/// Visits of plans that stand, what is due first first, after (`due_at`, `id`).
///
/// # Errors
/// [`Error::Common`].
pub async fn list(
    pool: &PgPool,
    wanted: &Wanted,
    org: &[String],
    after: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<Listed>, Error> {
    let (at, id) = after.unzip();
    sqlx::query_as!(
        Listed,
        r#"select t.id, t.outage_id, o.number, t.plan_no, o.org_path, t.customer_id, t.channel, t.assignee, t.due_at, t.note,
             t.assigned_by, t.assigned_at, t.done_at, t.done_by
         from planner.notice_task t join planner.outage o on o.id = t.outage_id
         where o.org_path like any($1) and ($2::uuid is null or t.outage_id = $2) and ($3 = '' or t.assignee = $3)
           -- Nobody goes for a plan that was moved or called off.
           and (not $4 or (t.done_at is null and t.plan_no = o.plan_no and o.state in ('approved', 'noticed', 'ready')))
           and ($5::timestamptz is null or (t.due_at, t.id) > ($5, $6))
         order by t.due_at, t.id limit $7"#,
        org,
        wanted.outage,
        wanted.assignee,
        wanted.open,
        at,
        id,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list visits"))
}
