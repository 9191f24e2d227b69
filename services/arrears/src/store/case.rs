//! Cases and their steps.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
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

/// The open cases of these accounts, locked in one order.
///
/// # Errors
/// [`Error::Common`].
pub async fn lock_open(conn: &mut PgConnection, accounts: &[Uuid]) -> Result<Vec<Stored>, Error> {
    cases!(
        "where account_id = any($1) and not is_over order by account_id for update",
        accounts
    )
    .fetch_all(conn)
    .await
    .map_err(db("lock the open cases of accounts"))
}

/// What went before on an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Before {
    /// The account.
    pub account_id: Uuid,
    /// Its last case that is over.
    pub doc: Json<Case>,
    /// The latest due day of a debt that was given up.
    pub withdrawn_due_on: Option<NaiveDate>,
}

/// What went before on these accounts.
///
/// # Errors
/// [`Error::Common`].
pub async fn last_of(conn: &mut PgConnection, accounts: &[Uuid]) -> Result<HashMap<Uuid, Before>, Error> {
    let rows = sqlx::query_as!(
        Before,
        r#"select distinct on (account_id) account_id, doc as "doc: Json<Case>",
             max((doc ->> 'due_on')::date) filter (where state = 'withdrawn') over (partition by account_id) as withdrawn_due_on
         from arrears.debt_case where account_id = any($1) and is_over order by account_id, opened_at desc, id desc"#,
        accounts
    )
    .fetch_all(conn)
    .await
    .map_err(db("look for what went before"))?;
    Ok(rows.into_iter().map(|row| (row.account_id, row)).collect())
}

/// The open cases of a customer, locked in one order.
///
/// # Errors
/// [`Error::Common`].
pub async fn lock_of_customer(conn: &mut PgConnection, customer: Uuid) -> Result<Vec<Stored>, Error> {
    cases!(
        "where customer_id = $1 and not is_over order by account_id for update",
        customer
    )
    .fetch_all(conn)
    .await
    .map_err(db("lock the open cases of a customer"))
}

