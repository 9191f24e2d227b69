//! One-time codes: who gets one, how often, what opens a session.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use relight_proto::access::v1::RequestCodeRequest;
use tonic::Code;
use uuid::Uuid;

use crate::given::{ACCOUNT, PHONE, code_for, field, paced, world};

#[tokio::test]
async fn a_customer_asks_for_a_code_gets_it_once_and_logs_in_once() -> anyhow::Result<()> {
    let world = world().await?;
    let code = world.code().await?;
    assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()));
    let session = world.confirm(ACCOUNT, &code).await?;
    let person = world.check(&session.token).await?;
    assert_eq!(person.customer_id, world.others.customer.customer_id.to_string());
    assert_eq!((person.grants[0].role.as_str(), person.language), ("customer", 2));
    assert_eq!(
        world.confirm(ACCOUNT, &code).await.unwrap_err().code(),
        Code::Unauthenticated,
        "used up"
    );
    world.pass(29);
    world.check(&session.token).await?;
    world.pass(1);
    assert!(world.check(&session.token).await.is_err(), "30 minutes are over");
    Ok(())
}

#[tokio::test]
async fn the_answer_is_the_same_whether_account_and_phone_belong_together_or_not() -> anyhow::Result<()> {
    let world = world().await?;
    let known = world.request(code_for(ACCOUNT, PHONE)).await?;
    assert_eq!(known, world.request(code_for(ACCOUNT, "+8613800000000")).await?);
    assert_eq!(known, world.request(code_for("3301-0001", PHONE)).await?);
    world.sender().send_due(world.clock.now()).await?;
    assert_eq!(world.arrived().len(), 1);
    Ok(())
}

#[tokio::test]
async fn no_answer_about_codes_is_faster_than_the_pace() -> anyhow::Result<()> {
    let pace = Duration::from_millis(100);
    let world = paced(pace).await?;
    for account in [ACCOUNT, "3301-0001"] {
        let begun = Instant::now();
        world.request(code_for(account, PHONE)).await?;
        assert!(begun.elapsed() >= pace);
        let begun = Instant::now();
        assert!(world.confirm(account, "abcdef").await.is_err());
        assert!(begun.elapsed() >= pace);
    }
    Ok(())
}

