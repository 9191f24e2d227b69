//! Every event is applied once and in order, whatever Redis, the sender or the consumer does.

use std::sync::atomic::AtomicU32;

use prost::Message;
use relight_common::{
    Db, Work,
    db::PARTITIONS,
    dead_letter,
    reader::{Consumer, Outcome, apply_batch},
    telemetry,
    work::partition_of,
};
use relight_proto::events::v1::Event;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::dead_letters::Parks;
use crate::world::{Notes, NotesError, TELLS, World, applied, event, owner, tell, tell_as};

async fn versions_of(db: &Db, subject: Uuid) -> anyhow::Result<Vec<i64>> {
    Ok(
        sqlx::query_scalar("select version from effect where subject = $1 order by n")
            .bind(subject.to_string())
            .fetch_all(db.pool())
            .await?,
    )
}

#[tokio::test]
async fn events_arrive_once_and_in_order_while_redis_loses_everything_again_and_again() -> anyhow::Result<()>
{
    let mut world = World::start(Notes::default()).await?;
    let subjects: Vec<Uuid> = (0..10).map(|_| Uuid::now_v7()).collect();
    for version in 1..=20 {
        for subject in &subjects {
            tell(&world.owner_db, *subject, version).await?;
        }
        world.lose_redis().await?;
    }
    world.wait_applied(200).await?;
    for subject in subjects {
        assert_eq!(
            versions_of(&world.reader_db, subject).await?,
            (1..=20).collect::<Vec<_>>()
        );
    }
    world.host.shut_down().await;
    Ok(())
}

/// The streams were lost before the reader started: it asks the owner first.
#[tokio::test]
async fn a_flush_before_the_reader_starts_loses_nothing() -> anyhow::Result<()> {
    let mut world = World::build().await?;
    let owner = world.room("intake").await?;
    owner.keep_house(relight_common::reconcile::Nothing)?;
    for _ in 0..30 {
        tell(&world.owner_db, Uuid::now_v7(), 1).await?;
    }
    world.wait_published(30).await?;
    world.lose_redis().await?;
    world.listen(Notes::default()).await?;
    world.wait_applied(30).await?;
    world.host.shut_down().await;
    Ok(())
}

/// A subject whose events lie in another partition than those of `other`.
fn elsewhere(other: Uuid) -> Uuid {
    std::iter::repeat_with(Uuid::now_v7)
        .find(|subject| partition_of(*subject) != partition_of(other))
        .expect("three of four partitions are others")
}

/// A reader that runs and has everything; then one event is published and lost before it reads (to its eyes the same:
/// published under a name it does not read), and nobody tells anything more. Only the owner's head, asked again while
/// it runs, shows that something is missing. The start's own look at the heads cannot deliver it: that look was over, at
/// least for partitions without events, when the first event was applied.
#[tokio::test]
async fn a_flush_followed_by_silence_loses_nothing() -> anyhow::Result<()> {
    let mut world = World::build().await?;
    let (url, namespace) = (
        world.host.settings.redis.url.clone(),
        world.host.settings.redis.namespace.clone(),
    );
    let first = Uuid::now_v7();
    world.listen(Notes::default()).await?;
    let stop = CancellationToken::new();
    let relay = world.relay(&url, &namespace, &stop)?;
    tell(&world.owner_db, first, 1).await?;
    world.wait_applied(1).await?;
    stop.cancel();
    relay.await?;

    let stop = CancellationToken::new();
    let relay = world.relay(&url, &format!("{namespace}-lost"), &stop)?;
    tell(&world.owner_db, elsewhere(first), 1).await?;
    world.wait_published(2).await?;
    stop.cancel();
    relay.await?;
    world.lose_redis().await?;

    world.wait_applied(2).await?;
    world.host.shut_down().await;
    Ok(())
}

#[tokio::test]
async fn entries_missing_from_the_stream_are_pulled_from_the_owner() -> anyhow::Result<()> {
    let mut world = World::start(Notes::default()).await?;
    let subject = Uuid::now_v7();
    tell(&world.owner_db, subject, 1).await?;
    world.wait_applied(1).await?;
    let key = world.stream(partition_of(subject));
    for version in 2..=40 {
        tell(&world.owner_db, subject, version).await?;
        let _: i64 = redis::cmd("XDEL")
            .arg(&key)
            .arg(format!("{}-0", version / 2))
            .query_async(&mut world.redis)
            .await?;
    }
    world.wait_applied(40).await?;
    assert_eq!(
        versions_of(&world.reader_db, subject).await?,
        (1..=40).collect::<Vec<_>>()
    );
    world.host.shut_down().await;
    Ok(())
}