/// The account is supplied elsewhere by now.
///
/// # Errors
/// [`Error::Common`].
pub async fn moved(conn: &mut PgConnection, id: Uuid, service_point: Uuid) -> Result<(), Error> {
    sqlx::query!(
        "update arrears.debt_case set service_point_id = $2 where id = $1",
        id,
        service_point
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("move a case to another supply"))
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

/// These cases, as far as they exist.
///
/// # Errors
/// [`Error::Common`].
pub async fn get_all(pool: &PgPool, ids: &[Uuid]) -> Result<Vec<Stored>, Error> {
    cases!("where id = any($1)", ids)
        .fetch_all(pool)
        .await
        .map_err(db("read cases"))
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

/// Cases whose notice has to be served, the one that has to be served first comes first.
///
/// # Errors
/// [`Error::Common`].
pub async fn to_serve(pool: &PgPool, org_patterns: &[String], limit: i64) -> Result<Vec<Stored>, Error> {
    cases!(
        "where org_path like any($1) and state = 'notice_issued'
         order by (doc #>> '{state,notice,serve_by}')::timestamptz, id limit $2",
        org_patterns,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(db("list the notices to serve"))
}

/// Writes new cases with their first step.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert_all(conn: &mut PgConnection, cases: &[Stored], step: &Step) -> Result<(), Error> {
    if cases.is_empty() {
        return Ok(());
    }
    let row = |case: &Stored| {
        serde_json::json!({
            "id": case.id, "number": case.number, "account_id": case.account_id, "account": case.account,
            "customer_id": case.customer_id, "service_point_id": case.service_point_id, "org_path": case.org_path,
            "doc": case.doc, "policy_version": case.policy_version,
        })
    };
    let rows: serde_json::Value = cases.iter().map(row).collect();
    sqlx::query!(
        "with new as (
             insert into arrears.debt_case (id, number, account_id, account, customer_id, service_point_id, org_path, state,
                 is_over, doc, version, policy_version, opened_at)
             select c.id, c.number, c.account_id, c.account, c.customer_id, c.service_point_id, c.org_path, $3, false, c.doc,
                 1, c.policy_version, $4
             from jsonb_to_recordset($1::jsonb) c (id uuid, number text, account_id uuid, account text, customer_id uuid,
                 service_point_id uuid, org_path text, doc jsonb, policy_version text)
             returning id)
         insert into arrears.case_step (case_id, version, event, state, at, actor) select id, 1, $2, $3, $4, $5 from new",
        rows,
        step.event,
        step.state,
        step.at,
        step.actor,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("open cases"))
}

/// Writes what is known of cases that did not move.
///
/// # Errors
/// [`Error::Common`].
pub async fn save_all(conn: &mut PgConnection, cases: &[&Stored]) -> Result<(), Error> {
    if cases.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = cases.iter().map(|case| case.id).collect();
    let docs: Vec<&Json<Case>> = cases.iter().map(|case| &case.doc).collect();
    let docs = serde_json::to_value(docs).map_err(|_| Error::Stored("case"))?;
    sqlx::query!(
        "update arrears.debt_case c set doc = $2::jsonb -> (n.no - 1)::int
         from unnest($1::uuid[]) with ordinality n (id, no) where c.id = n.id",
        &ids,
        docs,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("save cases"))
}

/// Takes every timer of a case that is over back.
///
/// # Errors
/// [`Error::Common`].
pub async fn clear_timers(conn: &mut PgConnection, id: Uuid) -> Result<(), Error> {
    sqlx::query!("delete from arrears.timer where subject = $1", id)
        .execute(conn)
        .await
        .map(drop)
        .map_err(db("take the timers of a case back"))
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

/// Writes a changed case and appends the step that changed it.
///
/// # Errors
/// [`Error::Common`].
pub async fn save_step(conn: &mut PgConnection, case: &Stored, step: &Step) -> Result<(), Error> {
    sqlx::query!(
        "with saved as (
             update arrears.debt_case set state = $2, is_over = $3, doc = $4, version = $5 where id = $1 returning id)
         insert into arrears.case_step (case_id, version, event, state, at, actor) select id, $5, $6, $2, $7, $8 from saved",
        case.id,
        step.state,
        case.doc.state.is_over(),
        &case.doc as &Json<Case>,
        case.version,
        step.event,
        step.at,
        step.actor,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("save a step of a case"))
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

/// The next number of the local day: `T-20260701-0001`.
///
/// # Errors
/// [`Error::Common`].
pub async fn next_number(
    conn: &mut PgConnection,
    kind: &'static str,
    zone: Tz,
    at: DateTime<Utc>,
) -> Result<String, Error> {
    let numbers = next_numbers(conn, kind, zone, at, 1).await?;
    numbers.into_iter().next().ok_or(Error::Stored("number"))
}

/// The next numbers of the local day.
///
/// # Errors
/// [`Error::Common`].
pub async fn next_numbers(
    conn: &mut PgConnection,
    kind: &'static str,
    zone: Tz,
    at: DateTime<Utc>,
    count: usize,
) -> Result<Vec<String>, Error> {
    let day = at.with_timezone(&zone).date_naive();
    let count = i32::try_from(count).map_err(|_| Error::Stored("count of numbers"))?;
    let last = sqlx::query_scalar!(
        "insert into arrears.day_number as n (kind, day, last) values ($1, $2, $3)
         on conflict (kind, day) do update set last = n.last + $3 returning last",
        kind,
        day,
        count
    )
    .fetch_one(conn)
    .await
    .map_err(db("give out numbers"))?;
    let numbers = last - count + 1..=last;
    Ok(numbers
        .map(|number| format!("{kind}-{}-{number:04}", day.format("%Y%m%d")))
        .collect())
}
