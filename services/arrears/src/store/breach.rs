//! Cuts without right and late reconnections, kept when their cases are over.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::db;
use crate::error::Error;

/// Cut without right.
pub const WRONGFUL: &str = "wrongful_cut";
/// Back later than the limit.
pub const LATE: &str = "late_reconnection";
/// Every kind.
pub const KINDS: [&str; 2] = [WRONGFUL, LATE];

/// An entry to be written.
#[derive(Debug)]
pub struct Found<'a> {
    /// The case.
    pub case_id: Uuid,
    /// [`WRONGFUL`] or [`LATE`].
    pub kind: &'static str,
    /// Since when supply was off.
    pub off_at: DateTime<Utc>,
    /// When that was found.
    pub found_at: DateTime<Utc>,
    /// Who found it.
    pub found_by: &'a str,
    /// Why, in words.
    pub reason: &'a str,
    /// By when supply had to be back.
    pub due_at: DateTime<Utc>,
    /// When it was.
    pub on_at: Option<DateTime<Utc>>,
}

/// Writes an entry; a case has one of each kind at most.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert(conn: &mut PgConnection, found: &Found<'_>) -> Result<(), Error> {
    sqlx::query!(
        "insert into arrears.breach (case_id, kind, off_at, found_at, found_by, reason, due_at, on_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (case_id, kind) do nothing",
        found.case_id,
        found.kind,
        found.off_at,
        found.found_at,
        found.found_by,
        found.reason,
        found.due_at,
        found.on_at,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("write a breach"))
}

/// Supply is back.
///
/// # Errors
/// [`Error::Common`].
pub async fn is_on(conn: &mut PgConnection, case: Uuid, on_at: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "update arrears.breach set on_at = $2 where case_id = $1 and on_at is null",
        case,
        on_at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("end a breach"))
}

/// An entry with its case.
#[derive(Debug, Clone)]
pub struct Row {
    /// The case.
    pub case_id: Uuid,
    /// Its number.
    pub number: String,
    /// The account.
    pub account: String,
    /// Where.
    pub org_path: String,
    /// Zone of the place.
    pub zone: String,
    /// [`WRONGFUL`] or [`LATE`].
    pub kind: String,
    /// Since when supply was off.
    pub off_at: DateTime<Utc>,
    /// Who cut, if that was reported as a cut.
    pub cut_by: Option<String>,
    /// When it was found.
    pub found_at: DateTime<Utc>,
    /// Who found it.
    pub found_by: String,
    /// Why, in words.
    pub reason: String,
    /// By when supply had to be back.
    pub due_at: DateTime<Utc>,
    /// When it was.
    pub on_at: Option<DateTime<Utc>>,
    /// When the apology was ordered.
    pub apology_ordered_at: Option<DateTime<Utc>>,
    /// When it reached the customer.
    pub apologised_at: Option<DateTime<Utc>>,
}

/// A page, newest first; of one kind or of all.
///
/// # Errors
/// [`Error::Common`].
pub async fn list(
    pool: &PgPool,
    (kind, org_patterns): (Option<&str>, &[String]),
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    let (after_at, after_id) = after.unzip();
    sqlx::query_as!(
        Row,
        r#"select b.case_id, c.number, c.account, c.org_path, c.doc ->> 'zone' as "zone!", b.kind, b.off_at,
             (select s.actor from arrears.case_step s where s.case_id = b.case_id and s.event = 'cut'
              order by s.version desc limit 1) as cut_by,
             b.found_at, b.found_by, b.reason, b.due_at, b.on_at, m.ordered_at as "apology_ordered_at?",
             m.delivered_at as apologised_at
         from arrears.breach b
         join arrears.debt_case c on c.id = b.case_id
         left join lateral (
             select min(a.ordered_at) as ordered_at, min(a.result_at) filter (where a.result = 'delivered') as delivered_at
             from arrears.message a where a.case_id = b.case_id and a.kind = 'apology'
         ) m on b.kind = 'wrongful_cut'
         where c.org_path like any($1) and ($2::text is null or b.kind = $2)
           and ($3::timestamptz is null or (b.found_at, b.case_id) < ($3, $4))
         order by b.found_at desc, b.case_id desc limit $5"#,
        org_patterns,
        kind,
        after_at,
        after_id,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(db("list breaches"))
}
