//! Warnings of important customers who are down to one supply.

use chrono::TimeDelta;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    domain::{
        reliability::{About, Progress, Rung, Times},
        window::Instant,
    },
    error::Error,
};

/// One warning as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Warning {
    /// Its id.
    pub id: Uuid,
    /// Spoken number.
    pub number: String,
    /// Of the aggregate.
    pub version: i64,
    /// supply, fault.
    pub kind: String,
    /// Whose supplies.
    pub customer_id: Uuid,
    /// Org unit.
    pub org_path: String,
    /// IANA zone.
    pub zone: String,
    /// Supplies as drawn.
    pub supplies: i32,
    /// Of them with supply.
    pub supplied: i32,
    /// Streets of those that are off, Chinese.
    pub area_zh: String,
    /// And English.
    pub area_en: String,
    /// What was switched.
    pub device_id: String,
    /// What for; empty: not known.
    pub basis_kind: String,
    /// The incident or outage.
    pub basis_id: Option<Uuid>,
    /// One supply left since.
    pub since_at: Instant,
    /// When the notice was ordered.
    pub told_at: Option<Instant>,
    /// Proof that it reached them.
    pub served_at: Option<Instant>,
    /// By which channel.
    pub served_channel: Option<String>,
    /// When they answered.
    pub acknowledged_at: Option<Instant>,
    /// Who noted it.
    pub acknowledged_by: Option<String>,
    /// How it came: call, visit, esign.
    pub acknowledged_channel: Option<String>,
    /// Verbatim.
    pub text: Option<String>,
    /// Where silence is.
    pub escalated_to: Option<String>,
    /// Since when.
    pub escalated_at: Option<Instant>,
    /// When the duty manager took silence on.
    pub closed_at: Option<Instant>,
    /// Who.
    pub closed_by: Option<String>,
    /// Why.
    pub note: Option<String>,
    /// When it was over.
    pub ended_at: Option<Instant>,
    /// How.
    pub ended_as: Option<String>,
    /// Of a fault: when supply is expected back.
    pub etr_at: Option<Instant>,
    /// Seconds until the notice.
    pub tell_after_s: i32,
    /// Seconds of silence after it.
    pub account_manager_after_s: i32,
    /// And more of it.
    pub duty_manager_after_s: i32,
}

impl Warning {
    /// Whether it is about a fault.
    pub fn is_fault(&self) -> bool {
        self.kind == About::Fault.word()
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let span = |s: i32| TimeDelta::seconds(s.into());
        Progress {
            times: Times {
                tell: span(self.tell_after_s),
                account_manager: span(self.account_manager_after_s),
                duty_manager: span(self.duty_manager_after_s),
            },
            since_at: self.since_at,
            told_at: self.told_at,
            settled: self.acknowledged_at.is_some() || self.closed_at.is_some() || self.ended_at.is_some(),
            rung: self.escalated_to.as_deref().and_then(Rung::parse),
        }
    }
}

/// The same columns for every way to ask.
macro_rules! warnings {
    ($tail:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            Warning,
            "select id, number, version, kind, customer_id, org_path, zone, supplies, supplied, area_zh, area_en, device_id,
                 basis_kind, basis_id, since_at, told_at, served_at, served_channel, acknowledged_at, acknowledged_by,
                 acknowledged_channel, text, escalated_to, escalated_at, closed_at, closed_by, note, ended_at, ended_as, etr_at,
                 tell_after_s, account_manager_after_s, duty_manager_after_s
             from planner.reliability_warning "
                + $tail,
            $($argument),+
        )
    };
}

/// Stores a new one.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert(conn: &mut PgConnection, one: &Warning) -> Result<(), Error> {
    sqlx::query!(
        "insert into planner.reliability_warning (id, number, version, customer_id, org_path, zone, supplies, supplied, area_zh,
             area_en, device_id, basis_kind, basis_id, since_at, kind, etr_at, tell_after_s, account_manager_after_s,
             duty_manager_after_s)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        one.id,
        one.number,
        one.version,
        one.customer_id,
        one.org_path,
        one.zone,
        one.supplies,
        one.supplied,
        one.area_zh,
        one.area_en,
        one.device_id,
        one.basis_kind,
        one.basis_id,
        one.since_at,
        one.kind,
        one.etr_at,
        one.tell_after_s,
        one.account_manager_after_s,
        one.duty_manager_after_s
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store a reliability warning"))
}

