//! A command is one transaction, and the same command sent again gets the same answer.

use std::sync::Arc;

use chrono::Utc;
use futures_util::FutureExt;
use relight_common::{Begun, Code, Coded, Db, Work, command::Meta};
use relight_proto::events::v1::GridVersioned;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::world::{meta, owner, payload};

/// Appends to `effect` and answers with how many rows there were.
async fn count_up(db: &Db, id: &str, body: &str) -> Result<String, relight_common::Error> {
    let meta = meta(id, body).expect("a good id");
    let mut work = match Work::begin::<GridVersioned>(db, meta).await? {
        Begun::Before(reply) => return Ok(reply.grid_version),
        Begun::New(work) => work,
    };
    let n: i64 =
        sqlx::query_scalar("insert into effect (event_id, subject, version) values ($1, 's', 1) returning n")
            .bind(Uuid::now_v7().to_string())
            .fetch_one(work.conn())
            .await
            .map_err(relight_common::Error::db("count up"))?;
    work.tell("grid.versioned", Uuid::now_v7(), 1, "demo", &payload(body));
    work.audit("counted", "s", serde_json::json!({ "n": n }));
    Ok(work.commit(payload(&n.to_string())).await?.grid_version)
}

async fn rows(db: &Db, table: &str) -> anyhow::Result<i64> {
    Ok(
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(db.pool())
            .await?,
    )
}

#[tokio::test]
async fn the_same_command_three_times_gets_the_same_reply_and_acts_once() -> anyhow::Result<()> {
    let db = owner().await?;
    let id = Uuid::now_v7().to_string();
    let first = count_up(&db, &id, "body").await?;
    assert_eq!(count_up(&db, &id, "body").await?, first);
    assert_eq!(count_up(&db, &id, "body").await?, first);
    assert_eq!(
        (
            rows(&db, "effect").await?,
            rows(&db, "outbox").await?,
            rows(&db, "audit").await?
        ),
        (1, 1, 1)
    );
    Ok(())
}

#[tokio::test]
async fn the_same_id_with_another_body_is_refused_and_does_nothing() -> anyhow::Result<()> {
    let db = owner().await?;
    let id = Uuid::now_v7().to_string();
    count_up(&db, &id, "body").await?;
    let refused = count_up(&db, &id, "another body").await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.field()),
        (Code::InvalidArgument, Some("command_id"))
    );
    assert_eq!(rows(&db, "effect").await?, 1);
    Ok(())
}

#[tokio::test]
async fn one_command_sent_by_many_at_once_acts_once_and_all_get_its_reply() -> anyhow::Result<()> {
    let db = owner().await?;
    let id = Uuid::now_v7().to_string();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (db, id) = (Db::clone(&db), id.clone());
        senders.spawn(async move { count_up(&db, &id, "body").await });
    }
    let mut replies = Vec::new();
    while let Some(reply) = senders.join_next().await {
        replies.push(reply??);
    }
    replies.dedup();
    assert_eq!(replies.len(), 1, "everybody got the same reply");
    assert_eq!((rows(&db, "effect").await?, rows(&db, "outbox").await?), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_command_that_fails_leaves_nothing_and_is_not_remembered() -> anyhow::Result<()> {
    let db = owner().await?;
    let id = Uuid::now_v7().to_string();
    let meta = meta(&id, "body")?;
    let Begun::New(mut work) = Work::begin::<GridVersioned>(&db, meta).await? else {
        anyhow::bail!("never seen")
    };
    work.tell("grid.versioned", Uuid::now_v7(), 1, "demo", &payload("x"));
    work.set_timer("late", Uuid::now_v7(), Utc::now(), 1).await?;
    work.flush().await?;
    drop(work);
    assert_eq!(
        (
            rows(&db, "outbox").await?,
            rows(&db, "timer").await?,
            rows(&db, "command_seen").await?
        ),
        (0, 0, 0)
    );
    assert_eq!(
        count_up(&db, &id, "another body, since the first was never done").await?,
        "1"
    );
    Ok(())
}

/// Takes the one thing there is; refuses when it is taken.
async fn take_it(db: &Db, id: &str) -> Result<String, relight_common::Error> {
    let meta = meta(id, "body").expect("a good id");
    let mut work = match Work::begin::<GridVersioned>(db, meta).await? {
        Begun::Before(reply) => return Ok(reply.grid_version),
        Begun::New(work) => work,
    };
    sqlx::query("insert into effect (event_id, subject, version) values ('it', 's', 1)")
        .execute(work.conn())
        .await
        .map_err(relight_common::Error::db("take it"))?;
    Ok(work.commit(payload("taken")).await?.grid_version)
}

/// The sender's second request came while the first was at work: it gets the reply, not a refusal for what the first did.
#[tokio::test]
async fn a_repeat_that_overlaps_the_first_is_not_refused_for_what_the_first_did() -> anyhow::Result<()> {
    let db = owner().await?;
    let id = Uuid::now_v7().to_string();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (db, id) = (Db::clone(&db), id.clone());
        senders.spawn(async move { take_it(&db, &id).await });
    }
    while let Some(reply) = senders.join_next().await {
        assert_eq!(reply??, "taken");
    }
    let another = Uuid::now_v7().to_string();
    assert!(
        take_it(&db, &another).await.is_err(),
        "another command is refused"
    );
    Ok(())
}

/// One statement takes 65,535 values; a command may tell more than that.
#[tokio::test]
async fn a_command_may_tell_and_audit_thousands_of_things() -> anyhow::Result<()> {
    let db = owner().await?;
    let mut work = Work::internal(&db, "test", Utc::now()).await?;
    for n in 0..12_000 {
        work.tell("grid.versioned", Uuid::now_v7(), 1, "demo", &payload("x"));
        work.audit("counted", n, serde_json::json!({}));
    }
    work.done().await?;
    assert_eq!(
        (rows(&db, "outbox").await?, rows(&db, "audit").await?),
        (12_000, 12_000)
    );
    Ok(())
}

