//! The crew that has the work order of an outage.

use relight_common::{Claims, Role};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{domain::ids::OutageId, error::Error};

/// Notes who has it; none: nobody.
///
/// # Errors
/// [`Error::Common`].
pub async fn note(conn: &mut PgConnection, id: OutageId, crew: Option<Uuid>) -> Result<(), Error> {
    sqlx::query!(
        "update planner.outage set crew_id = $2 where id = $1 and crew_id is distinct from $2",
        id.uuid(),
        crew
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note the crew of an outage"))
}

/// Whether the caller is the phone of that crew.
///
/// # Errors
/// [`Error::Common`].
pub async fn is_of(conn: &mut PgConnection, id: OutageId, claims: &Claims) -> Result<bool, Error> {
    let Some(crew) = claims.crew_id.filter(|_| claims.has(&[Role::Crew])) else {
        return Ok(false);
    };
    sqlx::query_scalar!(
        "select exists (select 1 from planner.outage where id = $1 and crew_id = $2) as \"is!\"",
        id.uuid(),
        crew
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("look for the crew of an outage"))
}