#[tokio::test]
async fn the_same_request_again_sends_nothing_and_another_body_is_refused() -> anyhow::Result<()> {
    let world = world().await?;
    let ask = code_for(ACCOUNT, PHONE);
    let first = world.request(ask.clone()).await?;
    world.pass(1);
    assert_eq!(world.request(ask.clone()).await?, first);
    let other = RequestCodeRequest {
        phone: "+8613800000000".to_owned(),
        ..ask
    };
    let refused = world.request(other).await.unwrap_err();
    assert_eq!(
        (refused.code(), field(&refused)),
        (Code::InvalidArgument, "command_id")
    );
    world.sender().send_due(world.clock.now()).await?;
    assert_eq!(world.arrived().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_code_waits_while_notify_is_away_and_is_one_message_after_a_crash() -> anyhow::Result<()> {
    let world = world().await?;
    world.others.away.store(true, Ordering::Relaxed);
    world.request(code_for(ACCOUNT, PHONE)).await?;
    assert_eq!(world.sender().send_due(world.clock.now()).await?, 0);
    world.others.away.store(false, Ordering::Relaxed);
    world.pass(1);
    assert_eq!(world.sender().send_due(world.clock.now()).await?, 1);
    // As if the process had died between notify's answer and the mark.
    sqlx::query("update code set sent_at = null, try_at = created_at")
        .execute(world.db.pool())
        .await?;
    assert_eq!(world.sender().send_due(world.clock.now()).await?, 1);
    assert_eq!(world.sender().send_due(world.clock.now()).await?, 0);
    let arrived = world.arrived();
    assert_eq!(arrived.len(), 1);
    world.confirm(ACCOUNT, &arrived[0].code).await?;
    Ok(())
}

#[tokio::test]
async fn five_wrong_tries_end_a_code() -> anyhow::Result<()> {
    let world = world().await?;
    let code = world.code().await?;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        assert_eq!(
            world.confirm(ACCOUNT, wrong).await.unwrap_err().code(),
            Code::Unauthenticated
        );
    }
    assert_eq!(
        world.confirm(ACCOUNT, &code).await.unwrap_err().code(),
        Code::Unauthenticated
    );
    let again = world.code().await?;
    for _ in 0..4 {
        let wrong = if again == "000000" { "000001" } else { "000000" };
        assert!(world.confirm(ACCOUNT, wrong).await.is_err());
    }
    world.confirm(ACCOUNT, &again).await?;
    Ok(())
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes_or_when_a_newer_one_is_made() -> anyhow::Result<()> {
    let world = world().await?;
    let late = world.code().await?;
    world.pass(10);
    assert!(world.confirm(ACCOUNT, &late).await.is_err());
    let (first, second) = (world.code().await?, world.code().await?);
    if first != second {
        assert!(world.confirm(ACCOUNT, &first).await.is_err(), "replaced");
    }
    world.confirm(ACCOUNT, &second).await?;
    Ok(())
}

#[tokio::test]
async fn a_fourth_code_within_the_hour_is_not_made_and_not_told() -> anyhow::Result<()> {
    let world = world().await?;
    for _ in 0..3 {
        world.code().await?;
        world.pass(1);
    }
    let usual = world.request(code_for("3301-0001", PHONE)).await?;
    assert_eq!(world.request(code_for(ACCOUNT, PHONE)).await?, usual);
    world.sender().send_due(world.clock.now()).await?;
    assert_eq!(world.arrived().len(), 3);
    world.confirm(ACCOUNT, &world.arrived()[2].code).await?;
    world.pass(58);
    world.code().await?;
    assert_eq!(world.arrived().len(), 4);
    Ok(())
}

#[tokio::test]
async fn no_code_is_in_the_database() -> anyhow::Result<()> {
    let world = world().await?;
    let code = world.code().await?;
    let rows: Vec<String> = sqlx::query_scalar(
        "select concat_ws(' ', account, language, wrong) from code union all select detail::text from audit",
    )
    .fetch_all(world.db.pool())
    .await?;
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| !row.contains(&code)));
    let text: Vec<String> = sqlx::query_scalar(
        "select column_name::text from information_schema.columns where table_schema = 'access' and table_name = 'code'",
    )
    .fetch_all(world.db.pool())
    .await?;
    assert!(
        !text
            .iter()
            .any(|name| name.contains("code") || name.contains("hash"))
    );
    Ok(())
}

#[tokio::test]
async fn wrong_requests_name_the_field() -> anyhow::Result<()> {
    let world = world().await?;
    let good = code_for(ACCOUNT, PHONE);
    let cases = [
        (
            "account",
            RequestCodeRequest {
                account: " ".to_owned(),
                ..good.clone()
            },
        ),
        (
            "account",
            RequestCodeRequest {
                account: "9".repeat(65),
                ..good.clone()
            },
        ),
        (
            "phone",
            RequestCodeRequest {
                phone: String::new(),
                ..good.clone()
            },
        ),
        (
            "phone",
            RequestCodeRequest {
                phone: "1".repeat(33),
                ..good.clone()
            },
        ),
        (
            "language",
            RequestCodeRequest {
                language: 99,
                ..good.clone()
            },
        ),
        (
            "command_id",
            RequestCodeRequest {
                command_id: "42".to_owned(),
                ..good.clone()
            },
        ),
    ];
    for (name, ask) in cases {
        let refused = world.request(ask).await.unwrap_err();
        assert_eq!((refused.code(), field(&refused)), (Code::InvalidArgument, name));
    }
    for code in ["", "12345", "1234567", "12345a", "１２３４５６"] {
        let refused = world.confirm(ACCOUNT, code).await.unwrap_err();
        assert_eq!((refused.code(), field(&refused)), (Code::InvalidArgument, "code"));
    }
    let unknown = world
        .confirm(&Uuid::now_v7().to_string(), "123456")
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::Unauthenticated);
    Ok(())
}
