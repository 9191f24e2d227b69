//! The audit chain of every service, recomputed.

use relight_common::{audit, secrets::SERVICES};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::Check;

/// Recomputes every chain, as the owner of the database.
///
/// # Errors
/// When the database does not answer.
pub async fn chains(owner: &PgConnectOptions) -> anyhow::Result<Check> {
    let (mut sealed, mut broken) = (0, Vec::new());
    for service in SERVICES {
        let options = owner.clone().options([("search_path", service)]);
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await?;
        let unsealed: i64 = sqlx::query_scalar("select count(*) from audit where n is null")
            .fetch_one(&pool)
            .await?;
        let rows: i64 = sqlx::query_scalar("select count(*) from audit")
            .fetch_one(&pool)
            .await?;
        sealed += usize::try_from(rows)?;
        if unsealed > 0 {
            broken.push(format!("{service}: {unsealed} entries are not sealed"));
        }
        if let Some(n) = audit::verify(&pool).await? {
            broken.push(format!("{service}: entry {n} does not fit"));
        }
        pool.close().await;
    }
    Ok(Check::new(
        "an audit entry is sealed and fits its chain",
        sealed,
        broken,
    ))
}
