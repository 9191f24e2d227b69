//! What a crew's phone has to know. Numbered per crew under the lock of the crew's row, so that numbers commit in order
//! and a phone that asks "what came after 17" misses nothing.

use sqlx::PgConnection;
use uuid::Uuid;

use super::db;
use crate::{
    domain::ids::{CrewId, OrderId},
    error::Error,
};

/// One entry of a crew's feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The order that changed.
    pub order_id: Uuid,
    /// It is no longer this crew's.
    pub gone: bool,
}

/// Notes that an order changed for a crew, or is gone for it.
pub async fn note(conn: &mut PgConnection, crew: CrewId, order: OrderId, gone: bool) -> Result<(), Error> {
    sqlx::query!(
        "with next as (update dispatch.crew set feed = feed + 1 where id = $1 returning feed)
         insert into dispatch.crew_order as c (crew_id, order_id, n, gone) select $1, $2, feed, $3 from next
         on conflict (crew_id, order_id) do update set n = excluded.n, gone = excluded.gone",
        crew.uuid(),
        order.uuid(),
        gone,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("note a change for a crew"))
}

/// Entries after `n`, in order, and the number to continue after.
pub async fn after(
    conn: &mut PgConnection,
    crew: CrewId,
    n: i64,
    limit: i64,
) -> Result<(Vec<Entry>, i64), Error> {
    let rows = sqlx::query!(
        "select order_id, n, gone from dispatch.crew_order where crew_id = $1 and n > $2 order by n limit $3",
        crew.uuid(),
        n,
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(db("read a crew's feed"))?;
    let reached = rows.last().map_or(n, |row| row.n);
    Ok((
        rows.into_iter()
            .map(|row| Entry {
                order_id: row.order_id,
                gone: row.gone,
            })
            .collect(),
        reached,
    ))
}
