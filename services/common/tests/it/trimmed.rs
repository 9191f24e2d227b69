//! What is kept has an end: streams are trimmed by age, the outbox is kept for days; a reader that comes later than that
//! is told aloud that events are gone, and goes on with what there is.

use chrono::{TimeDelta, Utc};
use relight_common::{Db, Work, dead_letter, reconcile::Nothing, work::partition_of};
use relight_testkit::wait_until;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    outbox::old_day,
    world::{Notes, TELLS, World, payload, tell},
};

/// Events `versions` of `subject` that happened `ago`.
async fn tell_ago(
    db: &Db,
    subject: Uuid,
    versions: std::ops::RangeInclusive<i64>,
    ago: TimeDelta,
) -> anyhow::Result<()> {
    let mut work = Work::internal(db, "test", Utc::now() - ago).await?;
    for version in versions {
        work.tell(TELLS, subject, version, "demo", &payload("fine"));
    }
    work.done().await?;
    Ok(())
}

/// An owner that told ten events and keeps those after `gone`; Redis has none of them.
async fn keeps_after(gone: i64, subject: Uuid) -> anyhow::Result<World> {
    let mut world = World::build().await?;
    world.room("intake").await?.keep_house(Nothing)?;
    tell_ago(&world.owner_db, subject, 1..=10, TimeDelta::zero()).await?;
    world.wait_published(10).await?;
    world.lose_redis().await?;
    for statement in [
        "delete from outbox where partition_no = $1 and seq <= $2",
        "update outbox_head set oldest = $2 + 1 where partition_no = $1",
    ] {
        sqlx::query(statement)
            .bind(partition_of(subject))
            .bind(gone)
            .execute(world.owner_db.pool())
            .await?;
    }
    Ok(world)
}

/// Subjects of the rows that say what is gone.
async fn lost(world: &World) -> anyhow::Result<Vec<String>> {
    let letters = dead_letter::open(world.reader_db.pool(), Some("intake"), None).await?;
    assert!(letters.iter().all(dead_letter::Letter::is_lost), "{letters:?}");
    Ok(letters.into_iter().map(|letter| letter.subject).collect())
}

async fn says(world: &World, name: &str) -> anyhow::Result<()> {
    wait_until("it is said aloud", async || Ok(lost(world).await? == [name])).await
}

#[tokio::test]
async fn a_reader_older_than_the_outbox_goes_on_and_says_what_is_gone() -> anyhow::Result<()> {
    let subject = Uuid::now_v7();
    let partition = partition_of(subject);
    let world = keeps_after(6, subject).await?;
    world.listen(Notes::default()).await?;
    world.wait_applied(4).await?;
    let name = format!("intake-{partition}-1-6");
    assert_eq!(lost(&world).await?, std::slice::from_ref(&name));
    let letter = dead_letter::open(world.reader_db.pool(), None, Some(&name)).await?;
    assert!(
        letter[0]
            .reason
            .contains(&format!("its events 1 to 6 of partition {partition}")),
        "{}",
        letter[0].reason
    );
    let audited: serde_json::Value =
        sqlx::query_scalar("select detail from audit where action = 'reader.skipped'")
            .fetch_one(world.reader_db.pool())
            .await?;
    assert_eq!(audited, serde_json::json!({ "from": 1, "to": 6 }));
    world.host.shut_down().await;
    Ok(())
}

/// The owner keeps nothing at all and tells nothing new: the reader must not take that for having everything.
#[tokio::test]
async fn a_reader_whose_owner_keeps_nothing_says_so_too() -> anyhow::Result<()> {
    let subject = Uuid::now_v7();
    let world = keeps_after(10, subject).await?;
    world.listen(Notes::default()).await?;
    says(&world, &format!("intake-{}-1-10", partition_of(subject))).await?;
    tell(&world.owner_db, subject, 11).await?;
    world.wait_applied(1).await?;
    world.host.shut_down().await;
    Ok(())
}

/// "Try everything again" must not wave away what was lost; its name closes it.
#[tokio::test]
async fn what_is_gone_is_closed_by_its_name_alone() -> anyhow::Result<()> {
    let subject = Uuid::now_v7();
    let world = keeps_after(6, subject).await?;
    world.listen(Notes::default()).await?;
    let name = format!("intake-{}-1-6", partition_of(subject));
    says(&world, &name).await?;
    let pool = world.reader_db.pool();
    assert_eq!(dead_letter::ask_retry(pool, None, None).await?, 0);
    assert_eq!(dead_letter::ask_retry(pool, None, Some(&name)).await?, 1);
    wait_until("it is closed", async || Ok(lost(&world).await?.is_empty())).await?;
    let closed: i64 = sqlx::query_scalar("select count(*) from audit where action = 'reader.skip_closed'")
        .fetch_one(pool)
        .await?;
    assert_eq!(closed, 1);
    world.host.shut_down().await;
    Ok(())
}

/// Old entries leave the stream, by age; a reader that still needs them pulls them, and nothing is said to be gone.
#[tokio::test]
async fn a_stream_keeps_the_last_hour_and_a_reader_that_was_away_longer_misses_nothing() -> anyhow::Result<()>
{
    let mut world = World::build().await?;
    let (url, namespace) = (
        world.host.settings.redis.url.clone(),
        world.host.settings.redis.namespace.clone(),
    );
    let subject = Uuid::now_v7();
    tell_ago(&world.owner_db, subject, 1..=400, TimeDelta::hours(2)).await?;
    tell_ago(&world.owner_db, subject, 401..=410, TimeDelta::minutes(30)).await?;
    let key = world.stream(partition_of(subject));
    let stop = CancellationToken::new();
    let relay = world.relay(&url, &namespace, &stop)?;
    // Redis trims whole blocks of a hundred.
    let length = async |redis: &mut redis::aio::MultiplexedConnection| -> anyhow::Result<i64> {
        Ok(redis::cmd("XLEN").arg(&key).query_async(redis).await?)
    };
    world.wait_published(410).await?;
    let mut redis = world.redis.clone();
    wait_until("the stream is trimmed", async || {
        Ok((10..=110).contains(&length(&mut redis).await?))
    })
    .await?;
    world.listen(Notes::default()).await?;
    world.wait_applied(410).await?;
    assert!(lost(&world).await?.is_empty());
    stop.cancel();
    relay.await?;
    world.redis = redis;
    world.host.shut_down().await;
    Ok(())
}

/// Nobody has to remember to call the upkeep: a service that runs drops what is older than a week.
#[tokio::test]
async fn a_running_service_drops_its_old_days() -> anyhow::Result<()> {
    let world = World::build().await?;
    let old = old_day(&world.owner_db, 9, 1).await?;
    let young = old_day(&world.owner_db, 6, 4).await?;
    sqlx::query("update outbox_head set seq = 6, published = 6 where partition_no = 0")
        .execute(world.owner_db.pool())
        .await?;
    world.room("intake").await?.keep_house(Nothing)?;
    wait_until("the old day is gone", async || {
        Ok(
            sqlx::query_scalar("select to_regclass($1) is null and to_regclass($2) is not null")
                .bind(&old)
                .bind(&young)
                .fetch_one(world.owner_db.pool())
                .await?,
        )
    })
    .await?;
    world.host.shut_down().await;
    Ok(())
}
