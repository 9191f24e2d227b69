//! The outbox gets gapless numbers in version order, also with writers at once, and only from the lease's holder.

use std::{collections::HashMap, time::Duration};

use relight_common::{Db, Error, events, lease, relay};
use relight_proto::events::v1::{Event, ReadRequest};
use uuid::Uuid;

use crate::world::{Notes, World, owner, tell, wait_until};

async fn everything(db: &Db) -> anyhow::Result<Vec<Event>> {
    let mut all = Vec::new();
    for partition in 0..4 {
        let request = ReadRequest {
            partition,
            after: 0,
            limit: 1000,
        };
        let read = events::read(db, &request).await?;
        let numbers: Vec<u64> = read.events.iter().map(|event| event.seq).collect();
        let gapless: Vec<u64> = (1..=numbers.len() as u64).collect();
        assert_eq!(numbers, gapless, "partition {partition}");
        assert_eq!(read.head, numbers.len() as u64);
        all.extend(read.events);
    }
    Ok(all)
}

async fn tell_versions(db: Db, subject: Uuid, count: i64) -> anyhow::Result<()> {
    for version in 1..=count {
        tell(&db, subject, version).await?;
    }
    Ok(())
}

#[tokio::test]
async fn numbers_are_gapless_and_in_version_order_while_many_write() -> anyhow::Result<()> {
    let db = owner().await?;
    let lease = lease::take(db.pool(), "relay", Uuid::now_v7(), Duration::from_secs(60))
        .await?
        .expect("free");
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        writers.spawn(tell_versions(Db::clone(&db), Uuid::now_v7(), 25));
    }
    let mut numbered = 0;
    while numbered < 200 {
        for partition in 0..4 {
            numbered += relay::number(&db, &lease, partition).await?;
        }
        if let Some(done) = writers.try_join_next() {
            done??;
        }
    }
    let mut versions: HashMap<String, u64> = HashMap::new();
    for event in everything(&db).await? {
        let last = versions.insert(event.subject, event.version).unwrap_or(0);
        assert_eq!(
            event.version,
            last + 1,
            "the versions of one aggregate are told in order"
        );
    }
    assert_eq!(versions.values().sum::<u64>(), 200);
    Ok(())
}

#[tokio::test]
async fn a_relay_that_lost_its_lease_numbers_nothing() -> anyhow::Result<()> {
    let db = owner().await?;
    let old = lease::take(db.pool(), "relay", Uuid::now_v7(), Duration::ZERO)
        .await?
        .expect("free");
    let new = lease::take(db.pool(), "relay", Uuid::now_v7(), Duration::from_secs(60))
        .await?
        .expect("run out");
    let subject = Uuid::now_v7();
    tell(&db, subject, 1).await?;
    let partition = relight_common::work::partition_of(subject);
    assert!(matches!(
        relay::number(&db, &old, partition).await,
        Err(Error::LeaseLost(_))
    ));
    assert_eq!(relay::number(&db, &new, partition).await?, 1);
    assert_eq!(
        relay::number(&db, &new, partition).await?,
        0,
        "nothing is numbered twice"
    );
    Ok(())
}

/// The second relay publishes from where the first got to; what the first already published Redis refuses.
#[tokio::test]
async fn two_relays_of_two_processes_publish_each_event_once() -> anyhow::Result<()> {
    let mut world = World::start(Notes::default()).await?;
    world
        .room("intake")
        .await?
        .keep_house(relight_common::reconcile::Nothing)?;
    for version in 1..=50 {
        tell(&world.owner_db, Uuid::now_v7(), version).await?;
    }
    world.wait_applied(50).await?;
    let mut published = 0;
    for partition in 0..4 {
        let key = world.stream(partition);
        published += redis::cmd("XLEN")
            .arg(key)
            .query_async::<i64>(&mut world.redis)
            .await?;
    }
    assert_eq!(published, 50);
    world.host.shut_down().await;
    Ok(())
}

/// Shutting down tells what was committed before.
#[tokio::test]
async fn what_was_committed_is_published_before_the_process_ends() -> anyhow::Result<()> {
    let mut world = World::build().await?;
    world
        .room("intake")
        .await?
        .keep_house(relight_common::reconcile::Nothing)?;
    wait_until("the relay holds its lease", async || {
        Ok(
            sqlx::query_scalar("select exists (select 1 from lease where name = 'relay')")
                .fetch_one(world.owner_db.pool())
                .await?,
        )
    })
    .await?;
    let subject = Uuid::now_v7();
    tell(&world.owner_db, subject, 1).await?;
    world.host.shut_down().await;
    let key = world.stream(relight_common::work::partition_of(subject));
    let length: i64 = redis::cmd("XLEN").arg(key).query_async(&mut world.redis).await?;
    assert_eq!(length, 1);
    Ok(())
}
