//! One holder at a time, and a holder that lost its lease cannot write.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use relight_common::{Error, lease};
use relight_testkit::wait_until;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::world::owner;

#[tokio::test]
async fn a_lease_has_one_holder_and_its_fence_grows_with_each_change() -> anyhow::Result<()> {
    let db = owner().await?;
    let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
    let first = lease::take(db.pool(), "relay", a, Duration::from_secs(30))
        .await?
        .expect("free");
    assert_eq!(
        lease::take(db.pool(), "relay", b, Duration::from_secs(30)).await?,
        None
    );
    assert_eq!(
        lease::take(db.pool(), "relay", a, Duration::from_secs(30)).await?,
        Some(first.clone()),
        "renewed"
    );
    lease::give_back(db.pool(), &first).await?;
    let second = lease::take(db.pool(), "relay", b, Duration::from_secs(30))
        .await?
        .expect("given back");
    assert!(second.fence > first.fence);
    Ok(())
}

#[tokio::test]
async fn a_write_under_a_lost_lease_is_refused() -> anyhow::Result<()> {
    let db = owner().await?;
    let old = lease::take(db.pool(), "relay", Uuid::now_v7(), Duration::ZERO)
        .await?
        .expect("free");
    let new = lease::take(db.pool(), "relay", Uuid::now_v7(), Duration::from_secs(30))
        .await?
        .expect("run out");
    let mut tx = db.begin().await?;
    assert!(matches!(
        lease::hold(&mut tx, &old).await,
        Err(Error::LeaseLost(_))
    ));
    lease::hold(&mut tx, &new).await?;
    Ok(())
}

#[tokio::test]
async fn of_many_takers_at_once_exactly_one_wins() -> anyhow::Result<()> {
    let db = owner().await?;
    let mut takers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let pool = db.pool().clone();
        takers
            .spawn(async move { lease::take(&pool, "relay", Uuid::now_v7(), Duration::from_secs(30)).await });
    }
    let mut winners = 0;
    while let Some(taken) = takers.join_next().await {
        winners += usize::from(taken??.is_some());
    }
    assert_eq!(winners, 1);
    Ok(())
}

#[tokio::test]
async fn work_that_panics_or_ends_by_itself_is_started_again() -> anyhow::Result<()> {
    let db = owner().await?;
    let (starts, stop) = (AtomicUsize::new(0), CancellationToken::new());
    let running = lease::run_under(db.pool(), "work", Uuid::now_v7(), &stop, |_, ended| {
        let start = starts.fetch_add(1, Ordering::SeqCst);
        async move {
            match start {
                0 => panic!("work with a bug"),
                1 => {}
                _ => ended.cancelled().await,
            }
        }
    });
    let watching = async {
        let watched = wait_until("the third start", async || Ok(starts.load(Ordering::SeqCst) == 3)).await;
        stop.cancel();
        watched
    };
    tokio::join!(running, watching).1
}

/// The work is told to end when somebody else got the lease.
#[tokio::test]
async fn work_ends_when_its_lease_is_lost() -> anyhow::Result<()> {
    let db = owner().await?;
    let (ends, stop) = (AtomicUsize::new(0), CancellationToken::new());
    let running = lease::run_under(db.pool(), "work", Uuid::now_v7(), &stop, |_, ended| {
        let ends = &ends;
        async move {
            ended.cancelled().await;
            ends.fetch_add(1, Ordering::SeqCst);
        }
    });
    let stealing = async {
        let stolen = wait_until("the lease is held and then stolen", async || {
            let stolen = sqlx::query(
                "update lease set holder = gen_random_uuid(), fence = fence + 1 where name = 'work'",
            )
            .execute(db.pool())
            .await?;
            Ok(stolen.rows_affected() == 1)
        })
        .await;
        let ended = wait_until("the work ended", async || Ok(ends.load(Ordering::SeqCst) == 1)).await;
        stop.cancel();
        stolen.and(ended)
    };
    tokio::join!(running, stealing).1
}