/// What the stream says is not believed when it is no event, or not the event of its number: the owner's copy is.
#[tokio::test]
async fn a_damaged_entry_is_replaced_by_the_owners_copy() -> anyhow::Result<()> {
    let subject = Uuid::now_v7();
    let another = event(1, subject, 9, TELLS, "fine").encode_to_vec();
    for (id, entry) in [("1-0", b"rubbish".to_vec()), ("3-0", another)] {
        let mut world = World::build().await?;
        let _: String = redis::cmd("XADD")
            .arg(world.stream(partition_of(subject)))
            .arg(id)
            .arg("e")
            .arg(entry)
            .query_async(&mut world.redis)
            .await?;
        world.listen(Notes::default()).await?;
        let owner = world.room("intake").await?;
        owner.keep_house(relight_common::reconcile::Nothing)?;
        tell(&world.owner_db, subject, 1).await?;
        tell(&world.owner_db, subject, 2).await?;
        world.wait_applied(2).await?;
        assert_eq!(versions_of(&world.reader_db, subject).await?, [1, 2], "{id}");
        world.host.shut_down().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_duplicate_and_a_late_event_change_nothing() -> anyhow::Result<()> {
    let db = owner().await?;
    let (subject, stop) = (Uuid::now_v7(), CancellationToken::new());
    let one = event(1, subject, 1, TELLS, "fine");
    let two = event(2, subject, 2, TELLS, "fine");
    let notes = Notes::default();
    assert_eq!(
        apply_batch(&db, "intake", 0, vec![one.clone(), two.clone()], &notes, &stop).await?,
        2
    );
    assert_eq!(
        apply_batch(&db, "intake", 0, vec![one.clone(), two], &notes, &stop).await?,
        2
    );
    assert_eq!(apply_batch(&db, "intake", 0, vec![one], &notes, &stop).await?, 2);
    assert_eq!(versions_of(&db, subject).await?, [1, 2]);
    Ok(())
}

/// Leaves a row of its own at each application, so nothing but the position keeps it from acting twice.
struct Counts;

impl Consumer for Counts {
    type Prepared = ();
    type Error = NotesError;

    async fn prepare(&self, _event: &Event) -> Result<(), NotesError> {
        Ok(())
    }

    async fn apply(&self, work: &mut Work, event: &Event, (): ()) -> Result<Outcome, NotesError> {
        sqlx::query(
            "insert into effect (event_id, subject, version) values (gen_random_uuid()::text, $1, $2)",
        )
        .bind(&event.subject)
        .bind(event.version.cast_signed())
        .execute(work.conn())
        .await
        .map_err(relight_common::Error::db("count an event"))?;
        Ok(Outcome::Applied)
    }
}

#[tokio::test]
async fn two_readers_at_once_apply_each_event_once() -> anyhow::Result<()> {
    let db = owner().await?;
    let subject = Uuid::now_v7();
    let batch: Vec<_> = (1..=60).map(|n| event(n, subject, n, TELLS, "fine")).collect();
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (db, batch) = (Db::clone(&db), batch.clone());
        readers.spawn(async move {
            apply_batch(&db, "intake", 0, batch, &Counts, &CancellationToken::new()).await
        });
    }
    while let Some(reached) = readers.join_next().await {
        assert_eq!(reached??, 60);
    }
    assert_eq!(versions_of(&db, subject).await?, (1..=60).collect::<Vec<_>>());
    Ok(())
}

/// The figure of events of `source` that nobody here knew.
fn unknown(source: &str) -> u64 {
    let name = format!("relight_events_unknown_total{{source=\"{source}\"}} ");
    let figures = telemetry::render_metrics();
    let found = figures.lines().find_map(|line| line.strip_prefix(&name));
    found.and_then(|figure| figure.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn an_event_type_nobody_knows_is_counted_and_skipped() -> anyhow::Result<()> {
    telemetry::start_metrics();
    let before = unknown("intake");
    let db = owner().await?;
    let subject = Uuid::now_v7();
    let batch = vec![
        event(1, subject, 1, "weather.forecast", "fine"),
        event(2, subject, 2, TELLS, "fine"),
    ];
    assert_eq!(
        apply_batch(
            &db,
            "intake",
            0,
            batch,
            &Notes::default(),
            &CancellationToken::new()
        )
        .await?,
        2
    );
    assert_eq!(versions_of(&db, subject).await?, [2]);
    assert_eq!(unknown("intake"), before + 1);
    assert!(dead_letter::open(db.pool(), None, None).await?.is_empty());
    Ok(())
}

/// The poisoned aggregate waits, in order; everybody else goes on; an operator's retry applies it later.
#[tokio::test]
async fn a_poisoned_event_parks_its_aggregate_and_the_others_go_on() -> anyhow::Result<()> {
    let db = owner().await?;
    let (sick, well) = (Uuid::now_v7(), Uuid::now_v7());
    let batch = vec![
        event(1, sick, 1, TELLS, "fine"),
        event(2, sick, 2, TELLS, "poison"),
        event(3, well, 1, TELLS, "fine"),
        event(4, sick, 3, TELLS, "fine"),
        event(5, well, 2, TELLS, "panic"),
        event(6, Uuid::now_v7(), 1, TELLS, "fine"),
    ];
    assert_eq!(
        apply_batch(
            &db,
            "intake",
            0,
            batch,
            &Notes::default(),
            &CancellationToken::new()
        )
        .await?,
        6
    );
    assert_eq!(
        versions_of(&db, sick).await?,
        [1],
        "what failed left nothing behind"
    );
    assert_eq!(versions_of(&db, well).await?, [1]);
    let parked = dead_letter::open(db.pool(), Some("intake"), None).await?;
    assert_eq!(
        parked.iter().map(|letter| letter.seq).collect::<Vec<_>>(),
        [2, 4, 5]
    );
    assert!(
        parked[0].reason.contains("cannot be applied"),
        "{}",
        parked[0].reason
    );
    assert!(parked[1].reason.contains("waits behind"), "{}", parked[1].reason);
    Ok(())
}

#[tokio::test]
async fn a_parked_aggregate_catches_up_when_an_operator_asks_for_it() -> anyhow::Result<()> {
    let world = World::build().await?;
    let subject = Uuid::now_v7();
    let batch = vec![
        event(1, subject, 1, TELLS, "flaky"),
        event(2, subject, 2, TELLS, "fine"),
    ];
    let park = Parks;
    apply_batch(
        &world.reader_db,
        "intake",
        0,
        batch,
        &park,
        &CancellationToken::new(),
    )
    .await?;
    assert_eq!(applied(&world.reader_db).await?, 0);
    assert_eq!(
        dead_letter::ask_retry(world.reader_db.pool(), Some("intake"), None).await?,
        2
    );
    world.listen(Notes::default()).await?;
    world.wait_applied(2).await?;
    assert_eq!(versions_of(&world.reader_db, subject).await?, [1, 2]);
    assert!(
        dead_letter::open(world.reader_db.pool(), None, None)
            .await?
            .is_empty()
    );
    world.host.shut_down().await;
    Ok(())
}

#[tokio::test]
async fn an_event_that_cannot_be_applied_just_now_is_tried_until_it_can() -> anyhow::Result<()> {
    let db = owner().await?;
    let subject = Uuid::now_v7();
    let notes = Notes {
        flaky_left: AtomicU32::new(3),
    };
    let batch = vec![
        event(1, subject, 1, TELLS, "flaky"),
        event(2, subject, 2, TELLS, "fine"),
    ];
    assert_eq!(
        apply_batch(&db, "intake", 0, batch, &notes, &CancellationToken::new()).await?,
        2
    );
    assert_eq!(versions_of(&db, subject).await?, [1, 2]);
    Ok(())
}

/// Postgres cuts every connection while events flow: the reader and the relay come back by themselves.
#[tokio::test]
async fn cut_connections_cost_only_latency() -> anyhow::Result<()> {
    let world = World::start(Notes::default()).await?;
    let subject = Uuid::now_v7();
    let mut told = 0;
    for round in 1..=5 {
        for n in 1..=10 {
            tell_as(&world.owner_db, TELLS, subject, (round - 1) * 10 + n, "fine").await?;
            told += 1;
        }
        sqlx::query(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid() and usename = current_user",
        )
        .execute(world.reader_db.pool())
        .await?;
    }
    world.wait_applied(told).await?;
    assert_eq!(
        versions_of(&world.reader_db, subject).await?,
        (1..=told).collect::<Vec<_>>()
    );
    assert_eq!(PARTITIONS, 4);
    world.host.shut_down().await;
    Ok(())
}
