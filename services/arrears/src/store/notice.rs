//! Notices as they were printed.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

use super::{account::Bill, db};
use crate::{
    domain::case::{Reminder, Served},
    error::Error,
};

/// What a notice says beside what its case knows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Printed {
    /// Name of the customer.
    pub name: String,
    /// Address in Chinese.
    pub address_zh: String,
    /// Address in English.
    pub address_en: String,
    /// Debt by bill period.
    pub bills: Vec<Bill>,
    /// Debt in all.
    pub amount_cents: i64,
    /// Name of who issued it.
    pub issuer: String,
    /// Name of who approved the disconnection.
    pub approver: String,
    /// Due day of the oldest bill, ISO.
    pub due_on: String,
    /// Every reminder given.
    pub reminders: Vec<Reminder>,
    /// The rules it rests on, as the policy pack names them.
    pub legal_basis: Vec<String>,
    /// The last reminder.
    pub reminded_at: DateTime<Utc>,
    /// Its channel.
    pub reminder_channel: String,
    /// When supply is to stop.
    pub stop_at: DateTime<Utc>,
    /// The last moment of service.
    pub serve_by: DateTime<Utc>,
    /// Hours from payment to supply.
    pub reconnect_h: u32,
    /// Where to pay, Chinese; empty on notices of before that was kept.
    #[serde(default)]
    pub pay_hint_zh: String,
    /// The same, English.
    #[serde(default)]
    pub pay_hint_en: String,
}

/// A notice of a case.
#[derive(Debug, Clone)]
pub struct Row {
    /// Number.
    pub number: String,
    /// Its case.
    pub case_id: Uuid,
    /// When.
    pub issued_at: DateTime<Utc>,
    /// What it says.
    pub doc: Json<Printed>,
}

/// Writes a notice.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert(conn: &mut PgConnection, row: &Row) -> Result<(), Error> {
    sqlx::query!(
        "insert into arrears.notice (number, case_id, issued_at, doc) values ($1, $2, $3, $4)",
        row.number,
        row.case_id,
        row.issued_at,
        &row.doc as &Json<Printed>,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("write a notice"))
}

/// Number of the newest notice of a case.
///
/// # Errors
/// [`Error::Common`].
pub async fn newest(pool: &PgPool, case: Uuid) -> Result<Option<String>, Error> {
    sqlx::query_scalar!(
        "select number from arrears.notice where case_id = $1 order by issued_at desc limit 1",
        case
    )
    .fetch_optional(pool)
    .await
    .map_err(db("look for the newest notice"))
}

/// Numbers of the newest notices of these cases, by case.
///
/// # Errors
/// [`Error::Common`].
pub async fn newest_of(pool: &PgPool, cases: &[Uuid]) -> Result<HashMap<Uuid, String>, Error> {
    let rows = sqlx::query!(
        "select distinct on (case_id) case_id, number from arrears.notice where case_id = any($1)
         order by case_id, issued_at desc",
        cases
    )
    .fetch_all(pool)
    .await
    .map_err(db("look for the newest notices"))?;
    Ok(rows.into_iter().map(|row| (row.case_id, row.number)).collect())
}

/// The notice of this number.
///
/// # Errors
/// [`Error::Common`].
pub async fn get(pool: &PgPool, number: &str) -> Result<Option<Row>, Error> {
    sqlx::query_as!(
        Row,
        r#"select number, case_id, issued_at, doc as "doc: Json<Printed>" from arrears.notice where number = $1"#,
        number
    )
    .fetch_optional(pool)
    .await
    .map_err(db("read a notice"))
}

/// Keeps the proof that a notice reached the customer, as it was at this version of the case.
///
/// # Errors
/// [`Error::Common`].
pub async fn keep_service(
    conn: &mut PgConnection,
    served: &Served,
    version: i64,
    (at, actor): (DateTime<Utc>, &str),
) -> Result<(), Error> {
    sqlx::query!(
        "insert into arrears.notice_service (number, version, at, actor, doc) values ($1, $2, $3, $4, $5)",
        served.notice.number,
        version,
        at,
        actor,
        Json(served) as Json<&Served>,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("keep the proof of service"))
}

/// The proof of service of this notice, whatever became of its case.
///
/// # Errors
/// [`Error::Common`].
pub async fn service(pool: &PgPool, number: &str) -> Result<Option<Served>, Error> {
    let last = sqlx::query_scalar!(
        r#"select doc as "doc: Json<Served>" from arrears.notice_service where number = $1 order by version desc limit 1"#,
        number
    )
    .fetch_optional(pool)
    .await
    .map_err(db("read the proof of service"))?;
    Ok(last.map(|served| served.0))
}
