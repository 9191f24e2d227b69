//! Accounts and their grants.

use relight_common::{Grant, Role, error::constraint};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    domain::{
        account::{Account, Language, PersonId},
        limits,
    },
    error::Error,
};

/// An account as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: Uuid,
    pub(crate) login: String,
    pub(crate) display_name: String,
    pub(crate) crew_id: Option<Uuid>,
    pub(crate) unit_id: Option<Uuid>,
    pub(crate) language: Language,
    pub(crate) disabled: bool,
    pub(crate) grants: Vec<Grant>,
    pub(crate) password_hash: String,
}

impl Person {
    pub(crate) fn lifetime(&self) -> limits::Lifetime {
        limits::of_staff(&self.grants)
    }
}

struct Row {
    id: Uuid,
    login: String,
    display_name: String,
    crew_id: Option<Uuid>,
    unit_id: Option<Uuid>,
    language: String,
    disabled: bool,
    roles: Vec<String>,
    org_paths: Vec<String>,
    password_hash: String,
}

impl From<Row> for Person {
    fn from(row: Row) -> Self {
        Person {
            id: row.id,
            login: row.login,
            display_name: row.display_name,
            crew_id: row.crew_id,
            unit_id: row.unit_id,
            language: Language::of_tag(&row.language),
            disabled: row.disabled,
            grants: grants(row.roles, row.org_paths),
            password_hash: row.password_hash,
        }
    }
}

/// Grants from two columns; a role this release does not know gives no right.
pub(super) fn grants(roles: Vec<String>, org_paths: Vec<String>) -> Vec<Grant> {
    let pairs = roles.iter().zip(org_paths);
    pairs
        .filter_map(|(role, org_path)| {
            Some(Grant {
                role: Role::parse(role)?,
                org_path,
            })
        })
        .collect()
}

/// The account with this log-in name.
pub(crate) async fn by_login(pool: &PgPool, login: &str) -> Result<Option<Person>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select p.id, p.login, p.display_name, p.crew_id, p.unit_id, p.language, p.disabled, p.password_hash,
             array(select role from access.role_grant g where g.person_id = p.id order by role, org_path) as "roles!",
             array(select org_path from access.role_grant g where g.person_id = p.id order by role, org_path) as "org_paths!"
         from access.person p where p.login = $1"#,
        login
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("look an account up"))?;
    Ok(row.map(Person::from))
}

/// Whether there is an account with this id.
pub(crate) async fn exists(pool: &PgPool, id: PersonId) -> Result<bool, Error> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from access.person where id = $1) as "exists!""#,
        id.uuid()
    )
    .fetch_one(pool)
    .await
    .map_err(Error::db("look an account up"))
}

/// The account with this id, locked.
pub(crate) async fn lock(conn: &mut PgConnection, id: PersonId) -> Result<Option<Person>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select p.id, p.login, p.display_name, p.crew_id, p.unit_id, p.language, p.disabled, p.password_hash,
             array(select role from access.role_grant g where g.person_id = p.id order by role, org_path) as "roles!",
             array(select org_path from access.role_grant g where g.person_id = p.id order by role, org_path) as "org_paths!"
         from access.person p where p.id = $1 for update of p"#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("lock an account"))?;
    Ok(row.map(Person::from))
}

/// Accounts with a grant under `org` (`LIKE` patterns), by log-in name.
pub(crate) async fn list(
    pool: &PgPool,
    org: &[String],
    after: &str,
    limit: i64,
) -> Result<Vec<Person>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select p.id, p.login, p.display_name, p.crew_id, p.unit_id, p.language, p.disabled, p.password_hash,
             array(select role from access.role_grant g where g.person_id = p.id order by role, org_path) as "roles!",
             array(select org_path from access.role_grant g where g.person_id = p.id order by role, org_path) as "org_paths!"
         from access.person p
         where p.login > $2 and exists (
             select 1 from access.role_grant g where g.person_id = p.id and g.org_path like any($1))
         order by p.login limit $3"#,
        org,
        after,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list accounts"))?;
    Ok(rows.into_iter().map(Person::from).collect())
}

/// Writes an account; without a new hash an existing one keeps its password.
pub(crate) async fn put(
    conn: &mut PgConnection,
    id: PersonId,
    account: &Account,
    password_hash: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into access.person
             (id, login, display_name, password_hash, crew_id, unit_id, language, disabled, created_at, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
         on conflict (id) do update set login = excluded.login, display_name = excluded.display_name,
             password_hash = excluded.password_hash, crew_id = excluded.crew_id, unit_id = excluded.unit_id,
             language = excluded.language, disabled = excluded.disabled, changed_at = excluded.changed_at",
        id.uuid(),
        account.login,
        account.display_name,
        password_hash,
        account.crew_id,
        account.unit_id,
        account.language.tag(),
        account.disabled,
        now
    )
    .execute(&mut *conn)
    .await
    .map_err(|error| match constraint(&error) {
        Some("person_login_unique") => Error::LoginTaken,
        _ => Error::db("save an account")(error),
    })?;
    put_grants(conn, id, &account.grants).await
}

async fn put_grants(conn: &mut PgConnection, id: PersonId, grants: &[Grant]) -> Result<(), Error> {
    sqlx::query!("delete from access.role_grant where person_id = $1", id.uuid())
        .execute(&mut *conn)
        .await
        .map_err(Error::db("take grants back"))?;
    let roles: Vec<String> = grants.iter().map(|grant| grant.role.word().to_owned()).collect();
    let org_paths: Vec<String> = grants.iter().map(|grant| grant.org_path.clone()).collect();
    sqlx::query!(
        "insert into access.role_grant (person_id, role, org_path) select $1, * from unnest($2::text[], $3::text[])",
        id.uuid(),
        &roles,
        &org_paths
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("save grants"))
}
