//! What events and timers should have done is found and mended, once.

use relight_common::reconcile::Reconciler;
use relight_dispatch::reconcile::Mender;

use crate::{given::*, then};

async fn mended(house: &House) -> anyhow::Result<u64> {
    Ok(Mender::new(house.pack.clone())
        .pass(&house.db, house.now())
        .await?)
}

async fn run(house: &House, sql: &'static str) -> anyhow::Result<()> {
    sqlx::query(sql).execute(house.db.pool()).await?;
    Ok(())
}

#[tokio::test]
async fn a_house_in_order_is_left_alone() -> anyhow::Result<()> {
    let house = house().await?;
    house.brought_to("repairing").await?;
    house.opened(2).await?;
    assert_eq!(mended(&house).await?, 0);
    Ok(())
}

#[tokio::test]
async fn an_open_incident_without_an_order_gets_one() -> anyhow::Result<()> {
    let house = house().await?;
    let mut conn = house.db.pool().acquire().await?;
    relight_dispatch::store::incident::put(&mut conn, &an_incident(1)).await?;
    assert_eq!(mended(&house).await?, 1);
    assert_eq!(house.view(order(1)).await?.state, "triaged");
    assert_eq!(mended(&house).await?, 0);
    Ok(())
}

#[tokio::test]
async fn an_ended_incident_takes_its_order_along_once_the_crew_is_off_it() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("assigned").await?;
    run(&house, "update incident set state = 'closed'").await?;
    assert_eq!(mended(&house).await?, 0, "a crew is on it");
    house.later(minutes(3)).await?;
    assert_eq!(mended(&house).await?, 1);
    assert_eq!(house.view(order).await?.state, "withdrawn");
    Ok(())
}

#[tokio::test]
async fn a_clock_without_a_timer_gets_one_and_alarms() -> anyhow::Result<()> {
    let house = house().await?;
    house.opened(1).await?;
    run(&house, "delete from timer where kind = 'clock'").await?;
    house.later(minutes(50)).await?;
    assert!(then::alarms(&house.db).await?.is_empty());
    assert_eq!(mended(&house).await?, 1);
    house.fire().await?;
    assert_eq!(then::alarms(&house.db).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_crew_held_by_an_order_that_does_not_need_it_is_freed() -> anyhow::Result<()> {
    let house = house().await?;
    house.brought_to("restored").await?;
    run(
        &house,
        "update assignment set released_at = null, released_by = null",
    )
    .await?;
    assert_eq!(mended(&house).await?, 1);
    assert_eq!(
        then::count(
            &house.db,
            "select count(*) from assignment where released_at is null"
        )
        .await?,
        0
    );
    Ok(())
}
