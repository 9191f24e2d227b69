//! What Postgres alone takes to write the same rows: the peer of numbers that no other program has. Plain tables, the same
//! batches and connections, nothing decided, nothing told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::{task::JoinSet, time::sleep_until};

use crate::house::House;

/// Tables of a ledger of debts and nothing else.
const TABLES: &str = "
    drop schema if exists floor cascade;
    create schema floor;
    create table floor.account (id bigint primary key, account text not null unique, cents bigint, at timestamptz);
    create table floor.line (source text, external_id text, account_id bigint not null, cents bigint not null,
        at timestamptz not null, primary key (source, external_id));
    create table floor.debt (id bigint primary key, state text not null);";
/// One batch of a night.
const LINES: &str = "
    insert into floor.line select $1, n || '@' || $1, n, 0, now() from generate_series($2::bigint, $3::bigint - 1) n";
const BALANCES: &str = "
    update floor.account set cents = 0, at = now() where id >= $1 and id < $2";

/// Fills the ledger with as many accounts.
pub(super) async fn prepare(conn: &mut PgConnection, accounts: usize) -> anyhow::Result<()> {
    sqlx::raw_sql(TABLES).execute(&mut *conn).await?;
    let fill = format!(
        "insert into floor.account select n, 'B-' || n, null, null from generate_series(0, {accounts} - 1) n;
         insert into floor.debt select n, 'pre_noticed' from generate_series(0, {accounts} - 1) n;
         analyze floor.account; analyze floor.debt;"
    );
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(conn).await?;
    Ok(())
}

/// A night of balances over every account: one line and one balance each, `batch` of them in a transaction.
pub(super) async fn night(
    house: &House,
    accounts: usize,
    (batch, feeders): (usize, usize),
) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let mut set = JoinSet::new();
    for _ in 0..feeders {
        let (mut conn, next) = (house.connect().await?, Arc::clone(&next));
        set.spawn(async move {
            loop {
                let first = next.fetch_add(batch, Ordering::Relaxed);
                if first >= accounts {
                    return anyhow::Ok(());
                }
                let (from, to) = (i64::try_from(first)?, i64::try_from(accounts.min(first + batch))?);
                let mut tx = conn.begin().await?;
                sqlx::query(LINES)
                    .bind("night")
                    .bind(from)
                    .bind(to)
                    .execute(&mut *tx)
                    .await?;
                sqlx::query(BALANCES)
                    .bind(from)
                    .bind(to)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
            }
        });
    }
    while let Some(done) = set.join_next().await {
        done??;
    }
    Ok(begun.elapsed())
}

/// Payments at the same steady rate, each from when it was due to its commit.
pub(super) async fn payments(
    house: &House,
    (count, rate): (usize, f64),
    callers: usize,
) -> anyhow::Result<Vec<Duration>> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut conns = Vec::new();
    for _ in 0..callers {
        conns.push(house.connect().await?);
    }
    let begun = tokio::time::Instant::now();
    let mut set = JoinSet::new();
    for mut conn in conns {
        let next = Arc::clone(&next);
        set.spawn(async move {
            let mut times = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    return anyhow::Ok(times);
                }
                let due = begun + Duration::from_secs_f64(n as f64 / rate);
                sleep_until(due).await;
                pay(&mut conn, i64::try_from(n)?).await?;
                times.push(due.elapsed());
            }
        });
    }
    let mut times = Vec::new();
    while let Some(one) = set.join_next().await {
        times.extend(one??);
    }
    Ok(times)
}

async fn pay(conn: &mut PgConnection, account: i64) -> anyhow::Result<()> {
    let mut tx = conn.begin().await?;
    for statement in [
        "insert into floor.line values ('till', $1::bigint, $1, 50000, now())",
        "update floor.account set cents = cents - 50000 where id = $1",
        "update floor.debt set state = 'settled' where id = $1",
    ] {
        sqlx::query(statement).bind(account).execute(&mut *tx).await?;
    }
    Ok(tx.commit().await?)
}

/// Writes every row of `table` once more, into a copy of it with the same indexes, in one statement.
pub(super) async fn copy(conn: &mut PgConnection, table: &str) -> anyhow::Result<Duration> {
    let mut tx = conn.begin().await?;
    let make = format!("create schema floor; create table floor.copy (like {table} including all)");
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut *tx).await?;
    let begun = Instant::now();
    let write = format!("insert into floor.copy overriding system value select * from {table}");
    sqlx::raw_sql(AssertSqlSafe(write)).execute(&mut *tx).await?;
    let took = begun.elapsed();
    tx.rollback().await?;
    Ok(took)
}

/// One row of `table` read by key, `times` times.
pub(super) async fn reads(
    conn: &mut PgConnection,
    (table, id): (&str, uuid::Uuid),
    times: usize,
) -> anyhow::Result<Vec<Duration>> {
    let query = format!("select version from {table} where id = $1");
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let begun = Instant::now();
        let _: i64 = sqlx::query_scalar(AssertSqlSafe(query.clone()))
            .bind(id)
            .fetch_one(&mut *conn)
            .await?;
        took.push(begun.elapsed());
    }
    Ok(took)
}
