//! What the rules look at, per crew: read for one crew under its lock, and for all into the index of each replica.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{db, natural};
use crate::{
    domain::{
        crew::{Crew, Shift},
        ids::{CrewId, OrderId, UnitId},
        skill::{Qualified, Skills},
    },
    error::Error,
};

struct Row {
    id: Uuid,
    name: String,
    unit_id: Uuid,
    skills: Vec<String>,
    shift_starts_at: Option<DateTime<Utc>>,
    shift_ends_at: Option<DateTime<Utc>>,
    shift_before_ended_at: Option<DateTime<Utc>>,
    active_order_id: Option<Uuid>,
    active_number: Option<String>,
    orders_this_shift: i64,
    qualified_skills: Option<Vec<String>>,
    qualified_until: Option<Vec<DateTime<Utc>>>,
}

impl From<Row> for Crew {
    fn from(row: Row) -> Self {
        let qualified = row.qualified_skills.unwrap_or_default();
        let until = row.qualified_until.unwrap_or_default();
        let shift = row.shift_starts_at.zip(row.shift_ends_at);
        let active = row.active_order_id.map(OrderId::from_uuid);
        Crew {
            id: CrewId::from_uuid(row.id),
            name: row.name,
            unit: UnitId::from_uuid(row.unit_id),
            skills: Skills::of(row.skills.iter().map(String::as_str)),
            qualified: Qualified::of(qualified.iter().map(String::as_str).zip(until)),
            shift: shift.map(|(starts_at, ends_at)| Shift {
                starts_at,
                ends_at,
                rest_before: row.shift_before_ended_at.map(|ended| starts_at - ended),
            }),
            active: active.zip(row.active_number.map(Into::into)),
            orders_this_shift: natural(row.orders_this_shift),
        }
    }
}

/// The facts of one crew.
pub async fn one(conn: &mut PgConnection, id: CrewId, now: DateTime<Utc>) -> Result<Option<Crew>, Error> {
    Ok(many(conn, &[id], now).await?.pop())
}

/// The facts of these crews, in no order.
pub async fn many(conn: &mut PgConnection, ids: &[CrewId], now: DateTime<Utc>) -> Result<Vec<Crew>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        "select id as \"id!\", name as \"name!\", unit_id as \"unit_id!\", skills as \"skills!\",
             shift_starts_at, shift_ends_at, shift_before_ended_at, active_order_id, active_number,
             orders_this_shift as \"orders_this_shift!\", qualified_skills, qualified_until
         from dispatch.crew_fact($1) where id = any($2)",
        now,
        &ids
    )
    .fetch_all(conn)
    .await
    .map_err(db("load the facts of crews"))?;
    Ok(rows.into_iter().map(Crew::from).collect())
}

/// The facts of the crews changed after `since`, and when that was asked, both by the server's clock; and of those whose
/// shift ended after `before` and up to `now`: their next one counts from then on, and no row says so.
pub async fn changed(
    pool: &PgPool,
    since: DateTime<Utc>,
    (before, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(Vec<Crew>, DateTime<Utc>), Error> {
    let asked_at = sqlx::query_scalar!("select clock_timestamp() as \"at!\"")
        .fetch_one(pool)
        .await
        .map_err(db("ask the time"))?;
    let rows = sqlx::query_as!(
        Row,
        "select id as \"id!\", name as \"name!\", unit_id as \"unit_id!\", skills as \"skills!\",
             shift_starts_at, shift_ends_at, shift_before_ended_at, active_order_id, active_number,
             orders_this_shift as \"orders_this_shift!\", qualified_skills, qualified_until
         from dispatch.crew_fact($1) where changed_at > $2
             or id in (select crew_id from dispatch.shift where ends_at > $3 and ends_at <= $1)",
        now,
        since,
        before
    )
    .fetch_all(pool)
    .await
    .map_err(db("load changed crews"))?;
    Ok((rows.into_iter().map(Crew::from).collect(), asked_at))
}
