//! A database per test, cloned from a migrated template (about 0.1 s), dropped afterwards.

use std::{fmt::Write as _, ops::Deref, str::FromStr, time::Duration};

use anyhow::Context;
use relight_common::Db;
use sha2::{Digest, Sha256};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

/// Names the server tests use; `cargo xtask test` starts one and sets it.
pub const URL: &str = "RELIGHT_TEST_DATABASE_URL";
/// Password of every service role on the test server.
pub const ROLE_PASSWORD: &str = "test-only";
/// Any constant: the advisory lock under which templates are made.
const TEMPLATE_LOCK: i64 = 0x72_65_6c_69_67_68_74;

/// A database of one test; derefs to the service's [`Db`], connected as the service's own role.
#[derive(Debug)]
pub struct TestDb {
    db: Db,
    name: String,
    /// URL of the server, as given.
    at: String,
    server: PgConnectOptions,
}

impl Deref for TestDb {
    type Target = Db;
    fn deref(&self) -> &Db {
        &self.db
    }
}

impl TestDb {
    /// URL of this database as the owner, for starting processes against it.
    pub fn url(&self) -> String {
        url_of(&self.at, &self.name)
    }

    /// Options of the owner role on this database.
    pub fn owner(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    /// A second pool on the same database, as another process would have.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn another(&self) -> anyhow::Result<Db> {
        connect(&self.server, &self.name, self.db.service()).await
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        drop_database(&self.server, &self.name);
    }
}

/// Drops a database from a thread of its own, since a destructor cannot wait.
fn drop_database(server: &PgConnectOptions, name: &str) {
    let (server, drop) = (
        server.clone(),
        format!("drop database if exists {name} with (force)"),
    );
    let dropper = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async { execute(&mut PgConnection::connect_with(&server).await?, drop).await })
    });
    if let Ok(Err(error)) = dropper.join() {
        eprintln!("could not drop {name}: {error:#}");
    }
}

/// A fresh database for `service` with the common tables and its own migrations.
///
/// # Errors
/// When no test server is given or it cannot be reached.
pub async fn database(service: &'static str, migrations: &Migrator) -> anyhow::Result<TestDb> {
    database_on(&given()?, service, migrations).await
}

/// The same on a server of the test's own, whose URL this is.
///
/// # Errors
/// When it cannot be reached.
pub async fn database_on(url: &str, service: &'static str, migrations: &Migrator) -> anyhow::Result<TestDb> {
    let (server, mut admin) = server(url).await?;
    let template = template(&mut admin, &server, service, migrations).await?;
    let name = format!("t_{}", Uuid::now_v7().simple());
    execute(
        &mut admin,
        format!("create database {name} template {template} strategy file_copy"),
    )
    .await?;
    let db = connect(&server, &name, service).await?;
    let at = url.to_owned();
    Ok(TestDb { db, name, at, server })
}

/// An empty database for a whole system; dropped afterwards.
#[derive(Debug)]
pub struct Bare {
    name: String,
    /// URL of the server, as given.
    at: String,
    server: PgConnectOptions,
}

impl Bare {
    /// URL of this database as the owner.
    pub fn url(&self) -> String {
        url_of(&self.at, &self.name)
    }

    /// A connection as the owner, for looking at what the system stored.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn connect(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect_with(&self.options()).await?)
    }

    /// How its owner connects.
    pub fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        drop_database(&self.server, &self.name);
    }
}

/// An empty database.
///
/// # Errors
/// When no test server is given or it cannot be reached.
pub async fn bare() -> anyhow::Result<Bare> {
    let at = given()?;
    let (server, mut admin) = server(&at).await?;
    let name = format!("t_{}", Uuid::now_v7().simple());
    execute(&mut admin, format!("create database {name}")).await?;
    Ok(Bare { name, at, server })
}

/// Runs `work` while no other test changes roles: they belong to the whole server.
///
/// # Errors
/// Those of `work`, or when the server cannot be reached.
pub async fn alone<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let (_, mut admin) = server(&given()?).await?;
    sqlx::query("select pg_advisory_lock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut admin)
        .await?;
    // Closing the connection gives the lock back, also when the work fails.
    work.await
}

fn given() -> anyhow::Result<String> {
    std::env::var(URL).with_context(|| format!("{URL} is not set: run the tests with `cargo xtask test`"))
}

async fn server(url: &str) -> anyhow::Result<(PgConnectOptions, PgConnection)> {
    let server = PgConnectOptions::from_str(url)?;
    let admin = PgConnection::connect_with(&server)
        .await
        .context("the test server does not answer")?;
    Ok((server, admin))
}

async fn connect(server: &PgConnectOptions, name: &str, service: &'static str) -> anyhow::Result<Db> {
    let options = server
        .clone()
        .database(name)
        .username(&format!("relight_{service}"))
        .password(ROLE_PASSWORD)
        .options([("search_path", service)]);
    let pool = PgPoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(20))
        .connect_with(options)
        .await?;
    Ok(Db::from_pool(pool, service))
}

/// Makes the template once per set of migrations, under a lock that holds across test processes.
async fn template(
    admin: &mut PgConnection,
    server: &PgConnectOptions,
    service: &'static str,
    migrations: &Migrator,
) -> anyhow::Result<String> {
    let name = format!("tpl_{service}_{}", fingerprint(migrations));
    sqlx::query("select pg_advisory_lock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut *admin)
        .await?;
    let made = make_template(admin, server, service, migrations, &name).await;
    sqlx::query("select pg_advisory_unlock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut *admin)
        .await?;
    made.map(|()| name)
}

async fn make_template(
    admin: &mut PgConnection,
    server: &PgConnectOptions,
    service: &'static str,
    migrations: &Migrator,
    name: &str,
) -> anyhow::Result<()> {
    let exists: bool = sqlx::query_scalar("select exists (select 1 from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(&mut *admin)
        .await?;
    if exists {
        return Ok(());
    }
    let draft = format!("{name}_draft");
    execute(admin, format!("drop database if exists {draft} with (force)")).await?;
    execute(admin, format!("create database {draft}")).await?;
    let owner = server.clone().database(&draft);
    relight_common::db::migrate(&owner, service, migrations).await?;
    relight_common::db::grant_role(&owner, service, ROLE_PASSWORD).await?;
    execute(admin, format!("alter database {draft} rename to {name}")).await
}

fn fingerprint(migrations: &Migrator) -> String {
    let mut hash = Sha256::new();
    for migration in migrations
        .iter()
        .chain(relight_common::db::common_migrations().iter())
    {
        hash.update(migration.checksum.as_ref());
    }
    hash.finalize()
        .iter()
        .take(8)
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

async fn execute(connection: &mut PgConnection, statement: String) -> anyhow::Result<()> {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}

/// The server's URL with another database, as given by whoever started the server.
fn url_of(given: &str, database: &str) -> String {
    let (base, query) = given
        .split_once('?')
        .map_or((given, String::new()), |(b, q)| (b, format!("?{q}")));
    let authority = base.split_once("://").map_or(base, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or(authority);
    format!("postgres://{authority}/{database}{query}")
}
