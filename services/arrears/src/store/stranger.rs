//! Contacts that are somebody else's, as notify noted them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::db;
use crate::error::Error;

/// Notes one; a repeat changes nothing.
///
/// # Errors
/// [`Error::Common`].
pub async fn note(
    conn: &mut PgConnection,
    (note, customer, contact): (Uuid, Uuid, Uuid),
    at: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into arrears.stranger (note_id, customer_id, contact_id, noted_at) values ($1, $2, $3, $4)
         on conflict on constraint stranger_pk do nothing",
        note,
        customer,
        contact,
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("note a contact that is somebody else's"))
}

/// Takes a note back.
///
/// # Errors
/// [`Error::Common`].
pub async fn withdraw(conn: &mut PgConnection, note: Uuid) -> Result<(), Error> {
    sqlx::query!("delete from arrears.stranger where note_id = $1", note)
        .execute(conn)
        .await
        .map(drop)
        .map_err(db("take back that a contact is somebody else's"))
}

/// Whether this contact is noted.
///
/// # Errors
/// [`Error::Common`].
pub async fn is_noted(conn: &mut PgConnection, contact: Uuid) -> Result<bool, Error> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from arrears.stranger where contact_id = $1) as "is!""#,
        contact
    )
    .fetch_one(conn)
    .await
    .map_err(db("look whether a contact is somebody else's"))
}
