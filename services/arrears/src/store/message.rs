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
    /// `delivered`, `failed` or `wrong_person`; `None` while nothing is known.
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

/// What a result makes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It reached the customer, and had not before.
    Proof,
    /// One of its deliveries reached somebody else.
    Less {
        /// The latest of those that stand.
        stands_at: Option<DateTime<Utc>>,
    },
}

/// Takes a result. A customer with two numbers gives two; the message stands while more reached the customer than
/// somebody else. A failure only counts while nothing is known. Returns the case when that changes what it proves.
///
/// # Errors
/// [`Error::Common`].
pub async fn finish(
    conn: &mut PgConnection,
    id: Uuid,
    (channel, result): (&str, &str),
    at: DateTime<Utc>,
) -> Result<Option<(Uuid, Became)>, Error> {
    match result {
        "delivered" => delivered(conn, id, channel, at).await,
        "wrong_person" => disproved(conn, id, at).await,
        _ => failed(conn, id, (channel, result), at).await.map(|()| None),
    }
}

async fn delivered(
    conn: &mut PgConnection,
    id: Uuid,
    channel: &str,
    at: DateTime<Utc>,
) -> Result<Option<(Uuid, Became)>, Error> {
    let row = sqlx::query!(
        r#"update arrears.message m set reached = m.reached + 1, reached_at = greatest(m.reached_at, $3),
             channel = case when m.reached > m.strangers then m.channel else $2 end, result = 'delivered',
             result_at = case when m.reached > m.strangers then m.result_at else $3 end
         where id = $1 returning case_id, reached - strangers = 1 as "is_first!""#,
        id,
        channel,
        at
    )
    .fetch_optional(conn)
    .await
    .map_err(db("take a message's delivery"))?;
    Ok(row
        .filter(|row| row.is_first)
        .map(|row| (row.case_id, Became::Proof)))
}

async fn disproved(
    conn: &mut PgConnection,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<Option<(Uuid, Became)>, Error> {
    let row = sqlx::query!(
        r#"update arrears.message m set strangers = m.strangers + 1,
             result = case when m.reached > m.strangers + 1 then m.result else 'wrong_person' end,
             result_at = case when m.reached > m.strangers + 1 then m.result_at else $2 end
         where id = $1 and strangers < reached
         returning case_id, case when reached > strangers then reached_at end as stands_at"#,
        id,
        at
    )
    .fetch_optional(conn)
    .await
    .map_err(db("take a message's proof back"))?;
    Ok(row.map(|row| {
        let stands_at = row.stands_at;
        (row.case_id, Became::Less { stands_at })
    }))
}

async fn failed(
    conn: &mut PgConnection,
    id: Uuid,
    (channel, result): (&str, &str),
    at: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "update arrears.message set channel = $2, result = $3, result_at = $4
         where id = $1 and (result is null or result = 'failed')",
        id,
        channel,
        result,
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("take a message's failure"))
}

/// Whether a message of this kind was ordered since then and may still be proof, or is.
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
             and (result is null or result = 'delivered')) as "is!""#,
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
