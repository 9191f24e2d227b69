//! One holder at a time, and a holder that lost its lease cannot write.

use std::time::Duration;

use relight_common::{Error, lease};
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
