//! Cases and their steps.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

use super::db;
use crate::{domain::Case, error::Error};

/// A case with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Id.
    pub id: Uuid,
    /// Spoken number.
    pub number: String,
    /// The account.
    pub account_id: Uuid,
    /// As registry writes it.
    pub account: String,
    /// Whose debt it is.
    pub customer_id: Uuid,
    /// The supply.
    pub service_point_id: Uuid,
    /// Place in the organisation.
    pub org_path: String,
    /// The machine's own state.
    pub doc: Json<Case>,
    /// Grows with every change.
    pub version: i64,
    /// Version of the policy pack that rules it.
    pub policy_version: String,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
}

/// One step of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Word of the event.
    pub event: String,
    /// State after it.
    pub state: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
}

/// The same columns for every way to ask.
macro_rules! cases {
    ($tail:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            Stored,
            r#"select id, number, account_id, account, customer_id, service_point_id, org_path, doc as "doc: Json<Case>",
                version, policy_version, opened_at
            from arrears.debt_case "#
                + $tail,
            $($argument),+
        )
    };
}

/// The case, locked.
///
/// # Errors
/// [`Error::Common`].
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Stored>, Error> {
    cases!("where id = $1 for update", id)
        .fetch_optional(conn)
        .await
        .map_err(db("lock a case"))
}

/// The open case of an account, locked.
///
/// # Errors
/// [`Error::Common`].
pub async fn lock_open(conn: &mut PgConnection, account: Uuid) -> Result<Option<Stored>, Error> {
    cases!("where account_id = $1 and not is_over for update", account)
        .fetch_optional(conn)
        .await
        .map_err(db("lock the open case of an account"))
}

/// The case.
///
/// # Errors
/// [`Error::Common`].
pub async fn get(pool: &PgPool, id: Uuid) -> Result<Option<Stored>, Error> {
    cases!("where id = $1", id)
        .fetch_optional(pool)
        .await
        .map_err(db("read a case"))
}

/// The case by its spoken number.
///
/// # Errors
/// [`Error::Common`].
pub async fn by_number(pool: &PgPool, number: &str) -> Result<Option<Stored>, Error> {
    cases!("where number = $1", number)
        .fetch_optional(pool)
        .await
        .map_err(db("read a case by its number"))
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only in this state; `None`: every open one.
    pub state: Option<String>,
    /// Only of this folded account.
    pub account_key: Option<String>,
    /// Where.
    pub org_patterns: Vec<String>,
}

/// A page, newest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn list(
    pool: &PgPool,
    filter: &Filter,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Stored>, Error> {
    let (after_at, after_id) = after.unzip();
    cases!(
        "where org_path like any($1)
           and (case when $2::text is null then not is_over else state = $2 end)
           and ($3::text is null or account_id = (select a.id from arrears.account a where a.account_key = $3))
           and ($4::timestamptz is null or (opened_at, id) < ($4, $5))
         order by opened_at desc, id desc limit $6",
        &filter.org_patterns,
        filter.state,
        filter.account_key,
        after_at,
        after_id,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(db("list cases"))
}

/// Writes a new case.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert(conn: &mut PgConnection, case: &Stored) -> Result<(), Error> {
    sqlx::query!(
        "insert into arrears.debt_case (id, number, account_id, account, customer_id, service_point_id, org_path, state, is_over,
             doc, version, policy_version, opened_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        case.id,
        case.number,
        case.account_id,
        case.account,
        case.customer_id,
        case.service_point_id,
        case.org_path,
        case.doc.state.word(),
        case.doc.state.is_over(),
        &case.doc as &Json<Case>,
        case.version,
        case.policy_version,
        case.opened_at,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("open a case"))
}

/// Writes a changed case.
///
/// # Errors
/// [`Error::Common`].
pub async fn save(conn: &mut PgConnection, case: &Stored) -> Result<(), Error> {
    sqlx::query!(
        "update arrears.debt_case set state = $2, is_over = $3, doc = $4, version = $5 where id = $1",
        case.id,
        case.doc.state.word(),
        case.doc.state.is_over(),
        &case.doc as &Json<Case>,
        case.version,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("save a case"))
}

/// Appends a step.
///
/// # Errors
/// [`Error::Common`].
pub async fn add_step(conn: &mut PgConnection, case: &Stored, step: &Step) -> Result<(), Error> {
    sqlx::query!(
        "insert into arrears.case_step (case_id, version, event, state, at, actor) values ($1, $2, $3, $4, $5, $6)",
        case.id,
        case.version,
        step.event,
        step.state,
        step.at,
        step.actor,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("add a step"))
}

/// The steps of a case, oldest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn steps(pool: &PgPool, id: Uuid) -> Result<Vec<Step>, Error> {
    sqlx::query_as!(
        Step,
        "select event, state, at, actor from arrears.case_step where case_id = $1 order by version",
        id
    )
    .fetch_all(pool)
    .await
    .map_err(db("read the steps of a case"))
}

/// The next number of the local day: `A-20260701-0001`.
///
/// # Errors
/// [`Error::Common`].
pub async fn next_number(
    conn: &mut PgConnection,
    kind: &'static str,
    zone: Tz,
    at: DateTime<Utc>,
) -> Result<String, Error> {
    let day = at.with_timezone(&zone).date_naive();
    let last = sqlx::query_scalar!(
        "insert into arrears.day_number as n (kind, day, last) values ($1, $2, 1)
         on conflict (kind, day) do update set last = n.last + 1 returning last",
        kind,
        day
    )
    .fetch_one(conn)
    .await
    .map_err(db("give out a number"))?;
    Ok(format!("{kind}-{}-{last:04}", day.format("%Y%m%d")))
}
