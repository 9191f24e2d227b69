//! Messages ordered for customers, and what became of them.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::db;
use crate::{domain::message::Kind, error::Error};

/// A message of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Notice id of the events about it.
    pub id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// What it is about.
    pub kind: String,
    /// When it was ordered.
    pub ordered_at: DateTime<Utc>,
    /// How it went.
    pub channel: Option<String>,
    /// `delivered` or `failed`; `None` while nothing is known.
    pub result: Option<String>,
    /// When that was.
    pub result_at: Option<DateTime<Utc>>,
}

/// Writes an order.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert(
    conn: &mut PgConnection,
    (id, case): (Uuid, Uuid),
    kind: Kind,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into arrears.message (id, case_id, kind, ordered_at) values ($1, $2, $3, $4)",
        id,
        case,
        kind.word(),
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("order a message"))
}

/// What became of it. The first delivery stays; a failure only counts while nothing was delivered. Returns the case when
/// this is the first delivery.
///
/// # Errors
/// [`Error::Common`].
pub async fn finish(
    conn: &mut PgConnection,
    id: Uuid,
    (channel, result): (&str, &str),
    at: DateTime<Utc>,
) -> Result<Option<Uuid>, Error> {
    let case = sqlx::query_scalar!(
        "update arrears.message set channel = $2, result = $3, result_at = $4
         where id = $1 and result is distinct from 'delivered' returning case_id",
        id,
        channel,
        result,
        at
    )
    .fetch_optional(conn)
    .await
    .map_err(db("take a message's result"))?;
    Ok(case.filter(|_| result == "delivered"))
}

/// Whether a message of this kind was ordered since then and did not fail.
///
/// # Errors
/// [`Error::Common`].
pub async fn is_ordered(
    conn: &mut PgConnection,
    case: Uuid,
    kind: Kind,
    since: DateTime<Utc>,
) -> Result<bool, Error> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from arrears.message where case_id = $1 and kind = $2 and ordered_at >= $3
             and result is distinct from 'failed') as "is!""#,
        case,
        kind.word(),
        since
    )
    .fetch_one(conn)
    .await
    .map_err(db("look for a message"))
}

/// The messages of a case, oldest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn of_case(pool: &PgPool, case: Uuid) -> Result<Vec<Row>, Error> {
    sqlx::query_as!(
        Row,
        "select id, case_id, kind, ordered_at, channel, result, result_at from arrears.message
         where case_id = $1 order by ordered_at, id",
        case
    )
    .fetch_all(pool)
    .await
    .map_err(db("read the messages of a case"))
}
