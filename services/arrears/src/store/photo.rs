//! Which photos prove what of a case. Rows are added and never changed.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::db;
use crate::error::Error;

/// A photo that a step of a case names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Lower-case hex; empty: the phone owes it.
    pub sha256: String,
    /// reminded, served, warned, before_cut, after_cut
    pub what: String,
    /// When the step was recorded.
    pub at: DateTime<Utc>,
    /// By whom.
    pub actor: String,
    /// The case.
    pub case_id: Uuid,
    /// Its spoken number.
    pub number: String,
}

/// Keeps the photos (what, SHA-256) that a step of this case names.
///
/// # Errors
/// [`Error::Common`].
pub async fn keep(
    conn: &mut PgConnection,
    case: Uuid,
    (at, actor): (DateTime<Utc>, &str),
    photos: &[(&'static str, String)],
) -> Result<(), Error> {
    if photos.is_empty() {
        return Ok(());
    }
    let (what, sha256): (Vec<String>, Vec<String>) = photos
        .iter()
        .map(|(what, sha256)| ((*what).to_owned(), sha256.clone()))
        .unzip();
    sqlx::query!(
        "insert into arrears.photo (case_id, what, sha256, at, actor)
         select $1, n.what, n.sha256, $2, $3 from unnest($4::text[], $5::text[]) as n (what, sha256)
         on conflict do nothing",
        case,
        at,
        actor,
        &what,
        &sha256
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("keep which photos prove a step"))
}

/// A case that is not this one.
#[derive(Debug)]
pub struct Other {
    /// Its spoken number.
    pub number: String,
    /// Where it is.
    pub org_path: String,
}

/// The other case this photo proves something of. Until the transaction ends nobody else names that photo.
///
/// # Errors
/// [`Error::Common`].
pub async fn of_another(conn: &mut PgConnection, case: Uuid, sha256: &str) -> Result<Option<Other>, Error> {
    if sha256.is_empty() {
        return Ok(None);
    }
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", sha256)
        .execute(&mut *conn)
        .await
        .map_err(db("wait for others who name a photo"))?;
    sqlx::query_as!(
        Other,
        "select c.number, c.org_path from arrears.photo p join arrears.debt_case c on c.id = p.case_id
         where p.sha256 = $1 and p.case_id <> $2 limit 1",
        sha256,
        case
    )
    .fetch_optional(conn)
    .await
    .map_err(db("look whose photo it is"))
}

/// Photos of a case, oldest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn of_case(pool: &PgPool, case: Uuid) -> Result<Vec<Row>, Error> {
    sqlx::query_as!(
        Row,
        "select p.sha256, p.what, p.at, p.actor, p.case_id, c.number
         from arrears.photo p join arrears.debt_case c on c.id = p.case_id
         where p.case_id = $1 and (p.sha256 <> '' or not exists
            (select from arrears.photo n where n.case_id = p.case_id and n.what = p.what and n.sha256 <> ''))
         order by p.at, p.what desc",
        case
    )
    .fetch_all(pool)
    .await
    .map_err(db("list the photos of a case"))
}

/// The newest 1,000 photos of cuts, newest first: a cut that was done is recorded before its photos arrive.
///
/// # Errors
/// [`Error::Common`].
pub async fn of_cuts(pool: &PgPool, org_patterns: &[String]) -> Result<Vec<Row>, Error> {
    sqlx::query_as!(
        Row,
        "select p.sha256, p.what, p.at, p.actor, p.case_id, c.number
         from arrears.photo p join arrears.debt_case c on c.id = p.case_id
         where p.what in ('before_cut', 'after_cut') and c.org_path like any($1) and (p.sha256 <> '' or not exists
            (select from arrears.photo n where n.case_id = p.case_id and n.what = p.what and n.sha256 <> ''))
         order by p.at desc limit 1000",
        org_patterns
    )
    .fetch_all(pool)
    .await
    .map_err(db("list the photos of cuts"))
}
