//! What people answered that no word explains, until a person of the desk has read it.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::error::Error;

/// One answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its id; later ones are greater.
    pub id: Uuid,
    /// The message it answers.
    pub message_id: Uuid,
    /// Whose contact it came from.
    pub customer_id: Option<Uuid>,
    /// Where in the organisation.
    pub org_path: String,
    /// What may be shown of the number.
    pub masked: String,
    /// What the message it answers was for.
    pub purpose: String,
    /// The words, sealed.
    pub sealed: Vec<u8>,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// When somebody read it.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// What came of it.
    pub note: String,
}

/// The latest message that a number got since a moment.
#[derive(Debug)]
pub struct Answered {
    /// Which.
    pub id: Uuid,
    /// Whose contact.
    pub customer_id: Option<Uuid>,
    /// Where in the organisation.
    pub org_path: String,
    /// What may be shown of the number.
    pub masked: String,
}

/// What a number may be answering; codes are not answered.
///
/// # Errors
/// [`Error::Common`].
pub async fn answered(
    conn: &mut PgConnection,
    recipient: &[u8],
    since: DateTime<Utc>,
) -> Result<Option<Answered>, Error> {
    sqlx::query_as!(
        Answered,
        "select id, customer_id, org_path, masked from notify.message
         where recipient = $1 and created_at >= $2 and channel = 'sms' and purpose not in ('code', 'wrong_person', 'still_off_answer')
           and state in ('submitting', 'submitted', 'delivered', 'unknown')
         order by created_at desc, id desc limit 1",
        recipient,
        since
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("look for what was answered"))
}

/// Stores an answer; the same words to the same message once while nobody has read them. False: they wait already.
///
/// # Errors
/// [`Error::Common`].
pub async fn add(
    conn: &mut PgConnection,
    id: Uuid,
    to: &Answered,
    (said, sealed): (&[u8], &[u8]),
    at: DateTime<Utc>,
) -> Result<bool, Error> {
    sqlx::query!(
        "insert into notify.reply (id, message_id, customer_id, org_path, masked, said, sealed, received_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (message_id, said) where acknowledged_at is null do nothing",
        id,
        to.id,
        to.customer_id,
        to.org_path,
        to.masked,
        said,
        sealed,
        at
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(Error::db("store an answer"))
}

/// Answers in these parts of the organisation, those that wait longest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn list(
    pool: &PgPool,
    open: bool,
    org: &[String],
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Reply>, Error> {
    sqlx::query_as!(
        Reply,
        "select r.id, r.message_id, r.customer_id, r.org_path, r.masked, m.purpose, r.sealed, r.received_at,
             r.acknowledged_at, r.acknowledged_by, r.note
         from notify.reply r join notify.message m on m.id = r.message_id
         where (not $1 or r.acknowledged_at is null) and r.org_path like any($2) and ($3::uuid is null or r.id > $3)
         order by r.id limit $4",
        open,
        org,
        after,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list answers"))
}

/// Notes who read an answer and what came of it; the first one stays. `None`: there is no such answer there.
///
/// # Errors
/// [`Error::Common`].
pub async fn acknowledge(
    conn: &mut PgConnection,
    id: Uuid,
    org: &[String],
    (by, note): (&str, &str),
    at: DateTime<Utc>,
) -> Result<Option<Reply>, Error> {
    sqlx::query_as!(
        Reply,
        "update notify.reply r set acknowledged_at = coalesce(r.acknowledged_at, $5),
             acknowledged_by = coalesce(r.acknowledged_by, $3),
             note = case when r.acknowledged_at is null then $4 else r.note end
         from notify.message m
         where r.id = $1 and r.org_path like any($2) and m.id = r.message_id
         returning r.id, r.message_id, r.customer_id, r.org_path, r.masked, m.purpose, r.sealed, r.received_at,
             r.acknowledged_at, r.acknowledged_by, r.note",
        id,
        org,
        by,
        note,
        at
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("acknowledge an answer"))
}
