//! Who is on which order. The unique index is the last arbiter between two dispatchers.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{db, ran_into};
use crate::{
    domain::ids::{CrewId, OrderId},
    error::Error,
};

/// Puts a crew on an order.
///
/// # Errors
/// [`Error::CrewTaken`], [`Error::OrderTaken`] when another transaction was first.
pub async fn give(
    conn: &mut PgConnection,
    order: OrderId,
    crew: CrewId,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "insert into dispatch.assignment (id, order_id, crew_id, assigned_at) values ($1, $2, $3, $4)",
        Uuid::now_v7(),
        order.uuid(),
        crew.uuid(),
        at,
    )
    .execute(conn)
    .await;
    match done {
        Ok(_) => Ok(()),
        Err(error) if ran_into(&error, "assignment_one_active_order_per_crew") => Err(Error::CrewTaken(crew)),
        Err(error) if ran_into(&error, "assignment_one_crew_per_order") => Err(Error::OrderTaken(order)),
        Err(error) => Err(db("put a crew on an order")(error)),
    }
}

/// Frees the crew of an order; `step` says by what.
pub async fn free(
    conn: &mut PgConnection,
    order: OrderId,
    step: &str,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "update dispatch.assignment set released_at = $2, released_by = $3 where order_id = $1 and released_at is null",
        order.uuid(),
        at,
        step,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("free a crew"))
}

/// Spoken number of the order a crew is on.
pub async fn number_of_active(conn: &mut PgConnection, crew: CrewId) -> Result<Option<String>, Error> {
    sqlx::query_scalar!(
        "select o.number from dispatch.assignment a join dispatch.work_order o on o.id = a.order_id
         where a.crew_id = $1 and a.released_at is null",
        crew.uuid()
    )
    .fetch_optional(conn)
    .await
    .map_err(db("look for a crew's order"))
}
