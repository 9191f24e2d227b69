//! The outbox gets gapless numbers in version order, also with writers at once, and only from the lease's holder.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::Utc;
use prost::Message;
use relight_common::{Db, Error, Work, events, lease, reconcile::Nothing, relay, work::partition_of};
use relight_proto::events::v1::{Event, ReadRequest};
use relight_testkit::wait_until;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::world::{Notes, TELLS, World, owner, payload, tell, tell_as};

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
        numbered += relay::number(&db, &lease).await?;
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
    assert!(matches!(relay::number(&db, &old).await, Err(Error::LeaseLost(_))));
    assert_eq!(relay::number(&db, &new).await?, 1);
    assert_eq!(relay::number(&db, &new).await?, 0, "nothing is numbered twice");
    Ok(())
}

/// The second relay publishes from where the first got to; what the first already published Redis refuses.
#[tokio::test]
async fn two_relays_of_two_processes_publish_each_event_once() -> anyhow::Result<()> {
    let mut world = World::start(Notes::default()).await?;
    world.room("intake").await?.keep_house(Nothing)?;
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
    world.room("intake").await?.keep_house(Nothing)?;
    relay_holds_its_lease(&world).await?;
    let subject = Uuid::now_v7();
    tell(&world.owner_db, subject, 1).await?;
    world.host.shut_down().await;
    assert_eq!(length(&mut world, subject).await?, 1);
    Ok(())
}

async fn relay_holds_its_lease(world: &World) -> anyhow::Result<()> {
    wait_until("the relay holds its lease", async || {
        Ok(
            sqlx::query_scalar("select exists (select 1 from lease where name = 'relay')")
                .fetch_one(world.owner_db.pool())
                .await?,
        )
    })
    .await
}

async fn length(world: &mut World, subject: Uuid) -> anyhow::Result<i64> {
    let key = world.stream(partition_of(subject));
    Ok(redis::cmd("XLEN").arg(key).query_async(&mut world.redis).await?)
}

async fn tell_many(db: &Db, subject: Uuid, count: i64) -> anyhow::Result<()> {
    let mut work = Work::internal(db, "test", Utc::now()).await?;
    for version in 1..=count {
        work.tell(TELLS, subject, version, "demo", &payload("fine"));
    }
    work.done().await?;
    Ok(())
}

/// More than one batch is waiting when the process is told to end.
#[tokio::test]
async fn a_backlog_is_published_before_the_process_ends() -> anyhow::Result<()> {
    let mut world = World::build().await?;
    world.room("intake").await?.keep_house(Nothing)?;
    relay_holds_its_lease(&world).await?;
    let (subject, count) = (Uuid::now_v7(), 1_600);
    tell_many(&world.owner_db, subject, count).await?;
    world.host.shut_down().await;
    assert_eq!(length(&mut world, subject).await?, count);
    Ok(())
}

/// Without Redis the events of every partition still get their numbers, so readers pull them.
#[tokio::test]
async fn without_redis_the_events_of_every_partition_reach_their_reader() -> anyhow::Result<()> {
    let world = World::build_with(|settings| settings.redis.url = "redis://127.0.0.1:1".to_owned()).await?;
    world.room("intake").await?.keep_house(Nothing)?;
    world.listen(Notes::default()).await?;
    for _ in 0..40 {
        tell(&world.owner_db, Uuid::now_v7(), 1).await?;
    }
    world.wait_applied(40).await?;
    world.host.shut_down().await;
    Ok(())
}

/// Passes everything on to Redis, but holds the first publication until told to go on.
struct Holds {
    /// Of the same Redis, by way of this.
    url: String,
    held: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl Holds {
    async fn before(redis_url: &str) -> anyhow::Result<Self> {
        let (credentials, target) = match redis_url.trim_start_matches("redis://").rsplit_once('@') {
            Some((credentials, target)) => (format!("{credentials}@"), target),
            None => (String::new(), redis_url.trim_start_matches("redis://")),
        };
        let target = target.trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let holds = Self {
            url: format!("redis://{credentials}{}", listener.local_addr()?),
            held: Arc::default(),
            go_on: Arc::default(),
        };
        let (held, go_on) = (holds.held.clone(), holds.go_on.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&target).await?;
                tokio::spawn(pass_on(client, server, held.clone(), go_on.clone()));
            }
            Ok::<(), std::io::Error>(())
        });
        Ok(holds)
    }
}

async fn pass_on(
    client: TcpStream,
    server: TcpStream,
    held: Arc<Notify>,
    go_on: Arc<Notify>,
) -> std::io::Result<()> {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let (mut bytes, mut waited) = (vec![0; 65_536], false);
    loop {
        let count = from_client.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        if !waited && bytes[..count].windows(4).any(|word| word == b"XADD") {
            waited = true;
            held.notify_one();
            go_on.notified().await;
        }
        to_server.write_all(&bytes[..count]).await?;
    }
}

