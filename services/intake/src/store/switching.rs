//! How the network is switched, as the registry told it, and which devices have tripped.

use chrono::{DateTime, Utc};
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

/// What was switched, and what for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Act {
    /// Empty when only the state is known.
    pub device: String,
    /// Whether it is closed now.
    pub is_closed: bool,
    /// The incident, outage or switching it was done for.
    pub basis: Option<Uuid>,
    /// Who lost supply by it.
    pub lost_set: Option<String>,
}

/// Stores how the network is switched, and what of it has tripped, which is not among what is opened then. The same state again
/// changes nothing, unless it is known only now that a device of it has tripped, or what was switched.
///
/// # Errors
/// [`Error::Common`].
pub async fn switched(
    conn: &mut PgConnection,
    (version, state_no): (Uuid, i64),
    (state, act): (&Switching, &Act),
    tripped: &[String],
) -> Result<(), Error> {
    sqlx::query!(
        "insert into intake.switching (grid_version, state_no, at, opened, closed, tripped, device_id, is_closed, basis_id,
             lost_set_id)
         values ($1, $2, $3, array(select id from unnest($4::text[]) id where id <> all($6)), $5, $6, $7, $8, $9, $10)
         on conflict (grid_version, state_no) do update
             set opened = excluded.opened, tripped = excluded.tripped, device_id = excluded.device_id,
                 is_closed = excluded.is_closed, basis_id = excluded.basis_id, lost_set_id = excluded.lost_set_id,
                 weighed = switching.weighed and switching.tripped = excluded.tripped,
                 weighed_in = case when switching.tripped = excluded.tripped then switching.weighed_in end,
                 opened_before = case when switching.weighed and switching.tripped <> excluded.tripped
                     then switching.opened else switching.opened_before end,
                 weighed_before_in = case when switching.weighed and switching.tripped <> excluded.tripped
                     then coalesce(switching.weighed_in, 0) else switching.weighed_before_in end,
                 followed = switching.followed and switching.device_id = excluded.device_id
             where switching.tripped <> excluded.tripped or (switching.device_id = '' and excluded.device_id <> '')",
        version,
        state_no,
        state.at,
        &state.opened,
        &state.closed,
        tripped,
        act.device,
        act.is_closed,
        act.basis,
        act.lost_set,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store a switching"))
}

/// A switching that confirmed incidents have to follow.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Network and number of the state.
    pub key: (Uuid, i64),
    /// How the network is switched, with what has tripped among what is opened.
    pub state: Switching,
    /// What was switched.
    pub act: Act,
}

/// The switchings that were not followed, in their order.
///
/// # Errors
/// [`Error::Common`].
pub async fn unfollowed(conn: &mut PgConnection, limit: i64) -> Result<Vec<Turn>, Error> {
    let rows = sqlx::query!(
        "select grid_version, state_no, at, opened || tripped as \"opened!\", closed, device_id, is_closed, basis_id, lost_set_id
         from intake.switching where not followed order by at, state_no limit $1",
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read switchings to follow"))?;
    let turns = rows.into_iter().map(|row| Turn {
        key: (row.grid_version, row.state_no),
        state: Switching {
            at: row.at,
            opened: row.opened,
            closed: row.closed,
        },
        act: Act {
            device: row.device_id,
            is_closed: row.is_closed,
            basis: row.basis_id,
            lost_set: row.lost_set_id,
        },
    });
    Ok(turns.collect())
}

/// Notes that a switching was followed.
///
/// # Errors
/// [`Error::Common`].
pub async fn followed(conn: &mut PgConnection, (version, state_no): (Uuid, i64)) -> Result<(), Error> {
    sqlx::query!(
        "update intake.switching set followed = true where grid_version = $1 and state_no = $2",
        version,
        state_no
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note that a switching was followed"))
}

/// Whether `device` was closed after `since`, and not opened again until `until`.
///
/// # Errors
/// [`Error::Common`].
pub async fn closed_again(
    conn: &mut PgConnection,
    device: &str,
    (since, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool, Error> {
    let last = sqlx::query_scalar!(
        "select is_closed from intake.switching where device_id = $1 and at > $2 and at <= $3
         order by at desc, state_no desc limit 1",
        device,
        since,
        until
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("look whether a device was closed again"))?;
    Ok(last.unwrap_or(false))
}
