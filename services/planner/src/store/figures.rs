//! Figures about plans of a month.

use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    domain::{month::Month, window::Instant},
    error::Error,
};

/// Units of one answer.
const UNITS_MAX: i64 = 1_000;

/// What a unit switched off in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The unit.
    pub org_path: String,
    /// With the full lead.
    pub planned: i64,
    /// With the short one.
    pub temporary: i64,
    /// Of those, took longer than people were told.
    pub extended: i64,
    /// Of these, asked for too late.
    pub asked_late: i64,
}

/// By unit, what was switched off in a month on the calendar of each place. One that follows another of its class with less than
/// an hour of supply between for the same people is no plan of its own (domain.md 5.5 no. 27).
///
/// # Errors
/// [`Error::Common`].
pub async fn shares(pool: &PgPool, month: Month, org: &[String]) -> Result<Vec<Share>, Error> {
    let ((first, next), (from, until)) = (month.days(), month.around());
    sqlx::query_as!(
        Share,
        r#"select org_path, count(*) filter (where class = 'PLANNED') as "planned!",
             count(*) filter (where class = 'TEMPORARY') as "temporary!",
             count(*) filter (where life -> 'marks' ? 'extended') as "extended!",
             count(*) filter (where life -> 'marks' ? 'asked_late') as "asked_late!"
         from planner.outage o
         where switched_off_at >= $1 and switched_off_at < $2 and org_path like any($3)
           and (switched_off_at at time zone zone)::date >= $4 and (switched_off_at at time zone zone)::date < $5
           and class in ('PLANNED', 'TEMPORARY') and not exists (
             select from planner.outage p where p.id <> o.id and p.class = o.class and p.switched_off_at is not null
               and p.off_at > o.off_at - interval '8 days' and p.off_at < o.off_at
               and p.on_at <= o.off_at and p.on_at > o.off_at - interval '1 hour'
               and exists (select from planner.recipient a join planner.recipient b on b.customer_id = a.customer_id
                 where a.outage_id = p.id and b.outage_id = o.id and a.released_at is null and b.released_at is null))
         group by org_path order by org_path limit $6"#,
        from,
        until,
        org,
        first,
        next,
        UNITS_MAX
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("count planned and temporary outages"))
}

/// Why one was not planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Which.
    pub id: Uuid,
    /// Spoken number.
    pub number: String,
    /// The unit.
    pub org_path: String,
    /// When supply went off.
    pub switched_off_at: Instant,
    /// Why.
    pub why: String,
    /// The manager who decided.
    pub by: String,
}

/// The temporary ones behind [`shares`], after (`switched_off_at`, `id`).
///
/// # Errors
/// [`Error::Common`].
pub async fn reasons(
    pool: &PgPool,
    (month, org): (Month, &[String]),
    after: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<Reason>, Error> {
    let ((first, next), (from, until)) = (month.days(), month.around());
    let (at, id) = after.unzip();
    sqlx::query_as!(
        Reason,
        r#"select id, number, org_path, switched_off_at as "switched_off_at!",
             coalesce(life -> 'class' ->> 'why', '') as "why!", coalesce(life -> 'class' ->> 'by', '') as "by!"
         from planner.outage
         where switched_off_at >= $1 and switched_off_at < $2 and org_path like any($3) and class = 'TEMPORARY'
           and (switched_off_at at time zone zone)::date >= $4 and (switched_off_at at time zone zone)::date < $5
           and ($6::timestamptz is null or (switched_off_at, id) > ($6, $7))
         order by switched_off_at, id limit $8"#,
        from,
        until,
        org,
        first,
        next,
        at,
        id,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list temporary outages"))
}