/// Counts up for every command that is new, all in one transaction.
async fn count_up_all(db: &Db, metas: &[&Meta]) -> Result<Vec<Result<String, Code>>, relight_common::Error> {
    let (mut work, found) = Work::begin_all::<GridVersioned>(db, metas).await?;
    let (mut answers, mut done) = (Vec::new(), Vec::new());
    for (meta, found) in metas.iter().zip(found) {
        answers.push(match found {
            Ok(Some(reply)) => Ok(reply.grid_version),
            Err(error) => Err(error.code()),
            Ok(None) => {
                work.on_behalf(meta);
                work.tell("grid.versioned", Uuid::now_v7(), 1, "demo", &payload("x"));
                work.audit("counted", "s", serde_json::json!({}));
                done.push((*meta, payload(&meta.id.to_string())));
                Ok(meta.id.to_string())
            }
        });
    }
    let replies: Vec<_> = done.iter().map(|(meta, reply)| (*meta, reply)).collect();
    work.commit_all(&replies).await?;
    Ok(answers)
}

#[tokio::test]
async fn commands_in_one_transaction_are_each_remembered_and_told_with_their_own_cause() -> anyhow::Result<()>
{
    let db = owner().await?;
    let ids: Vec<String> = (0..5).map(|_| Uuid::now_v7().to_string()).collect();
    let first = count_up(&db, &ids[0], "body").await?;
    let mut metas = Vec::new();
    for id in &ids {
        metas.push(meta(id, "body")?);
    }
    let reused = meta(&ids[0], "another body")?;
    let asked = [&metas[1], &reused, &metas[2], &metas[3]];
    let answers = count_up_all(&db, &asked).await?;
    let new = |at: usize| Ok(ids[at].clone());
    assert_eq!(answers, [new(1), Err(Code::InvalidArgument), new(2), new(3)]);
    let again = count_up_all(&db, &[&metas[3], &metas[0], &metas[4]]).await?;
    assert_eq!(again, [new(3), Ok(first), new(4)]);
    let causes: Vec<String> = sqlx::query_scalar("select cause from outbox order by cause")
        .fetch_all(db.pool())
        .await?;
    let mut wanted = ids.clone();
    wanted.sort_unstable();
    assert_eq!((causes, rows(&db, "audit").await?), (wanted, 5));
    Ok(())
}

#[tokio::test]
async fn many_transactions_of_the_same_commands_do_each_once_and_none_waits_for_ever() -> anyhow::Result<()> {
    let db = owner().await?;
    let mut metas = Vec::new();
    for _ in 0..6 {
        metas.push(meta(&Uuid::now_v7().to_string(), "body")?);
    }
    let mut senders = tokio::task::JoinSet::new();
    for n in 0..6 {
        let (db, mut metas) = (Db::clone(&db), metas.clone());
        metas.rotate_left(n);
        senders.spawn(async move { count_up_all(&db, &metas.iter().collect::<Vec<_>>()).await });
    }
    while let Some(answers) = senders.join_next().await {
        assert!(answers??.iter().all(Result::is_ok));
    }
    assert_eq!(
        (rows(&db, "outbox").await?, rows(&db, "command_seen").await?),
        (6, 6)
    );
    Ok(())
}

/// Whoever looks when the bell rings finds what was written; what is given up rings for nobody.
#[tokio::test]
async fn a_bell_rings_after_the_commit() -> anyhow::Result<()> {
    let (db, bell) = (owner().await?, Arc::<Notify>::default());
    let mut given_up = Work::internal(&db, "test", Utc::now()).await?;
    given_up.ring_after_commit(&bell);
    drop(given_up);
    let mut work = Work::internal(&db, "test", Utc::now()).await?;
    work.ring_after_commit(&bell);
    assert_eq!(bell.notified().now_or_never(), None);
    work.done().await?;
    assert_eq!(bell.notified().now_or_never(), Some(()));
    Ok(())
}

#[tokio::test]
async fn commands_taken_to_be_new_are_all_refused_when_one_was_not() -> anyhow::Result<()> {
    let db = owner().await?;
    let ids: Vec<String> = (0..3).map(|_| Uuid::now_v7().to_string()).collect();
    count_up(&db, &ids[1], "body").await?;
    let as_new = |ids: Vec<String>| {
        let db = db.clone();
        async move {
            let mut work = Work::begin_new(&db).await?;
            let metas = ids
                .iter()
                .map(|id| meta(id, "body"))
                .collect::<Result<Vec<_>, _>>()?;
            let replies: Vec<_> = ids.iter().map(|id| payload(id)).collect();
            for meta in &metas {
                work.on_behalf(meta);
                work.tell("grid.versioned", Uuid::now_v7(), 1, "demo", &payload("x"));
            }
            let done: Vec<_> = metas.iter().zip(&replies).collect();
            anyhow::Ok(work.commit_all(&done).await.map_err(|error| error.code()))
        }
    };
    assert_eq!(as_new(ids.clone()).await?, Err(Code::Unavailable));
    assert_eq!(
        (rows(&db, "outbox").await?, rows(&db, "command_seen").await?),
        (1, 1)
    );
    assert_eq!(as_new(vec![ids[0].clone(), ids[2].clone()]).await?, Ok(()));
    assert_eq!(
        (rows(&db, "outbox").await?, rows(&db, "command_seen").await?),
        (3, 3)
    );
    Ok(())
}
