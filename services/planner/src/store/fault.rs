//! What planner has seen of an incident: whose warnings were looked after, and until when it is expected to last.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{domain::window::Instant, error::Error};

/// An incident as it was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// The affected set whose important customers are warned.
    pub set: Option<Uuid>,
    /// When supply is expected back.
    pub etr_at: Option<Instant>,
}

/// What is known of an incident.
///
/// # Errors
/// [`Error::Common`].
pub async fn known(conn: &mut PgConnection, incident: Uuid) -> Result<Known, Error> {
    let row = sqlx::query_as!(
        Known,
        "select set_id as set, etr_at from planner.fault where incident_id = $1",
        incident
    );
    let row = row
        .fetch_optional(conn)
        .await
        .map_err(Error::db("read a fault"))?;
    Ok(row.unwrap_or_default())
}

/// Notes whose important customers are warned; none: nobody's any more.
///
/// # Errors
/// [`Error::Common`].
pub async fn looked(conn: &mut PgConnection, incident: Uuid, set: Option<Uuid>) -> Result<(), Error> {
    sqlx::query!(
        "insert into planner.fault (incident_id, set_id) values ($1, $2)
         on conflict (incident_id) do update set set_id = excluded.set_id",
        incident,
        set
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note a fault"))
}

/// Notes the estimate; none: withdrawn.
///
/// # Errors
/// [`Error::Common`].
pub async fn estimated(
    conn: &mut PgConnection,
    incident: Uuid,
    etr_at: Option<Instant>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into planner.fault (incident_id, etr_at) values ($1, $2)
         on conflict (incident_id) do update set etr_at = excluded.etr_at",
        incident,
        etr_at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note the estimate of a fault"))
}
