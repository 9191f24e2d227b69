//! Messages: written once per person, claimed by a sender, listed for the desk.

mod insert;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    domain::notice::{Channel, ContactRole, Language, Purpose, RANK_MAX},
    error::Error,
    people::Reach,
    store::result,
};

pub use self::insert::{CHUNK, insert, insert_all};

/// Where a message may stand.
pub const STATES: [&str; 10] = [
    "held",
    "queued",
    "submitting",
    "submitted",
    "delivered",
    "failed",
    "unknown",
    "superseded",
    "expired",
    "spared",
];

/// What all messages of one notice have in common.
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    /// Why.
    pub purpose: Purpose,
    /// About what.
    pub subject: Uuid,
    /// Which version of that.
    pub version: i64,
    /// The incident, when there is one.
    pub incident: Option<Uuid>,
    /// The planned or temporary outage, when there is one.
    pub outage: Option<Uuid>,
    /// The arrears case, when there is one.
    pub case: Option<Uuid>,
    /// Where in the organisation.
    pub org_path: &'a str,
    /// Zone of the place.
    pub zone: &'a str,
    /// Key of the template.
    pub template: &'a str,
    /// Version of the template.
    pub template_version: i32,
    /// Trace of what caused it.
    pub traceparent: &'a str,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What one message has of its own.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its id.
    pub id: Uuid,
    /// How the person is reached.
    pub reach: Reach,
    /// The channel.
    pub channel: Channel,
    /// HMAC of the contact value.
    pub recipient: [u8; 32],
    /// What may be shown of it.
    pub masked: String,
    /// Whether the night does not put it off.
    pub night: bool,
    /// The language.
    pub language: Language,
    /// The variables, sealed.
    pub sealed: Vec<u8>,
    /// Not before.
    pub due_at: DateTime<Utc>,
    /// Not after.
    pub expires_at: DateTime<Utc>,
    /// Held back: of a second round, which is decided about at `due_at`.
    pub held: bool,
    /// Whose contact it is: to a carer or property manager it is no proof that the customer was told.
    pub role: ContactRole,
}

impl Row {
    /// Whose contact it goes to.
    pub fn customer(&self) -> Option<Uuid> {
        match self.reach {
            Reach::Contact { customer, .. } => Some(customer),
            Reach::Reporter { .. } => None,
        }
    }

    fn contact(&self) -> Option<Uuid> {
        match self.reach {
            Reach::Contact { contact, .. } => Some(contact),
            Reach::Reporter { .. } => None,
        }
    }

    fn report(&self) -> Option<Uuid> {
        match self.reach {
            Reach::Contact { .. } => None,
            Reach::Reporter { report } => Some(report),
        }
    }
}

/// About what messages are taken back.
#[derive(Debug, Clone, Copy)]
pub enum About {
    /// A planned or temporary outage.
    Outage(Uuid),
    /// An arrears case.
    Case(Uuid),
}

