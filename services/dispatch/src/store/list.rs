//! Lists of orders by keyset: danger nobody has reached on top, then the clock that runs out first; what is over, newest first.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::{db, unit::Scope};
use crate::error::Error;

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Archived, merged and withdrawn orders instead of the open ones.
    pub over: bool,
    /// Only of this unit.
    pub unit: Option<Uuid>,
    /// Only of this crew.
    pub crew: Option<Uuid>,
}

/// An order's place in the list; a running number of microseconds, the largest when no clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Sort key.
    pub key: DateTime<Utc>,
    /// Id.
    pub id: Uuid,
}

/// Ids of a page after `after`, in order.
pub async fn page(
    pool: &PgPool,
    scope: &Scope,
    filter: &Filter,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Place>, Error> {
    if filter.over {
        over(pool, scope, filter, after, limit).await
    } else {
        open(pool, scope, filter, after, limit).await
    }
}

async fn open(
    pool: &PgPool,
    scope: &Scope,
    filter: &Filter,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Place>, Error> {
    sqlx::query_as!(
        Place,
        "select coalesce(next_due_at, '9999-01-01Z') as \"key!\", id from dispatch.work_order
         where state not in ('archived', 'merged', 'withdrawn')
           and (org_path like any($1) or unit_id = $2 or crew_id = $3)
           and ($4::uuid is null or unit_id = $4) and ($5::uuid is null or crew_id = $5)
           and ($6::timestamptz is null or (coalesce(next_due_at, '9999-01-01Z'), id) > ($6, $7))
         order by coalesce(next_due_at, '9999-01-01Z'), id limit $8",
        &scope.org_patterns,
        scope.unit,
        scope.crew,
        filter.unit,
        filter.crew,
        after.map(|after| after.key),
        after.map(|after| after.id),
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(db("list open orders"))
}

async fn over(
    pool: &PgPool,
    scope: &Scope,
    filter: &Filter,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Place>, Error> {
    sqlx::query_as!(
        Place,
        "select opened_at as key, id from dispatch.work_order
         where state in ('archived', 'merged', 'withdrawn')
           and (org_path like any($1) or unit_id = $2 or crew_id = $3)
           and ($4::uuid is null or unit_id = $4) and ($5::uuid is null or crew_id = $5)
           and ($6::timestamptz is null or (opened_at, id) < ($6, $7))
         order by opened_at desc, id desc limit $8",
        &scope.org_patterns,
        scope.unit,
        scope.crew,
        filter.unit,
        filter.crew,
        after.map(|after| after.key),
        after.map(|after| after.id),
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(db("list orders that are over"))
}
