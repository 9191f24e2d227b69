//! Which photos prove that people were told of an outage.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::{domain::ids::OutageId, error::Error};

/// A photo that evidence names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Lower-case hex.
    pub sha256: String,
    /// When the first of those it proves was told.
    pub at: DateTime<Utc>,
    /// Who recorded it.
    pub actor: String,
}

/// Photos of an outage, of every plan, oldest first; one photo may prove a whole stairway.
///
/// # Errors
/// [`Error::Common`].
pub async fn of_outage(pool: &PgPool, outage: OutageId) -> Result<Vec<Row>, Error> {
    sqlx::query_as!(
        Row,
        r#"select encode(photo_sha256, 'hex') as "sha256!", min(at) as "at!", min(recorded_by) as "actor!"
         from planner.evidence where outage_id = $1 and photo_sha256 is not null
         group by photo_sha256 order by min(at), photo_sha256"#,
        outage.uuid()
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list the photos of an outage"))
}
