//! Fenced leases in Postgres: one holder at a time, and a write of a holder that lost it is refused.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::Error;

/// How long a lease lives without being renewed.
pub const TTL: Duration = Duration::from_secs(6);

/// A lease held, with the fence that protects its writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is about, for instance `relay` or `reader:intake`.
    pub name: String,
    /// The process that holds it.
    pub holder: Uuid,
    /// Grows with every change of holder.
    pub fence: i64,
}

/// Takes or renews the lease; `None` while another holder has it. The database's clock decides.
///
/// # Errors
/// [`Error::Db`].
pub async fn take(pool: &PgPool, name: &str, holder: Uuid, ttl: Duration) -> Result<Option<Lease>, Error> {
    let fence: Option<i64> = sqlx::query_scalar(
        "insert into lease as l (name, holder, fence, until) values ($1, $2, 1, now() + $3 * interval '1 millisecond')
         on conflict (name) do update set
             fence = case when l.holder = excluded.holder then l.fence else l.fence + 1 end,
             holder = excluded.holder, until = excluded.until
         where l.holder = excluded.holder or l.until < now()
         returning fence",
    )
    .bind(name)
    .bind(holder)
    .bind(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX))
    .fetch_optional(pool)
    .await
    .map_err(Error::db("take a lease"))?;
    Ok(fence.map(|fence| Lease {
        name: name.to_owned(),
        holder,
        fence,
    }))
}

/// Gives the lease back, so that the next holder need not wait.
///
/// # Errors
/// [`Error::Db`].
pub async fn give_back(pool: &PgPool, lease: &Lease) -> Result<(), Error> {
    sqlx::query(
        "update lease set until = now() - interval '1 second' where name = $1 and holder = $2 and fence = $3",
    )
    .bind(&lease.name)
    .bind(lease.holder)
    .bind(lease.fence)
    .execute(pool)
    .await
    .map(drop)
    .map_err(Error::db("give a lease back"))
}

/// Proves inside a transaction that the lease is still ours, and keeps it ours until commit.
///
/// # Errors
/// [`Error::LeaseLost`], [`Error::Db`].
pub async fn hold(conn: &mut PgConnection, lease: &Lease) -> Result<(), Error> {
    let held: Option<i32> = sqlx::query_scalar(
        "select 1 from lease where name = $1 and holder = $2 and fence = $3 and until > now() for update",
    )
    .bind(&lease.name)
    .bind(lease.holder)
    .bind(lease.fence)
    .fetch_optional(conn)
    .await
    .map_err(Error::db("check a lease"))?;
    held.map(drop).ok_or_else(|| Error::LeaseLost(lease.name.clone()))
}

/// Runs `work` whenever this process holds the lease; ends it when the lease is lost, tries again, stops with `stop`.
///
/// `work` gets the lease and a token that fires when it must end. Work that ends by itself, or panics, gives the lease
/// back and is started again after a moment.
pub async fn run_under<F, W>(pool: &PgPool, name: &str, holder: Uuid, stop: &CancellationToken, mut work: W)
where
    W: FnMut(Lease, CancellationToken) -> F,
    F: Future<Output = ()>,
{
    while !stop.is_cancelled() {
        match take(pool, name, holder, TTL).await {
            Ok(Some(lease)) => {
                let ended = stop.child_token();
                let working = async {
                    let worked = AssertUnwindSafe(work(lease.clone(), ended.clone()))
                        .catch_unwind()
                        .await;
                    if worked.is_err() {
                        tracing::error!(lease = name, "the work under a lease panicked; starting it again");
                    }
                    ended.cancel();
                };
                tokio::join!(working, renew(pool, &lease, &ended));
                let _ = give_back(pool, &lease).await;
                pause(stop, TTL / 6).await;
            }
            Ok(None) => pause(stop, TTL / 6).await,
            Err(error) => {
                tracing::warn!(lease = name, error = %crate::error::chain(&error), "could not take a lease");
                pause(stop, TTL / 6).await;
            }
        }
    }
}

/// Renews until told to end; ends the work when the lease is lost or could not be renewed in time.
async fn renew(pool: &PgPool, lease: &Lease, ended: &CancellationToken) {
    loop {
        pause(ended, TTL / 3).await;
        if ended.is_cancelled() {
            return;
        }
        let renewed = tokio::time::timeout(TTL / 3, take(pool, &lease.name, lease.holder, TTL)).await;
        if !matches!(renewed, Ok(Ok(Some(ref now))) if now.fence == lease.fence) {
            tracing::warn!(lease = lease.name, "lease lost");
            ended.cancel();
        }
    }
}

/// Waits, or returns early when told to stop.
pub async fn pause(stop: &CancellationToken, time: Duration) {
    let _ = tokio::time::timeout(time, stop.cancelled()).await;
}
