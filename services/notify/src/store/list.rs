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

/// A message for the desk, with what is needed for its words and its proof.
#[derive(Debug)]
pub struct Told {
    /// Its id.
    pub id: Uuid,
    /// Its purpose.
    pub purpose: String,
    /// The incident.
    pub incident_id: Option<Uuid>,
    /// The outage.
    pub outage_id: Option<Uuid>,
    /// The arrears case.
    pub case_id: Option<Uuid>,
    /// The customer.
    pub customer_id: Option<Uuid>,
    /// The channel.
    pub channel: String,
    /// Where it stands.
    pub state: String,
    /// Why.
    pub reason: String,
    /// Its template.
    pub template: String,
    /// And the version.
    pub template_version: i32,
    /// Its language.
    pub language: String,
    /// Its variables, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Not before.
    pub due_at: DateTime<Utc>,
    /// When the provider had all of it.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When all of it was on the phone.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Tries so far.
    pub tries: i32,
    /// Short messages it took.
    pub segments: i16,
    /// What may be shown of the recipient.
    pub masked: String,
    /// Whose contact it is.
    pub contact_role: String,
    /// Customers who share the contact.
    pub also_told: Vec<Uuid>,
}

/// Which messages are asked for, by whom.
#[derive(Debug)]
pub struct WantedTold<'a> {
    /// About this incident.
    pub incident: Option<Uuid>,
    /// About this outage.
    pub outage: Option<Uuid>,
    /// About this arrears case.
    pub case: Option<Uuid>,
    /// To this customer, by themselves or by a contact they share.
    pub customer: Option<Uuid>,
    /// In this state; empty: in any.
    pub state: &'a str,
    /// Org paths that may be seen; `None`: all (the customer's own).
    pub org: Option<&'a [String]>,
    /// Org paths of which messages about outages may be seen.
    pub plan_org: &'a [String],
    /// Older than this one.
    pub before: Option<Uuid>,
    /// At most.
    pub limit: i64,
}

/// What was told, newest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn told(pool: &PgPool, wanted: &WantedTold<'_>) -> Result<Vec<Told>, Error> {
    sqlx::query_as!(
        Told,
        r#"select m.id, m.purpose, m.incident_id, m.outage_id, m.case_id, m.customer_id, m.channel, m.state, m.reason,
             m.template, m.template_version, m.language, m.sealed, m.created_at, m.due_at, m.submitted_at,
             m.delivered_at, m.tries, m.segments, m.masked, m.contact_role,
             array(select a.customer_id from notify.also_told a where a.message_id = m.id) as "also_told!"
         from notify.message m
         where ($1::uuid is null or m.incident_id = $1) and ($2::uuid is null or m.outage_id = $2)
           and ($3::uuid is null or m.case_id = $3)
           and ($4::uuid is null or m.id in (select id from notify.message where customer_id = $4
                   union all select message_id from notify.also_told where customer_id = $4))
           and ($5 = '' or m.state = $5)
           and ($6::text[] is null or m.org_path like any($6) or (m.outage_id is not null and m.org_path like any($7)))
           and ($8::uuid is null or m.id < $8)
         order by m.id desc limit $9"#,
        wanted.incident,
        wanted.outage,
        wanted.case,
        wanted.customer,
        wanted.state,
        wanted.org,
        wanted.plan_org,
        wanted.before,
        wanted.limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list what was told"))
}
