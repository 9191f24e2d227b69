//! How the network is switched, as the registry told it, and which devices have tripped.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{domain::mind::Switching, error::Error};

/// Takes switchings of this network that were not weighed yet, in this pass; those of other versions are history.
///
/// # Errors
/// [`Error::Common`].
pub async fn take_switched(
    conn: &mut PgConnection,
    version: Uuid,
    pass: i64,
) -> Result<Vec<Switching>, Error> {
    let rows = sqlx::query!(
        "update intake.switching set weighed = true, weighed_in = $1 where not weighed
         returning grid_version, state_no, at, opened, closed",
        pass
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("take new switchings"))?;
    let mut rows: Vec<_> = rows
        .into_iter()
        .filter(|row| row.grid_version == version)
        .collect();
    rows.sort_by_key(|row| row.state_no);
    let switched = rows.into_iter().map(|row| Switching {
        at: row.at,
        opened: row.opened,
        closed: row.closed,
    });
    Ok(switched.collect())
}

/// Devices that have tripped as of the last switching.
///
/// # Errors
/// [`Error::Common`].
pub async fn tripped(conn: &mut PgConnection) -> Result<Vec<String>, Error> {
    let last =
        sqlx::query_scalar!("select tripped from intake.switching order by at desc, state_no desc limit 1")
            .fetch_optional(conn)
            .await
            .map_err(Error::db("read what has tripped"))?;
    Ok(last.unwrap_or_default())
}

/// Stores how the network is switched, and what of it has tripped, which is not among what is opened then. The same state again
/// changes nothing, unless it is known only now that a device of it has tripped.
///
/// # Errors
/// [`Error::Common`].
pub async fn switched(
    conn: &mut PgConnection,
    (version, state_no): (Uuid, i64),
    state: &Switching,
    tripped: &[String],
) -> Result<(), Error> {
    sqlx::query!(
        "insert into intake.switching (grid_version, state_no, at, opened, closed, tripped)
         values ($1, $2, $3, array(select id from unnest($4::text[]) id where id <> all($6)), $5, $6)
         on conflict (grid_version, state_no) do update
             set opened = excluded.opened, tripped = excluded.tripped, weighed = false, weighed_in = null,
                 opened_before = case when switching.weighed then switching.opened else switching.opened_before end,
                 weighed_before_in = case when switching.weighed then coalesce(switching.weighed_in, 0)
                     else switching.weighed_before_in end
             where switching.tripped <> excluded.tripped",
        version,
        state_no,
        state.at,
        &state.opened,
        &state.closed,
        tripped,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store a switching"))
}
