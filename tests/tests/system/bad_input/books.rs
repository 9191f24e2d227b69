//! How many rows every table has: what a refused request must not change.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection, Row};

/// Rows by table.
pub type Books = BTreeMap<String, i64>;

/// Tables that grow without a command: leases and positions of readers, sessions (each log-in), wrong passwords.
const ASIDE: [&str; 4] = ["lease", "reader_position", "session", "log_in_attempt"];

/// Counts every table of every service.
///
/// # Errors
/// When Postgres does not answer.
pub async fn read(database: &mut PgConnection) -> anyhow::Result<Books> {
    let tables: Vec<(String, String)> = sqlx::query_as(
        "select table_schema, table_name from information_schema.tables
         where table_schema in ('access', 'registry', 'intake', 'dispatch', 'planner', 'arrears', 'notify', 'insight')
           and table_type = 'BASE TABLE' and table_name <> all($1)",
    )
    .bind(ASIDE.as_slice())
    .fetch_all(&mut *database)
    .await?;
    let counts: Vec<String> = tables
        .iter()
        .map(|(schema, table)| format!("select '{schema}.{table}', count(*) from {schema}.{table}"))
        .collect();
    let rows = sqlx::query(AssertSqlSafe(counts.join(" union all ")))
        .fetch_all(database)
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The tables whose counts differ.
pub fn differences(before: &Books, after: &Books) -> Vec<String> {
    after
        .iter()
        .filter(|(table, count)| before.get(*table) != Some(count))
        .map(|(table, count)| format!("{table}: {:?} then {count}", before.get(table)))
        .collect()
}
