//! Logging in, being somebody, logging out.

use relight_access::Account;
use relight_common::{Role, reconcile::Reconciler};
use relight_proto::access::v1::{LogOutRequest, access_server::Access};
use tonic::{Code, Request};

use crate::given::{PASSWORD, account, t0, world};

#[tokio::test]
async fn a_person_logs_in_is_known_and_logs_out() -> anyhow::Result<()> {
    let world = world().await?;
    world.seed(account("mei", Role::Dispatcher, "demo/city")).await?;
    let session = world.log_in(" MEI ", PASSWORD).await?;
    let person = world.check(&session.token).await?;
    assert_eq!(Some(&person), session.person.as_ref());
    assert_eq!(
        (person.grants[0].role.as_str(), person.grants[0].org_path.as_str()),
        ("dispatcher", "demo/city")
    );
    assert!(person.customer_id.is_empty());
    for _ in 0..2 {
        world
            .api
            .log_out(Request::new(LogOutRequest {
                token: session.token.clone(),
            }))
            .await?;
        assert_eq!(
            world.check(&session.token).await.unwrap_err().code(),
            Code::Unauthenticated
        );
    }
    Ok(())
}

#[tokio::test]
async fn neither_token_nor_password_is_in_the_database() -> anyhow::Result<()> {
    let world = world().await?;
    world.seed(account("mei", Role::Dispatcher, "")).await?;
    let token = world.log_in("mei", PASSWORD).await?.token;
    let everything: Vec<String> = sqlx::query_scalar(
        "select s::text from session s union all select p::text from person p union all select a::text from audit a
         union all select l::text from log_in_attempt l union all select c::text from command_seen c",
    )
    .fetch_all(world.db.pool())
    .await?;
    assert!(everything.len() >= 3);
    assert!(
        everything
            .iter()
            .all(|row| !row.contains(&token) && !row.contains(PASSWORD))
    );
    Ok(())
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same() -> anyhow::Result<()> {
    let world = world().await?;
    world.seed(account("mei", Role::Dispatcher, "")).await?;
    world
        .seed(Account {
            disabled: true,
            ..account("gone", Role::Dispatcher, "")
        })
        .await?;
    for (login, password) in [
        ("mei", "wrong password"),
        ("nobody", PASSWORD),
        ("gone", PASSWORD),
        ("a b", PASSWORD),
        ("", ""),
    ] {
        let refused = world.log_in(login, password).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{login}");
        assert_eq!(refused.message(), "the log-in name or the password is wrong");
    }
    Ok(())
}

#[tokio::test]
async fn the_sixth_attempt_has_to_wait_and_is_told_until_when() -> anyhow::Result<()> {
    let world = world().await?;
    world.seed(account("mei", Role::Dispatcher, "")).await?;
    world.seed(account("lin", Role::Dispatcher, "")).await?;
    for _ in 0..5 {
        assert_eq!(
            world.log_in("mei", "wrong").await.unwrap_err().code(),
            Code::Unauthenticated
        );
        world.pass(1);
    }
    let refused = world.log_in("Mei", PASSWORD).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let until = (t0() + chrono::TimeDelta::minutes(15))
        .format("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    assert!(refused.message().contains(&until), "{}", refused.message());
    world.log_in("lin", PASSWORD).await?;
    world.pass(10);
    world.log_in("mei", PASSWORD).await?;
    for _ in 0..4 {
        assert_eq!(
            world.log_in("mei", "wrong").await.unwrap_err().code(),
            Code::Unauthenticated
        );
    }
    world.log_in("mei", PASSWORD).await?;
    Ok(())
}

#[tokio::test]
async fn many_guesses_at_once_do_not_get_past_the_limit() -> anyhow::Result<()> {
    let world = std::sync::Arc::new(world().await?);
    world.seed(account("mei", Role::Dispatcher, "")).await?;
    let guesses: Vec<_> = (0..12)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { world.log_in("mei", "wrong").await.unwrap_err().code() })
        })
        .collect();
    let mut looked_at = 0;
    for guess in guesses {
        looked_at += usize::from(guess.await? != Code::ResourceExhausted);
    }
    assert_eq!(looked_at, 5);
    Ok(())
}

#[tokio::test]
async fn sessions_of_a_desk_end_unused_or_after_a_shift_and_a_phone_only_after_a_shift() -> anyhow::Result<()>
{
    let world = world().await?;
    world.seed(account("desk", Role::Dispatcher, "")).await?;
    world.seed(account("phone", Role::Crew, "")).await?;
    let (desk, phone) = (
        world.log_in("desk", PASSWORD).await?.token,
        world.log_in("phone", PASSWORD).await?.token,
    );
    for _ in 0..2 {
        world.pass(29);
        world.check(&desk).await?;
    }
    world.pass(30);
    assert!(world.check(&desk).await.is_err(), "unused for 30 minutes");
    let used = world.log_in("desk", PASSWORD).await?.token;
    // From minute 88 to minute 704, never 30 minutes unused.
    for _ in 0..28 {
        world.pass(22);
        world.check(&used).await?;
    }
    world.check(&phone).await?;
    world.pass(16);
    assert!(world.check(&phone).await.is_err(), "12 hours are over");
    for _ in 0..4 {
        world.check(&used).await?;
        world.pass(22);
    }
    assert!(
        world.check(&used).await.is_err(),
        "12 hours are over although it is used"
    );
    relight_access::Upkeep.pass(&world.db, world.clock.now()).await?;
    let left: i64 = sqlx::query_scalar("select count(*) from session where expires_at < $1")
        .bind(world.clock.now())
        .fetch_one(world.db.pool())
        .await?;
    assert_eq!(left, 0);
    Ok(())
}

#[tokio::test]
async fn tokens_nobody_gave_out_are_refused() -> anyhow::Result<()> {
    let world = world().await?;
    for token in ["", "nonsense", &"x".repeat(100_000), "令牌"] {
        assert_eq!(
            world.check(token).await.unwrap_err().code(),
            Code::Unauthenticated
        );
    }
    Ok(())
}
