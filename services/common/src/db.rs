//! One pool per service, whose `search_path` is the service's own schema: no service can read another's tables by accident.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgPool, Postgres, Transaction,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::Notify;

use crate::{clock::Clock, config::Database, error::Error};

/// The common tables lie in each service's schema; their bookkeeping beside that of the service's own migrations.
static COMMON: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrator = sqlx::migrate!();
    migrator.dangerous_set_table_name("_common_migrations");
    migrator
});

/// Migrations of the tables every service has.
pub fn common_migrations() -> &'static Migrator {
    &COMMON
}

/// A connection that rested longer is asked whether it still lives before it is used. Asking each time would double the
/// round trips of a busy service, and a connection used a moment ago tells by itself.
const RESTED: Duration = Duration::from_secs(1);

/// Number of partitions of every service's events.
pub const PARTITIONS: i16 = 4;

/// The pool of one service, the clock its work is dated by, and the bells that wake its relay and its timers.
#[derive(Debug, Clone)]
pub struct Db {
    pool: PgPool,
    service: &'static str,
    clock: Clock,
    outbox: Arc<Notify>,
    timers: Arc<Notify>,
}

impl Db {
    /// Wraps a pool whose `search_path` is already the schema of `service` (tests).
    pub fn from_pool(pool: PgPool, service: &'static str) -> Self {
        Self {
            pool,
            service,
            clock: Clock::System,
            outbox: Arc::default(),
            timers: Arc::default(),
        }
    }

