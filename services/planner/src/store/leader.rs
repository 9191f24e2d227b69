//! The leaders at work: who checked in, and who said: people out, earths off, ticket ended.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    domain::{ids::OutageId, window::Instant},
    error::Error,
};

/// Somebody in charge of people at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// Who.
    pub name: String,
    /// Of which team.
    pub team: String,
    /// The crew whose phone checked them in; none: the desk did.
    pub crew_id: Option<Uuid>,
    /// Since when.
    pub checked_in_at: Instant,
    /// When they said: people out, earths off, ticket ended.
    pub cleared_at: Option<Instant>,
    /// Who recorded that.
    pub cleared_by: Option<String>,
    /// Who heard it, when it did not come from the crew's own phone.
    pub heard_by: Option<String>,
}

/// A clearance.
#[derive(Debug, Clone, Copy)]
pub struct Clearance<'a> {
    /// Who recorded it.
    pub by: &'a str,
    /// Who heard it, when it did not come from the crew's own phone.
    pub heard_by: Option<&'a str>,
    /// When.
    pub at: Instant,
}

/// Checks a leader in; again after a clearance: they are at work again. Who is at work stays with who checked them in.
///
/// # Errors
/// [`Error::Common`].
pub async fn check_in(
    conn: &mut PgConnection,
    id: OutageId,
    (team, name): (&str, &str),
    crew: Option<Uuid>,
    at: Instant,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into planner.leader as l (outage_id, team, name, crew_id, checked_in_at) values ($1, $2, $3, $4, $5)
         on conflict (outage_id, team, name) do update set crew_id = excluded.crew_id, checked_in_at = excluded.checked_in_at,
             cleared_at = null, cleared_by = null, heard_by = null
         where l.cleared_at is not null",
        id.uuid(),
        team,
        name,
        crew,
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("check a leader in"))
}

/// Stores the clearance of one leader who has not cleared.
///
/// # Errors
/// [`Error::Common`].
pub async fn clear(
    conn: &mut PgConnection,
    id: OutageId,
    leader: &Leader,
    clearance: Clearance<'_>,
) -> Result<(), Error> {
    sqlx::query!(
        "update planner.leader set cleared_at = $4, cleared_by = $5, heard_by = $6
         where outage_id = $1 and team = $2 and name = $3 and cleared_at is null",
        id.uuid(),
        leader.team,
        leader.name,
        clearance.at,
        clearance.by,
        clearance.heard_by
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store a clearance"))
}

/// Everybody in charge.
///
/// # Errors
/// [`Error::Common`].
pub async fn all(conn: &mut PgConnection, id: OutageId) -> Result<Vec<Leader>, Error> {
    sqlx::query_as!(
        Leader,
        "select name, team, crew_id, checked_in_at, cleared_at, cleared_by, heard_by from planner.leader
         where outage_id = $1 order by checked_in_at, team, name",
        id.uuid()
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read the leaders"))
}
