//! A timer fires once, in the transaction of what it causes; one that fails is kept.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chrono::{TimeDelta, Utc};
use relight_common::{
    Clock, Code, Coded, Db, Work,
    timer::{self, Asking, Handler, Timer, fire_due},
};
use relight_testkit::wait_until;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::world::{applied, owner};

#[derive(Debug, thiserror::Error)]
#[error("the handler fails")]
struct Fails;

impl Coded for Fails {
    fn code(&self) -> Code {
        Code::Internal
    }
}

/// Notes each firing; fails while told to.
#[derive(Default)]
struct Rings {
    fail: AtomicBool,
}

impl Handler for Rings {
    type Error = Fails;

    async fn fire(&self, work: &mut Work, timer: &Timer) -> Result<(), Fails> {
        let key = format!("{}:{}:{}", timer.kind, timer.subject, timer.version);
        sqlx::query("insert into effect (event_id, subject, version) values ($1, $2, $3)")
            .bind(key)
            .bind(timer.subject.to_string())
            .bind(timer.version)
            .execute(work.conn())
            .await
            .map_err(|_| Fails)?;
        assert_ne!(timer.kind, "bug", "a handler with a bug");
        if self.fail.load(Ordering::SeqCst) {
            Err(Fails)
        } else {
            Ok(())
        }
    }
}

async fn set(db: &Db, subject: Uuid, in_s: i64) -> anyhow::Result<()> {
    set_kind(db, "arrival.watch", subject, in_s).await
}

async fn set_kind(db: &Db, kind: &str, subject: Uuid, in_s: i64) -> anyhow::Result<()> {
    let mut work = Work::internal(db, "test", Utc::now()).await?;
    work.set_timer(kind, subject, Utc::now() + TimeDelta::seconds(in_s), 1)
        .await?;
    work.done().await?;
    Ok(())
}

#[tokio::test]
async fn due_timers_fire_once_with_several_processes_looking() -> anyhow::Result<()> {
    let db = owner().await?;
    for _ in 0..40 {
        set(&db, Uuid::now_v7(), -1).await?;
    }
    set(&db, Uuid::now_v7(), 600).await?;
    let mut lookers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let db = Db::clone(&db);
        lookers.spawn(async move { fire_due(&db, Utc::now(), &Rings::default()).await });
    }
    let mut fired = 0;
    while let Some(count) = lookers.join_next().await {
        fired += count??;
    }
    assert_eq!((fired, applied(&db).await?), (40, 40));
    let left: i64 = sqlx::query_scalar("select count(*) from timer")
        .fetch_one(db.pool())
        .await?;
    assert_eq!(left, 1, "the one that is not due waits");
    Ok(())
}

