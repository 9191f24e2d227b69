//! Messages as the desk sees them.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::error::Error;

/// A message for the desk.
#[derive(Debug)]
pub struct Listed {
    /// Its id.
    pub id: Uuid,
    /// Its purpose.
    pub purpose: String,
    /// The incident.
    pub incident_id: Option<Uuid>,
    /// The customer.
    pub customer_id: Option<Uuid>,
    /// The channel.
    pub channel: String,
    /// Where it stands.
    pub state: String,
    /// Its template.
    pub template: String,
    /// And the version.
    pub template_version: i32,
    /// Its language.
    pub language: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the provider had all of it.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When all of it was on the phone.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Short messages it took.
    pub segments: i16,
    /// What may be shown of the recipient.
    pub masked: String,
}

/// Which messages are asked for.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// About this incident.
    pub incident: Option<Uuid>,
    /// To this customer.
    pub customer: Option<Uuid>,
    /// Org paths that may be seen; `None`: all (the customer's own).
    pub org_patterns: Option<&'a [String]>,
    /// Older than this one.
    pub before: Option<Uuid>,
    /// At most.
    pub limit: i64,
}

/// Messages, newest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn list(pool: &PgPool, wanted: &Wanted<'_>) -> Result<Vec<Listed>, Error> {
    sqlx::query_as!(
        Listed,
        "select id, purpose, incident_id, customer_id, channel, state, template, template_version, language,
             created_at, submitted_at, delivered_at, segments, masked
         from notify.message
         where ($1::uuid is null or incident_id = $1) and ($2::uuid is null or customer_id = $2)
           and ($3::text[] is null or org_path like any($3)) and ($4::uuid is null or id < $4)
         order by id desc limit $5",
        wanted.incident,
        wanted.customer,
        wanted.org_patterns,
        wanted.before,
        wanted.limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list messages"))
}
