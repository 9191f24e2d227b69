//! Outages right before and right after one, of some of the same customers.

use sqlx::PgConnection;
use uuid::Uuid;

use super::outage::Stored;
use crate::{
    domain::{
        consecutive::{BETWEEN, are_consecutive},
        window::{Instant, Window},
    },
    error::Error,
};

/// More of them are no more news.
const MOST: i64 = 10;

/// An outage with less than an hour of supply between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Which.
    pub id: Uuid,
    /// Whom it affects.
    pub set: Uuid,
    /// From.
    pub off_at: Instant,
    /// Until.
    pub on_at: Instant,
    /// People know of it, and it is not over.
    pub named: bool,
}

/// The outages that are one plan with `one` in `window`: decided for, not called off, of some of the same customers.
///
/// # Errors
/// [`Error::Common`].
pub async fn neighbours(
    conn: &mut PgConnection,
    one: &Stored,
    window: Window,
) -> Result<Vec<Neighbour>, Error> {
    let found = sqlx::query_as!(
        Neighbour,
        r#"select o.id, o.affected_set_id as "set", o.off_at, o.on_at,
             o.announced_at is not null and o.state not in ('restored', 'archived') as "named!"
         from planner.outage o
         where o.id <> $1 and o.state not in ('draft', 'submitted', 'balanced', 'negotiating', 'cancelled', 'aborted')
           and (o.on_at between $2 and $3 or o.off_at between $4 and $5)
           and exists (
             select from planner.recipient a join planner.recipient b on b.customer_id = a.customer_id
             where a.outage_id = o.id and b.outage_id = $1 and a.released_at is null and b.released_at is null)
         order by o.off_at, o.id limit $6"#,
        one.id.uuid(),
        window.off_at - BETWEEN,
        window.off_at,
        window.on_at,
        window.on_at + BETWEEN,
        MOST
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for consecutive outages"))?;
    let theirs = |other: &Neighbour| Window {
        off_at: other.off_at,
        on_at: other.on_at,
    };
    Ok(found
        .into_iter()
        .filter(|other| are_consecutive(window, theirs(other)))
        .collect())
}

/// The one that people are told of together with `one`.
///
/// # Errors
/// [`Error::Common`].
pub async fn named(conn: &mut PgConnection, one: &Stored) -> Result<Option<Neighbour>, Error> {
    let all = neighbours(conn, one, one.life.window).await?;
    Ok(all.into_iter().find(|other| other.named))
}