    /// Opens the pool of `service`, as its own role when a password for it is on file.
    ///
    /// # Errors
    /// [`Error::Db`] when the URL is wrong or the server cannot be reached.
    pub async fn connect(config: &Database, service: &'static str) -> Result<Self, Error> {
        let options = config.options(service)?.options([("search_path", service)]);
        let pool = PgPoolOptions::new()
            .max_connections(config.pool_size)
            .acquire_timeout(Duration::from_secs(5))
            .test_before_acquire(false)
            .before_acquire(|conn, meta| {
                Box::pin(async move {
                    if meta.idle_for > RESTED {
                        conn.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options)
            .await
            .map_err(Error::db("connect to Postgres"))?;
        Ok(Self::from_pool(pool, service))
    }

    /// The same with another clock than the machine's.
    #[must_use]
    pub fn dated_by(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The clock its work is dated by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The pool, for reads.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Name of the service, which is also its schema.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// A plain transaction; commands use [`Work`](crate::Work).
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, Error> {
        self.pool.begin().await.map_err(Error::db("begin a transaction"))
    }

    /// A transaction that first waits until no other one with one of these keys is open; both in one round trip. The
    /// keys are taken in order, so that two that share some do not wait for each other.
    pub(crate) async fn begin_alone(&self, keys: &[i64]) -> Result<Transaction<'static, Postgres>, Error> {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        let keys: Vec<String> = keys.iter().map(i64::to_string).collect();
        let lock = format!(
            "begin; select pg_advisory_xact_lock(key) from unnest('{{{}}}'::bigint[]) key",
            keys.join(",")
        );
        self.pool
            .begin_with(AssertSqlSafe(lock))
            .await
            .map_err(Error::db("begin a command"))
    }

    /// A transaction whose commit does not wait for the disk: for marks that a repeat makes good.
    pub(crate) async fn begin_unhurried(&self) -> Result<Transaction<'static, Postgres>, Error> {
        self.pool
            .begin_with("begin; set local synchronous_commit = off")
            .await
            .map_err(Error::db("begin a transaction"))
    }

    /// Rung when outbox rows were committed.
    pub fn outbox_bell(&self) -> &Notify {
        &self.outbox
    }

    /// Rung when a timer was set.
    pub fn timer_bell(&self) -> &Notify {
        &self.timers
    }
}

/// Brings the schema of `service` up to date: the common tables, then its own migrations. Runs as the owner role.
///
/// # Errors
/// [`Error::Db`] when the server cannot be reached or a migration fails.
pub async fn migrate(owner: &PgConnectOptions, service: &'static str, own: &Migrator) -> Result<(), Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_with(owner.clone().options([("search_path", service)]))
        .await
        .map_err(Error::db("connect as the owner"))?;
    sqlx::query(AssertSqlSafe(format!("create schema if not exists {service}")))
        .execute(&pool)
        .await
        .map_err(Error::db("create the schema"))?;
    let migrated =
        |error: sqlx::migrate::MigrateError| Error::Db("migrate", sqlx::Error::Migrate(Box::new(error)));
    COMMON.run(&pool).await.map_err(migrated)?;
    own.run(&pool).await.map_err(migrated)?;
    keep_partitions(&pool).await?;
    pool.close().await;
    Ok(())
}

/// The migrations this program has and the schema behind `db` lacks, common ones first. What the schema has beyond is no
/// fault: a newer release may run beside this one.
///
/// # Errors
/// [`Error::Db`], also when the schema is not there.
pub async fn missing_migrations(db: &Db, own: &Migrator) -> Result<Vec<i64>, Error> {
    let (common, applied): (Vec<i64>, Vec<i64>) = sqlx::query_as(
        "select array(select version from _common_migrations where success),
                array(select version from _sqlx_migrations where success)",
    )
    .fetch_one(db.pool())
    .await
    .map_err(Error::db("read which migrations were applied"))?;
    let lacks = |wanted: &Migrator, applied: &[i64]| -> Vec<i64> {
        let versions = wanted.iter().map(|migration| migration.version);
        versions.filter(|version| !applied.contains(version)).collect()
    };
    Ok([lacks(&COMMON, &common), lacks(own, &applied)].concat())
}

/// Makes the outbox partitions of the next days and drops those older than 7 days. Returns how many were dropped.
///
/// # Errors
/// [`Error::Db`].
pub async fn keep_partitions(pool: &PgPool) -> Result<i32, Error> {
    sqlx::query_scalar("select outbox_keep(3, 7)")
        .fetch_one(pool)
        .await
        .map_err(Error::db("keep the outbox partitions"))
}

/// Gives `service` a login role of its own with rights to read and write rows only.
///
/// # Errors
/// [`Error::Db`] when the owner may not create roles.
pub async fn grant_role(
    owner: &PgConnectOptions,
    service: &'static str,
    password: &str,
) -> Result<(), Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        // A slow statement is logged with its text, and one of these has the password in it.
        .connect_with(owner.clone().disable_statement_logging())
        .await
        .map_err(Error::db("connect as the owner"))?;
    let role = format!("relight_{service}");
    let quoted = password.replace('\'', "''");
    let exists: bool = sqlx::query_scalar("select exists (select 1 from pg_roles where rolname = $1)")
        .bind(&role)
        .fetch_one(&pool)
        .await
        .map_err(Error::db("look for the role"))?;
    let verb = if exists { "alter" } else { "create" };
    let statements = [
        format!("{verb} role {role} login password '{quoted}'"),
        format!("grant usage on schema {service} to {role}"),
        format!("grant select, insert, update, delete on all tables in schema {service} to {role}"),
        // Who did what may be added to and chained, but not changed nor taken away.
        format!("revoke update, delete on {service}.audit from {role}"),
        format!("grant update (n, hash) on {service}.audit to {role}"),
        format!("grant usage, select on all sequences in schema {service} to {role}"),
        format!("grant execute on all functions in schema {service} to {role}"),
        format!(
            "alter default privileges in schema {service} grant select, insert, update, delete on tables to {role}"
        ),
        format!("alter default privileges in schema {service} grant usage, select on sequences to {role}"),
    ];
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&pool)
            .await
            .map_err(Error::db("grant the service role its rights"))?;
    }
    pool.close().await;
    Ok(())
}
