//! Contacts that turned out to be somebody else's (operations.md O15).

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::error::Error;

/// One of them.
#[derive(Debug, Clone)]
pub struct Wrong {
    /// Its id.
    pub id: Uuid,
    /// Whose contact it is not.
    pub customer_id: Uuid,
    /// The channel.
    pub channel: String,
    /// HMAC of the value.
    pub recipient: Vec<u8>,
    /// What may be shown of it.
    pub masked: String,
    /// Since when.
    pub reported_at: DateTime<Utc>,
    /// Person id, or `reply`.
    pub reported_by: String,
    /// What was said.
    pub note: String,
    /// When it was taken back.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// By whom.
    pub withdrawn_by: Option<String>,
    /// Why.
    pub withdrawn_reason: Option<String>,
}

/// Notes one; false when this contact is noted for this customer already.
///
/// # Errors
/// [`Error::Common`].
pub async fn add(conn: &mut PgConnection, one: &Wrong) -> Result<bool, Error> {
    sqlx::query!(
        "insert into notify.wrong_contact (id, customer_id, channel, recipient, masked, reported_at, reported_by, note)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (customer_id, channel, recipient) where withdrawn_at is null do nothing",
        one.id,
        one.customer_id,
        one.channel,
        one.recipient,
        one.masked,
        one.reported_at,
        one.reported_by,
        one.note
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(Error::db("note a wrong contact"))
}

/// The one in force for this contact.
///
/// # Errors
/// [`Error::Common`].
pub async fn active(
    conn: &mut PgConnection,
    customer: Uuid,
    channel: &str,
    recipient: &[u8],
) -> Result<Option<Wrong>, Error> {
    sqlx::query_as!(
        Wrong,
        "select id, customer_id, channel, recipient, masked, reported_at, reported_by, note, withdrawn_at,
             withdrawn_by, withdrawn_reason
         from notify.wrong_contact
         where customer_id = $1 and channel = $2 and recipient = $3 and withdrawn_at is null",
        customer,
        channel,
        recipient
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("look for a wrong contact"))
}

/// All of a customer, newest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn list(pool: &PgPool, customer: Uuid) -> Result<Vec<Wrong>, Error> {
    sqlx::query_as!(
        Wrong,
        "select id, customer_id, channel, recipient, masked, reported_at, reported_by, note, withdrawn_at,
             withdrawn_by, withdrawn_reason
         from notify.wrong_contact where customer_id = $1 order by reported_at desc, id desc limit 100",
        customer
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list wrong contacts"))
}

/// Whose contact a note is about.
///
/// # Errors
/// [`Error::Common`].
pub async fn customer_of(pool: &PgPool, id: Uuid) -> Result<Option<Uuid>, Error> {
    sqlx::query_scalar!("select customer_id from notify.wrong_contact where id = $1", id)
        .fetch_optional(pool)
        .await
        .map_err(Error::db("look for a wrong contact"))
}

/// Takes one back; `None` when there is none of that id in force.
///
/// # Errors
/// [`Error::Common`].
pub async fn withdraw(
    conn: &mut PgConnection,
    id: Uuid,
    (by, reason): (&str, &str),
    now: DateTime<Utc>,
) -> Result<Option<Wrong>, Error> {
    sqlx::query_as!(
        Wrong,
        "update notify.wrong_contact set withdrawn_at = $4, withdrawn_by = $2, withdrawn_reason = $3
         where id = $1 and withdrawn_at is null
         returning id, customer_id, channel, recipient, masked, reported_at, reported_by, note, withdrawn_at,
             withdrawn_by, withdrawn_reason",
        id,
        by,
        reason,
        now
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("take a wrong contact back"))
}

/// Ends unsent messages about debts to this contact. Returns them.
///
/// # Errors
/// [`Error::Common`].
pub async fn silence(conn: &mut PgConnection, one: &Wrong) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "update notify.message set state = 'failed', reason = 'its contact is somebody else''s'
         where recipient = $1 and channel = $2 and customer_id = $3 and case_id is not null and state in ('held', 'queued')
         returning id",
        one.recipient,
        one.channel,
        one.customer_id
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("end messages to a wrong contact"))
}

/// What was delivered to this contact for this customer since `since` is no proof any more: that is told, unless it was
/// no proof before, by an earlier note that was taken back since.
///
/// # Errors
/// [`Error::Common`].
pub async fn disprove(
    conn: &mut PgConnection,
    one: &Wrong,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into notify.result (notice_id, customer_id, channel, result, at)
         select m.subject, $3, m.channel, 'wrong_person', $5 from notify.message m
         where m.id in (select id from notify.message where customer_id = $3 and not beside
                 union all select message_id from notify.also_told where customer_id = $3)
           and m.recipient = $1 and m.channel = $2 and m.created_at >= $4 and m.state = 'delivered'
           and m.channel = 'sms' and (m.outage_id is not null or m.case_id is not null)
           and not exists (select from notify.wrong_contact w
               where w.customer_id = $3 and w.channel = $2 and w.recipient = $1 and w.id <> $6
                 and w.withdrawn_at >= m.delivered_at)",
        one.recipient,
        one.channel,
        one.customer_id,
        since,
        now,
        one.id
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("take proof back"))
}

/// A message about a debt that somebody may answer.
#[derive(Debug)]
pub struct Answerable {
    /// The message.
    pub id: Uuid,
    /// Whose contact it went to.
    pub customer_id: Option<Uuid>,
    /// Which contact.
    pub contact_id: Option<Uuid>,
    /// What may be shown of it.
    pub masked: String,
    /// Its language.
    pub language: String,
    /// Where in the organisation.
    pub org_path: String,
    /// Zone of the place.
    pub zone: String,
}

/// The latest message about a debt that this number got since `since`.
///
/// # Errors
/// [`Error::Common`].
pub async fn answerable(
    conn: &mut PgConnection,
    recipient: &[u8],
    since: DateTime<Utc>,
) -> Result<Option<Answerable>, Error> {
    sqlx::query_as!(
        Answerable,
        "select id, customer_id, contact_id, masked, language, org_path, zone from notify.message
         where recipient = $1 and created_at >= $2 and case_id is not null and channel = 'sms'
           and state in ('submitting', 'submitted', 'delivered', 'unknown')
         order by created_at desc limit 1",
        recipient,
        since
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("look for what was answered"))
}

/// The contact a message went to.
#[derive(Debug)]
pub struct Went {
    /// Whose contact.
    pub customer_id: Option<Uuid>,
    /// The channel.
    pub channel: String,
    /// HMAC of the value.
    pub recipient: Vec<u8>,
    /// What may be shown of it.
    pub masked: String,
    /// Where in the organisation.
    pub org_path: String,
    /// The contact at registry.
    pub contact_id: Option<Uuid>,
}

/// Where a message went.
///
/// # Errors
/// [`Error::Common`].
pub async fn went(pool: &PgPool, message: Uuid) -> Result<Option<Went>, Error> {
    sqlx::query_as!(
        Went,
        "select customer_id, channel, recipient, masked, org_path, contact_id from notify.message where id = $1",
        message
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("look for a message"))
}
