//! The audit chain: rows are appended in the command's transaction; the sealer numbers them and chains each to the one
//! before by SHA-256, so that a row changed or removed later shows.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::{FromRow, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    db::Db,
    error::{Error, chain},
    lease::{self, Lease},
};

const BATCH: i64 = 1_000;
const EVERY: Duration = Duration::from_secs(1);
/// The hash before the first row.
const GENESIS: [u8; 32] = [0; 32];

/// One audited act.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    /// Id of the row.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// Who: person id or `service:NAME`.
    pub actor: String,
    /// What, for instance `order.assigned`.
    pub action: String,
    /// On what.
    pub subject: String,
    /// Facts of the act.
    pub detail: serde_json::Value,
}

/// Hash of a row that follows `before`.
fn link(before: &[u8], n: i64, row: &Row) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(n.to_be_bytes());
    hash.update(row.id.as_bytes());
    hash.update(row.at.timestamp_micros().to_be_bytes());
    for text in [&row.actor, &row.action, &row.subject, &row.detail.to_string()] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().into()
}

/// Seals rows until `stop`.
pub async fn run(db: Db, holder: Uuid, stop: CancellationToken) {
    let pool = db.pool().clone();
    lease::run_under(&pool, "audit", holder, &stop, |lease, ended| {
        let db = db.clone();
        async move {
            while !ended.is_cancelled() {
                match seal(&db, &lease).await {
                    Ok(count) if count == BATCH.unsigned_abs() as usize => {}
                    Ok(_) => lease::pause(&ended, EVERY).await,
                    Err(error) => {
                        tracing::warn!(service = db.service(), error = %chain(&error), "the audit chain has to wait");
                        lease::pause(&ended, EVERY).await;
                    }
                }
            }
        }
    })
    .await;
}

/// Chains the rows that are not yet chained. Returns how many.
///
/// # Errors
/// [`Error::LeaseLost`], [`Error::Db`].
pub async fn seal(db: &Db, lease: &Lease) -> Result<usize, Error> {
    let waiting: bool = sqlx::query_scalar("select exists (select 1 from audit where n is null)")
        .fetch_one(db.pool())
        .await
        .map_err(Error::db("look for unsealed audit rows"))?;
    if !waiting {
        return Ok(0);
    }
    let mut tx = db.begin().await?;
    lease::hold(&mut tx, lease).await?;
    let last: Option<(i64, Vec<u8>)> =
        sqlx::query_as("select n, hash from audit where n is not null order by n desc limit 1")
            .fetch_optional(&mut *tx)
            .await
            .map_err(Error::db("find the end of the audit chain"))?;
    let rows: Vec<Row> = sqlx::query_as(
        "select id, at, actor, action, subject, detail from audit where n is null order by id limit $1",
    )
    .bind(BATCH)
    .fetch_all(&mut *tx)
    .await
    .map_err(Error::db("read unsealed audit rows"))?;
    let (mut n, mut hash) = last.unwrap_or((0, GENESIS.to_vec()));
    let (mut ids, mut numbers, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        n += 1;
        hash = link(&hash, n, row).to_vec();
        ids.push(row.id);
        numbers.push(n);
        hashes.push(hash.clone());
    }
    sqlx::query("update audit a set n = s.n, hash = s.hash from unnest($1::uuid[], $2::bigint[], $3::bytea[]) as s (id, n, hash) where a.id = s.id")
        .bind(ids)
        .bind(numbers)
        .bind(hashes)
        .execute(&mut *tx)
        .await
        .map_err(Error::db("seal audit rows"))?;
    tx.commit().await.map_err(Error::db("commit the seal"))?;
    Ok(rows.len())
}

/// Recomputes the chain. `Ok(None)`: whole; `Ok(Some(n))`: the first row that does not fit.
///
/// # Errors
/// [`Error::Db`].
pub async fn verify(pool: &PgPool) -> Result<Option<i64>, Error> {
    let (mut hash, mut expected) = (GENESIS.to_vec(), 1);
    loop {
        let rows: Vec<(i64, Vec<u8>, Uuid)> =
            sqlx::query_as("select n, hash, id from audit where n >= $1 order by n limit $2")
                .bind(expected)
                .bind(BATCH)
                .fetch_all(pool)
                .await
                .map_err(Error::db("read the audit chain"))?;
        if rows.is_empty() {
            return Ok(None);
        }
        for (n, stored, id) in rows {
            let row: Row =
                sqlx::query_as("select id, at, actor, action, subject, detail from audit where id = $1")
                    .bind(id)
                    .fetch_one(pool)
                    .await
                    .map_err(Error::db("read an audit row"))?;
            hash = link(&hash, n, &row).to_vec();
            if n != expected || stored != hash {
                return Ok(Some(expected));
            }
            expected += 1;
        }
    }
}