/// Saves what became of one.
///
/// # Errors
/// [`Error::Common`].
pub async fn save(conn: &mut PgConnection, one: &Warning) -> Result<(), Error> {
    sqlx::query!(
        "update planner.reliability_warning set version = $2, supplied = $3, told_at = $4, served_at = $5, served_channel = $6,
             acknowledged_at = $7, acknowledged_by = $8, acknowledged_channel = $9, text = $10, escalated_to = $11,
             escalated_at = $12, closed_at = $13, closed_by = $14, note = $15, ended_at = $16, ended_as = $17, basis_id = $18, etr_at = $19,
             kind = $20, supplies = $21
         where id = $1",
        one.id,
        one.version,
        one.supplied,
        one.told_at,
        one.served_at,
        one.served_channel,
        one.acknowledged_at,
        one.acknowledged_by,
        one.acknowledged_channel,
        one.text,
        one.escalated_to,
        one.escalated_at,
        one.closed_at,
        one.closed_by,
        one.note,
        one.ended_at,
        one.ended_as,
        one.basis_id,
        one.etr_at,
        one.kind,
        one.supplies
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("save a reliability warning"))
}

/// Locks one.
///
/// # Errors
/// [`Error::NoSuchWarning`], [`Error::Common`].
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Warning, Error> {
    warnings!("where id = $1 for update", id)
        .fetch_optional(conn)
        .await
        .map_err(Error::db("lock a reliability warning"))?
        .ok_or(Error::NoSuchWarning(id))
}

/// Whatever begins for a customer begins after this transaction, or was there before it: what switching tells and what faults tell are
/// read side by side.
///
/// # Errors
/// [`Error::Common`].
pub async fn alone(conn: &mut PgConnection, customer: Uuid) -> Result<(), Error> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 2))",
        customer
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("take a customer's warnings alone"))
}

/// Locks the one that is open for a customer.
///
/// # Errors
/// [`Error::Common`].
pub async fn open_of(
    conn: &mut PgConnection,
    customer: Uuid,
    about: About,
) -> Result<Option<Warning>, Error> {
    warnings!(
        "where customer_id = $1 and kind = $2 and ended_at is null for update",
        customer,
        about.word()
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("lock a customer's reliability warning"))
}

/// Locks those that are open about an incident's fault.
///
/// # Errors
/// [`Error::Common`].
pub async fn of_incident(conn: &mut PgConnection, incident: Uuid) -> Result<Vec<Warning>, Error> {
    warnings!(
        "where basis_id = $1 and kind = 'fault' and ended_at is null order by customer_id for update",
        incident
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("lock the warnings of a fault"))
}

/// Customers for whom one is open.
///
/// # Errors
/// [`Error::Common`].
pub async fn warned(pool: &PgPool) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "select customer_id from planner.reliability_warning where ended_at is null and kind = 'supply' order by 1"
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list customers with a reliability warning"))
}

/// One in the caller's area.
///
/// # Errors
/// [`Error::NoSuchWarning`], [`Error::Common`].
pub async fn find(pool: &PgPool, id: Uuid, org: &[String]) -> Result<Warning, Error> {
    warnings!("where id = $1 and org_path like any($2)", id, org)
        .fetch_optional(pool)
        .await
        .map_err(Error::db("read a reliability warning"))?
        .ok_or(Error::NoSuchWarning(id))
}

/// Those of the caller's area before (`since_at`, `id`), the last one first; `open`: only those that are not over.
///
/// # Errors
/// [`Error::Common`].
pub async fn page(
    pool: &PgPool,
    (org, open): (&[String], bool),
    before: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<Warning>, Error> {
    let (at, id) = before.unzip();
    warnings!(
        "where org_path like any($1) and (not $2 or ended_at is null)
           and ($3::timestamptz is null or (since_at, id) < ($3, $4))
         order by since_at desc, id desc limit $5",
        org,
        open,
        at,
        id,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list reliability warnings"))
}