#[tokio::test]
async fn a_timer_that_fails_leaves_nothing_and_is_tried_again_later() -> anyhow::Result<()> {
    let db = owner().await?;
    set(&db, Uuid::now_v7(), -1).await?;
    let rings = Rings::default();
    rings.fail.store(true, Ordering::SeqCst);
    let now = Utc::now();
    fire_due(&db, now, &rings).await?;
    assert_eq!(applied(&db).await?, 0);
    let reason: String = sqlx::query_scalar("select last_error from timer")
        .fetch_one(db.pool())
        .await?;
    assert_eq!(reason, "the handler fails");
    rings.fail.store(false, Ordering::SeqCst);
    fire_due(&db, now, &rings).await?;
    assert_eq!(applied(&db).await?, 0, "put off");
    fire_due(&db, now + TimeDelta::seconds(2), &rings).await?;
    assert_eq!(applied(&db).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_timer_set_again_moves_and_a_cleared_one_is_gone() -> anyhow::Result<()> {
    let db = owner().await?;
    let (moved, cleared) = (Uuid::now_v7(), Uuid::now_v7());
    set(&db, moved, -1).await?;
    set(&db, moved, 600).await?;
    set(&db, cleared, -1).await?;
    let mut work = Work::internal(&db, "test", Utc::now()).await?;
    work.clear_timer("arrival.watch", cleared).await?;
    work.done().await?;
    assert_eq!(fire_due(&db, Utc::now(), &Rings::default()).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_handler_that_panics_keeps_no_other_timer_from_firing() -> anyhow::Result<()> {
    let db = owner().await?;
    set_kind(&db, "bug", Uuid::now_v7(), -60).await?;
    set(&db, Uuid::now_v7(), -1).await?;
    let stop = CancellationToken::new();
    let firing = tokio::spawn(timer::run(
        Db::clone(&db),
        Clock::System,
        Arc::new(Rings::default()),
        stop.clone(),
    ));
    wait_until("the other timer fired", async || Ok(applied(&db).await? == 1)).await?;
    stop.cancel();
    firing.await?;
    let reason: String = sqlx::query_scalar("select last_error from timer where kind = 'bug'")
        .fetch_one(db.pool())
        .await?;
    assert_eq!(reason, "the handler panicked");
    Ok(())
}

/// Is told to stop by the first timer it fires.
struct Stops(CancellationToken);

impl Handler for Stops {
    type Error = Fails;

    async fn fire(&self, _work: &mut Work, _timer: &Timer) -> Result<(), Fails> {
        self.0.cancel();
        Ok(())
    }
}

#[tokio::test]
async fn a_long_row_of_due_timers_does_not_hold_up_the_stop() -> anyhow::Result<()> {
    let db = owner().await?;
    for _ in 0..5 {
        set(&db, Uuid::now_v7(), -1).await?;
    }
    let stop = CancellationToken::new();
    timer::run(Db::clone(&db), Clock::System, Arc::new(Stops(stop.clone())), stop).await;
    let left: i64 = sqlx::query_scalar("select count(*) from timer")
        .fetch_one(db.pool())
        .await?;
    assert_eq!(left, 4);
    Ok(())
}

/// Asks before it fires; while it asks, the subject may be set again.
struct Asks {
    set_again: bool,
}

impl Asking for Asks {
    type Error = Fails;
    type Known = usize;

    fn asks(&self, kind: &str) -> bool {
        kind == "arrival.watch"
    }

    /// The timer and nothing else is there again while others are asked: no transaction holds it.
    async fn ask(&self, db: &Db, timer: &Timer) -> usize {
        if self.set_again {
            set(db, timer.subject, 600).await.expect("set");
        }
        let free = sqlx::query("select from timer where subject = $1 for update nowait").bind(timer.subject);
        free.fetch_all(db.pool()).await.map_or(0, |rows| rows.len())
    }

    async fn fire_with(&self, work: &mut Work, timer: &Timer, known: Option<usize>) -> Result<(), Fails> {
        let expected = (timer.kind == "arrival.watch").then_some(1);
        assert_eq!(known, expected, "asked, with nothing locked");
        Rings::default().fire(work, timer).await
    }
}

#[tokio::test]
async fn a_timer_that_asks_others_holds_nothing_meanwhile_and_fires_once() -> anyhow::Result<()> {
    let db = owner().await?;
    set(&db, Uuid::now_v7(), -1).await?;
    set_kind(&db, "offer.end", Uuid::now_v7(), -1).await?;
    let asks = Asks { set_again: false };
    assert_eq!(fire_due(&db, Utc::now(), &asks).await?, 2);
    assert_eq!(applied(&db).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_timer_that_was_set_again_while_others_were_asked_does_not_fire() -> anyhow::Result<()> {
    let db = owner().await?;
    set(&db, Uuid::now_v7(), -1).await?;
    fire_due(&db, Utc::now(), &Asks { set_again: true }).await?;
    assert_eq!(applied(&db).await?, 0);
    let left: i64 = sqlx::query_scalar("select count(*) from timer")
        .fetch_one(db.pool())
        .await?;
    assert_eq!(left, 1, "it waits for its new moment");
    Ok(())
}
