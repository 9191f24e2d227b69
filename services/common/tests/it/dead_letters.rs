//! Parked events come back in order, once each, and a retry harms nobody else.

use std::sync::Arc;

use relight_common::{
    Db, Work, dead_letter,
    reader::{Consumer, Outcome, apply_batch},
};
use relight_proto::events::v1::Event;
use relight_testkit::wait_until;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::world::{Notes, NotesError, TELLS, World, applied, event};

/// A consumer of a release with a bug: parks everything.
pub struct Parks;

impl Consumer for Parks {
    type Prepared = ();
    type Error = NotesError;

    async fn prepare(&self, _event: &Event) -> Result<(), NotesError> {
        Err(NotesError::Poison)
    }

    async fn apply(&self, _work: &mut Work, _event: &Event, (): ()) -> Result<Outcome, NotesError> {
        Err(NotesError::Poison)
    }
}

async fn parked(db: &Db, events: Vec<Event>) -> anyhow::Result<()> {
    apply_batch(db, "intake", 0, events, &Parks, &CancellationToken::new()).await?;
    Ok(())
}

async fn ask(db: &Db, subject: Uuid) -> anyhow::Result<u64> {
    Ok(dead_letter::ask_retry(db.pool(), None, Some(&subject.to_string())).await?)
}

async fn effects(db: &Db) -> anyhow::Result<Vec<(String, i64)>> {
    Ok(sqlx::query_as("select subject, version from effect order by n")
        .fetch_all(db.pool())
        .await?)
}

/// One start of a reader (which looks at once for what shall be retried), until `holds`.
async fn reader_until<C: Consumer>(
    world: &World,
    consumer: Arc<C>,
    what: &str,
    holds: impl AsyncFnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let reader = world.read(world.host.peers.events_of("intake"), consumer, &stop);
    wait_until(what, holds).await?;
    stop.cancel();
    reader.await?;
    Ok(())
}

#[tokio::test]
async fn an_event_that_fails_again_is_never_overtaken_by_those_behind_it() -> anyhow::Result<()> {
    let world = World::build().await?;
    let db = &world.reader_db;
    let (sick, well) = (Uuid::now_v7(), Uuid::now_v7());
    parked(
        db,
        vec![
            event(1, sick, 1, TELLS, "poison"),
            event(2, sick, 2, TELLS, "fine"),
            event(3, well, 1, TELLS, "fine"),
        ],
    )
    .await?;
    assert_eq!(ask(db, sick).await?, 2);
    let notes = Arc::new(Notes::default());
    reader_until(&world, notes.clone(), "the first failed again", async || {
        Ok(
            sqlx::query_scalar("select not retry from dead_letter where seq = 1")
                .fetch_one(db.pool())
                .await?,
        )
    })
    .await?;
    ask(db, well).await?;
    reader_until(&world, notes, "the other aggregate is applied", async || {
        Ok(applied(db).await? > 0)
    })
    .await?;
    assert_eq!(effects(db).await?, [(well.to_string(), 1)]);
    Ok(())
}

#[tokio::test]
async fn events_parked_after_the_operator_asked_follow_by_themselves() -> anyhow::Result<()> {
    let world = World::build().await?;
    let (db, subject) = (&world.reader_db, Uuid::now_v7());
    parked(db, vec![event(1, subject, 1, TELLS, "fine")]).await?;
    assert_eq!(ask(db, subject).await?, 1);
    parked(
        db,
        vec![
            event(2, subject, 2, TELLS, "fine"),
            event(3, subject, 3, TELLS, "fine"),
        ],
    )
    .await?;
    reader_until(
        &world,
        Arc::new(Notes::default()),
        "all three are applied",
        async || Ok(applied(db).await? == 3),
    )
    .await?;
    let versions: Vec<i64> = effects(db)
        .await?
        .into_iter()
        .map(|(_, version)| version)
        .collect();
    assert_eq!(versions, [1, 2, 3]);
    Ok(())
}

#[tokio::test]
async fn a_retry_that_panics_ends_neither_the_reader_nor_the_other_retries() -> anyhow::Result<()> {
    let world = World::build().await?;
    let db = &world.reader_db;
    let (bug, well) = (Uuid::now_v7(), Uuid::now_v7());
    parked(
        db,
        vec![event(1, bug, 1, TELLS, "panic"), event(2, well, 1, TELLS, "fine")],
    )
    .await?;
    ask(db, bug).await?;
    ask(db, well).await?;
    reader_until(
        &world,
        Arc::new(Notes::default()),
        "the other is applied",
        async || Ok(applied(db).await? == 1),
    )
    .await?;
    let left = dead_letter::open(db.pool(), None, None).await?;
    assert_eq!(left.len(), 1);
    assert!(left[0].reason.contains("panicked"), "{}", left[0].reason);
    Ok(())
}

/// Waits in `prepare` until told to go on; each application leaves a row of its own.
#[derive(Default)]
struct Slow {
    inside: Notify,
    go_on: Notify,
}

impl Consumer for Slow {
    type Prepared = ();
    type Error = NotesError;

    async fn prepare(&self, _event: &Event) -> Result<(), NotesError> {
        self.inside.notify_one();
        self.go_on.notified().await;
        Ok(())
    }

    async fn apply(&self, work: &mut Work, event: &Event, (): ()) -> Result<Outcome, NotesError> {
        sqlx::query("insert into effect (event_id, subject, version) values ($1, $2, 1)")
            .bind(Uuid::now_v7().to_string())
            .bind(&event.subject)
            .execute(work.conn())
            .await
            .map_err(relight_common::Error::db("note an event"))?;
        Ok(Outcome::Applied)
    }
}

/// The first reader lost its lease while it was asking others; the second retried the event meanwhile.
#[tokio::test]
async fn two_readers_retrying_one_event_apply_it_once() -> anyhow::Result<()> {
    let world = World::build().await?;
    let (db, subject, stop) = (&world.reader_db, Uuid::now_v7(), CancellationToken::new());
    parked(db, vec![event(1, subject, 1, TELLS, "fine")]).await?;
    ask(db, subject).await?;
    let owner = || world.host.peers.events_of("intake");
    let (slow, quick) = (Arc::new(Slow::default()), Arc::new(Slow::default()));
    let first = world.read(owner(), slow.clone(), &stop);
    slow.inside.notified().await;
    sqlx::query("update lease set until = now() - interval '1 second'")
        .execute(db.pool())
        .await?;
    let second = world.read(owner(), quick.clone(), &stop);
    quick.go_on.notify_one();
    wait_until("the second applied it", async || Ok(applied(db).await? == 1)).await?;
    slow.go_on.notify_one();
    stop.cancel();
    first.await?;
    second.await?;
    assert_eq!(applied(db).await?, 1);
    Ok(())
}
