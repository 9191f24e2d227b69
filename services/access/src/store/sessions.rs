//! Open sessions. Only the hash of a token is stored.

use chrono::{DateTime, Utc};
use relight_common::Grant;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::people::grants;
use crate::{
    domain::{account::Language, limits::Lifetime},
    error::Error,
};

/// Whose a session is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Owner {
    Person(Uuid),
    Customer(Uuid),
}

/// Opens a session. Returns when it ends at the latest.
pub(crate) async fn open(
    conn: &mut PgConnection,
    token_hash: &[u8; 32],
    owner: Owner,
    language: Language,
    lifetime: Lifetime,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, Error> {
    let expires_at = now + lifetime.longest;
    let (person, customer) = match owner {
        Owner::Person(id) => (Some(id), None),
        Owner::Customer(id) => (None, Some(id)),
    };
    let idle_s = lifetime
        .idle
        .and_then(|idle| i32::try_from(idle.num_seconds()).ok());
    sqlx::query!(
        "insert into access.session (token_hash, person_id, customer_id, language, created_at, seen_at, expires_at, idle_s)
         values ($1, $2, $3, $4, $5, $5, $6, $7)",
        &token_hash[..],
        person,
        customer,
        language.tag(),
        now,
        expires_at,
        idle_s
    )
    .execute(conn)
    .await
    .map_err(Error::db("open a session"))?;
    Ok(expires_at)
}

/// Who is behind a token.
#[derive(Debug)]
pub(crate) struct Bearer {
    pub(crate) customer_id: Option<Uuid>,
    pub(crate) person_id: Option<Uuid>,
    pub(crate) login: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) crew_id: Option<Uuid>,
    pub(crate) unit_id: Option<Uuid>,
    pub(crate) language: String,
    pub(crate) grants: Vec<Grant>,
}

/// The bearer of a live session, and a note of its use at most once a minute: one statement, by primary keys.
pub(crate) async fn check(
    pool: &PgPool,
    token_hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<Bearer>, Error> {
    let row = sqlx::query!(
        r#"with live as (
             select token_hash, person_id, customer_id, language, seen_at from access.session
             where token_hash = $1 and expires_at > $2
               and (idle_s is null or seen_at + make_interval(secs => idle_s) > $2)
         ), used as (
             update access.session s set seen_at = $2 from live
             where s.token_hash = live.token_hash and live.seen_at < $2 - interval '1 minute'
         )
         select live.customer_id, live.person_id, p.login as "login?", p.display_name as "display_name?", p.crew_id, p.unit_id,
             coalesce(p.language, live.language) as "language!",
             array(select role from access.role_grant g where g.person_id = p.id order by role, org_path) as "roles!",
             array(select org_path from access.role_grant g where g.person_id = p.id order by role, org_path) as "org_paths!"
         from live left join access.person p on p.id = live.person_id
         where live.person_id is null or not p.disabled"#,
        &token_hash[..],
        now
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("check a session"))?;
    Ok(row.map(|row| Bearer {
        customer_id: row.customer_id,
        person_id: row.person_id,
        login: row.login,
        display_name: row.display_name,
        crew_id: row.crew_id,
        unit_id: row.unit_id,
        language: row.language,
        grants: grants(row.roles, row.org_paths),
    }))
}

/// Ends one session; one that is not there is fine.
pub(crate) async fn end(pool: &PgPool, token_hash: &[u8; 32]) -> Result<(), Error> {
    sqlx::query!(
        "delete from access.session where token_hash = $1",
        &token_hash[..]
    )
    .execute(pool)
    .await
    .map(drop)
    .map_err(Error::db("end a session"))
}

/// Ends every session of a person. Returns how many.
pub(crate) async fn end_all(conn: &mut PgConnection, person: Uuid) -> Result<u64, Error> {
    sqlx::query!("delete from access.session where person_id = $1", person)
        .execute(conn)
        .await
        .map(|done| done.rows_affected())
        .map_err(Error::db("end the sessions of a person"))
}