/// Withdraws what was not sent yet of these purposes about an outage or a debt: from everybody, or from `customers` only.
/// That it will not arrive is told.
///
/// # Errors
/// [`Error::Common`].
pub async fn take_back(
    conn: &mut PgConnection,
    about: About,
    purposes: &[Purpose],
    customers: Option<&[Uuid]>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if purposes.is_empty() {
        return Ok(());
    }
    let purposes: Vec<String> = purposes.iter().map(|one| one.word().to_owned()).collect();
    let (outage, case) = match about {
        About::Outage(id) => (Some(id), None),
        About::Case(id) => (None, Some(id)),
    };
    let ended = sqlx::query_scalar!(
        "update notify.message set state = 'superseded', reason = 'newer news came before it was sent'
         where (outage_id = $1 or case_id = $2) and state in ('held', 'queued') and purpose = any($3)
           and ($4::uuid[] is null or (customer_id = any($4) and not beside)) returning id",
        outage,
        case,
        &purposes,
        customers
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(Error::db("take messages back"))?;
    result::of(conn, &ended, now).await
}

/// News that takes unsent messages of its purpose about an incident back, from everybody.
#[derive(Debug, Clone, Copy)]
pub struct Withdrawal {
    /// The incident.
    pub incident: Uuid,
    /// The purpose.
    pub purpose: Purpose,
    /// Subject and version of the news: its own messages, and newer ones of that subject, stay.
    pub newer: (Uuid, i64),
}

/// Withdraws what was not sent yet.
///
/// # Errors
/// [`Error::Common`].
pub async fn supersede(conn: &mut PgConnection, all: &[Withdrawal]) -> Result<(), Error> {
    if all.is_empty() {
        return Ok(());
    }
    let incidents: Vec<Uuid> = all.iter().map(|one| one.incident).collect();
    let purposes: Vec<String> = all.iter().map(|one| one.purpose.word().to_owned()).collect();
    let (subjects, versions): (Vec<Uuid>, Vec<i64>) = all.iter().map(|one| one.newer).unzip();
    sqlx::query!(
        "update notify.message m set state = 'superseded', reason = 'newer news came before it was sent'
         from unnest($1::uuid[], $2::text[], $3::uuid[], $4::int8[]) w (incident_id, purpose, subject, version)
         where m.incident_id = w.incident_id and m.state in ('held', 'queued') and m.purpose = w.purpose
           and (m.subject <> w.subject or m.version < w.version)",
        &incidents,
        &purposes,
        &subjects,
        &versions
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("withdraw older messages"))
}

/// Withdraws what was not sent yet about an incident to those whose supply is back: no crew and no estimate is news to them.
/// `newer`: as for [`Withdrawal`].
///
/// # Errors
/// [`Error::Common`].
pub async fn supersede_of(
    conn: &mut PgConnection,
    incident: Uuid,
    recipients: &[[u8; 32]],
    newer: (Uuid, i64),
) -> Result<(), Error> {
    let older = [Purpose::CrewEnRoute, Purpose::Etr].map(|one| one.word().to_owned());
    let recipients: Vec<Vec<u8>> = recipients.iter().map(|one| one.to_vec()).collect();
    sqlx::query!(
        "update notify.message set state = 'superseded', reason = 'newer news came before it was sent'
         where incident_id = $1 and state in ('held', 'queued') and purpose = any($2)
           and recipient = any($3) and (subject <> $4 or version < $5)",
        incident,
        &older,
        &recipients,
        newer.0,
        newer.1
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("withdraw older messages"))
}

/// A message that may be sent now.
#[derive(Debug, Clone)]
pub struct Due {
    /// Its id.
    pub id: Uuid,
    customer_id: Option<Uuid>,
    contact_id: Option<Uuid>,
    report_id: Option<Uuid>,
}

impl Due {
    /// How its person is reached; `None` for a row the schema would not take.
    pub fn reach(&self) -> Option<Reach> {
        match (self.customer_id, self.contact_id, self.report_id) {
            (Some(customer), Some(contact), _) => Some(Reach::Contact { customer, contact }),
            (_, _, Some(report)) => Some(Reach::Reporter { report }),
            _ => None,
        }
    }
}

/// The next messages of a channel, those somebody waits for first. Rank by rank, so that many that wait for the morning
/// are not looked at again and again.
///
/// # Errors
/// [`Error::Common`].
pub async fn due(pool: &PgPool, channel: Channel, now: DateTime<Utc>, limit: i64) -> Result<Vec<Due>, Error> {
    sqlx::query_as!(
        Due,
        "select m.id, m.customer_id, m.contact_id, m.report_id from generate_series(0, $4::int4) r (rank)
         cross join lateral (
             select id, customer_id, contact_id, report_id, rank, due_at from notify.message
             where channel = $1 and state = 'queued' and rank = r.rank and due_at <= $2 order by due_at limit $3
         ) m
         order by m.rank, m.due_at limit $3",
        channel.word(),
        now,
        limit,
        i32::from(RANK_MAX)
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("look for messages to send"))
}

/// A message taken for sending.
#[derive(Debug)]
pub struct Claimed {
    /// Its id.
    pub id: Uuid,
    /// Its purpose.
    pub purpose: String,
    /// Whose contact it goes to.
    pub customer_id: Option<Uuid>,
    /// HMAC of the contact value it was made for.
    pub recipient: Vec<u8>,
    /// Whether the night does not put it off.
    pub night: bool,
    /// Zone of the place.
    pub zone: String,
    /// Its language.
    pub language: String,
    /// Key of its template.
    pub template: String,
    /// And the version.
    pub template_version: i32,
    /// Its variables, sealed.
    pub sealed: Vec<u8>,
    /// Until when it is worth sending.
    pub expires_at: DateTime<Utc>,
    /// Tries so far.
    pub tries: i32,
    /// Trace of what caused it.
    pub traceparent: String,
}

/// Locks those of `ids` that are still to be sent; what another sender holds is left to it.
///
/// # Errors
/// [`Error::Common`].
pub async fn claim(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Claimed>, Error> {
    sqlx::query_as!(
        Claimed,
        "select id, purpose, customer_id, recipient, night, zone, language, template, template_version, sealed,
             expires_at, tries, traceparent
         from notify.message where id = any($1) and state = 'queued' order by rank, due_at for update skip locked",
        ids
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("claim messages"))
}

/// Marks claimed messages as being handed over in so many segments.
///
/// # Errors
/// [`Error::Common`].
pub async fn begin(conn: &mut PgConnection, ids: &[Uuid], segments: &[i16]) -> Result<(), Error> {
    sqlx::query!(
        "update notify.message m set state = 'submitting', tries = tries + 1, segments = b.segments
         from unnest($1::uuid[], $2::int2[]) b (id, segments) where m.id = b.id",
        ids,
        segments
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("begin messages"))
}

/// Ends a message that is not handed over at all.
///
/// # Errors
/// [`Error::Common`].
pub async fn end(
    conn: &mut PgConnection,
    id: Uuid,
    (state, reason): (&str, &str),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "update notify.message set state = $2, reason = $3 where id = $1 and state = 'queued'",
        id,
        state,
        reason
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("end a message"))?;
    result::of(conn, &[id], now).await
}

/// Puts messages off.
///
/// # Errors
/// [`Error::Common`].
pub async fn put_off(
    db: impl sqlx::PgExecutor<'_>,
    ids: &[Uuid],
    until: DateTime<Utc>,
    reason: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "update notify.message set due_at = $2, reason = $3 where id = any($1) and state = 'queued'",
        ids,
        until,
        reason
    )
    .execute(db)
    .await
    .map(drop)
    .map_err(Error::db("put messages off"))
}

/// Ends what was never sent in its time, and forgets codes whose time is over. Returns how many were ended.
///
/// # Errors
/// [`Error::Common`].
pub async fn expire(pool: &PgPool, now: DateTime<Utc>) -> Result<u64, Error> {
    let mut tx = pool.begin().await.map_err(Error::db("begin"))?;
    let ended = sqlx::query_scalar!(
        "update notify.message set state = 'expired', reason = 'it was not sent while it was worth it'
         where id in (select id from notify.message where state = 'queued' and expires_at <= $1 limit 5000) returning id",
        now
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(Error::db("expire messages"))?;
    result::of(&mut tx, &ended, now).await?;
    tx.commit().await.map_err(Error::db("commit expired messages"))?;
    sqlx::query!(
        "update notify.message set sealed = '' where purpose = 'code' and expires_at <= $1 and sealed <> ''",
        now
    )
    .execute(pool)
    .await
    .map_err(Error::db("forget codes"))?;
    Ok(ended.len() as u64)
}