/// A relay stands still in the middle of publishing, another takes over and goes further, then the first goes on.
#[tokio::test]
async fn a_relay_that_lost_its_lease_while_publishing_changes_nothing() -> anyhow::Result<()> {
    let mut world = World::build().await?;
    let url = world.host.settings.redis.url.clone();
    let (subject, stop, second_stop) = (Uuid::now_v7(), CancellationToken::new(), CancellationToken::new());
    tell_many(&world.owner_db, subject, 10).await?;
    let holds = Holds::before(&url).await?;
    let namespace = world.host.settings.redis.namespace.clone();
    let first = world.relay(&holds.url, &namespace, &stop)?;
    holds.held.notified().await;
    sqlx::query("update lease set until = now() - interval '1 second' where name = 'relay'")
        .execute(world.owner_db.pool())
        .await?;
    let second = world.relay(&url, &namespace, &second_stop)?;
    for version in 11..=15 {
        tell(&world.owner_db, subject, version).await?;
    }
    world.wait_published(15).await?;
    stop.cancel();
    holds.go_on.notify_one();
    first.await?;
    world.wait_published(15).await?;
    second_stop.cancel();
    second.await?;
    let entries: redis::streams::StreamRangeReply = redis::cmd("XRANGE")
        .arg(&[world.stream(partition_of(subject)).as_str(), "-", "+"])
        .query_async(&mut world.redis)
        .await?;
    let ids: Vec<String> = entries.ids.into_iter().map(|entry| entry.id).collect();
    assert_eq!(ids, (1..=15).map(|seq| format!("{seq}-0")).collect::<Vec<_>>());
    assert_eq!(everything(&world.owner_db).await?.len(), 15);
    Ok(())
}

/// Together they are far larger than one gRPC message may be.
#[tokio::test]
async fn large_events_are_pulled_in_answers_of_a_size_that_arrives() -> anyhow::Result<()> {
    let world = World::build_with(|settings| settings.redis.url = "redis://127.0.0.1:1".to_owned()).await?;
    world.room("intake").await?.keep_house(Nothing)?;
    let (subject, large) = (Uuid::now_v7(), "x".repeat(300_000));
    for version in 1..=40 {
        tell_as(&world.owner_db, TELLS, subject, version, &large).await?;
    }
    world.listen(Notes::default()).await?;
    world.wait_applied(40).await?;
    let request = ReadRequest {
        partition: partition_of(subject).unsigned_abs().into(),
        ..ReadRequest::default()
    };
    let answer = events::read(&world.owner_db, &request).await?;
    assert!(
        answer.encoded_len() < 4 << 20,
        "what a gRPC client takes unless told otherwise"
    );
    world.host.shut_down().await;
    Ok(())
}

/// Two relays saw the same rows; the one that comes second finds them numbered and leaves no hole behind.
#[tokio::test]
async fn rows_numbered_between_a_relays_look_and_its_lease_leave_no_gap() -> anyhow::Result<()> {
    let db = owner().await?;
    let lease = lease::take(db.pool(), "relay", Uuid::now_v7(), Duration::from_secs(60))
        .await?
        .expect("free");
    let subject = Uuid::now_v7();
    let partition = partition_of(subject);
    tell_many(&db, subject, 5).await?;
    let mut other = db.begin().await?;
    lease::hold(&mut other, &lease).await?;
    let numbering = {
        let (db, lease) = (Db::clone(&db), lease.clone());
        tokio::spawn(async move { relay::number(&db, &lease).await })
    };
    wait_until("the relay waits for its lease", async || {
        Ok(sqlx::query_scalar(
            "select exists (select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')",
        )
        .fetch_one(db.pool())
        .await?)
    })
    .await?;
    for statement in [
        "update outbox set seq = version",
        "update outbox_head set seq = 5 where partition_no = $1",
    ] {
        let mut query = sqlx::query(statement);
        if statement.contains("$1") {
            query = query.bind(partition);
        }
        query.execute(&mut *other).await?;
    }
    other.commit().await?;
    assert_eq!(numbering.await??, 0);
    assert_eq!(everything(&db).await?.len(), 5);
    Ok(())
}

/// The process died after publishing and before noting it: what Redis has already is no reason to stop.
#[tokio::test]
async fn a_crash_between_publishing_and_noting_it_publishes_nothing_twice() -> anyhow::Result<()> {
    let mut world = World::build().await?;
    world.room("intake").await?.keep_house(Nothing)?;
    let subject = Uuid::now_v7();
    tell_many(&world.owner_db, subject, 10).await?;
    world.wait_published(10).await?;
    sqlx::query("update outbox_head set published = 4 where published = 10")
        .execute(world.owner_db.pool())
        .await?;
    tell(&world.owner_db, subject, 11).await?;
    world.wait_published(11).await?;
    assert_eq!(length(&mut world, subject).await?, 11);
    world.host.shut_down().await;
    Ok(())
}
