//! Who of an outage has to be told one by one: the policy pack says it, the schema sorts by it.

use sqlx::PgConnection;

use crate::{domain::ids::OutageId, error::Error};

/// Who of an outage has to be told one by one, in the words of the policy pack; those who are in it already are sorted anew.
///
/// # Errors
/// [`Error::Common`].
pub async fn classes(conn: &mut PgConnection, id: OutageId, classes: &[String]) -> Result<(), Error> {
    let changed = sqlx::query!(
        "update planner.outage set individually = $2 where id = $1 and individually <> $2",
        id.uuid(),
        classes
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("store who is told one by one"))?;
    if changed.rows_affected() == 0 {
        return Ok(());
    }
    sqlx::query!(
        "update planner.recipient r set individually = not r.individually where outage_id = $1 and individually <>
             planner.is_told_individually($2, important, life_support, dedicated_line, own_generation, voltage_v)",
        id.uuid(),
        classes
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("sort who is told one by one"))
}
