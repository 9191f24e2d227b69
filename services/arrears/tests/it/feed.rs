//! Lines of billing: each once, in any order, unknown accounts told by line; a payment ends a case in its own transaction.

use relight_common::Code;
use relight_proto::arrears::v1::{self as w, arrears_server::Arrears};

use crate::given::{DEBT, asked, balance, billing, li, payment, room};

fn outcomes(results: &[w::FeedResult]) -> Vec<(&str, i64)> {
    results
        .iter()
        .map(|r| (r.outcome.as_str(), r.balance_cents))
        .collect()
}

#[tokio::test]
async fn lines_in_any_order_lead_to_the_same_balance() -> anyhow::Result<()> {
    let lines = [
        balance("b1", "1001", 50_000, "07-01 00:00"),
        payment("p1", "1001", 20_000, "07-01 01:00"),
        balance("b2", "1001", 35_000, "07-01 00:30"),
        payment("p2", "1001", 1_000, "06-30 12:00"),
    ];
    // b2 is the newest balance; only p1 came after it.
    for order in [
        [0, 1, 2, 3],
        [3, 2, 1, 0],
        [1, 0, 3, 2],
        [2, 3, 0, 1],
        [1, 2, 0, 3],
    ] {
        let room = room().await?;
        for index in order {
            room.feed(vec![lines[index].clone()]).await?;
        }
        let told = room.feed(vec![lines[0].clone()]).await?;
        assert_eq!(outcomes(&told), [("repeated", 15_000)], "{order:?}");
        room.db.pool().close().await;
    }
    Ok(())
}

/// Billing knows seconds: whoever paid in the second of a balance has paid, until the next balance says otherwise.
#[tokio::test]
async fn a_payment_in_the_second_of_a_balance_counts() -> anyhow::Result<()> {
    for order in [[0, 1], [1, 0]] {
        let room = room().await?;
        let lines = [
            balance("b1", "1001", DEBT, "07-01 00:00"),
            payment("p1", "1001", DEBT, "07-01 00:00"),
        ];
        for index in order {
            room.feed(vec![lines[index].clone()]).await?;
        }
        let told = room.feed(vec![lines[0].clone()]).await?;
        assert_eq!(outcomes(&told), [("repeated", 0)], "{order:?}");
        let told = room
            .feed(vec![balance("b2", "1001", DEBT, "07-01 00:30")])
            .await?;
        assert_eq!(outcomes(&told), [("taken", DEBT)]);
    }
    Ok(())
}

#[tokio::test]
async fn a_line_counts_once_and_a_wrong_one_is_told_by_line() -> anyhow::Result<()> {
    let room = room().await?;
    let first = balance("b1", "1001", DEBT, "07-01 00:00");
    let mut other = first.clone();
    if let Some(w::feed_line::What::Balance(balance)) = &mut other.what {
        balance.balance_cents = 1;
    }
    let no_day = w::FeedLine {
        what: Some(w::feed_line::What::Balance(w::Balance {
            balance_cents: 5,
            as_of: Some(relight_common::wire::timestamp(crate::given::local(
                "07-01 00:00",
            ))),
            ..w::Balance::default()
        })),
        ..balance("b9", "1001", 5, "07-01 00:00")
    };
    let told = room
        .feed(vec![
            first.clone(),
            first.clone(),
            other,
            balance("b2", "1001", 1, "06-30 00:00"),
            payment("p1", "9999", 5, "07-01 01:00"),
            payment("p2", "1001", 0, "07-01 01:00"),
            balance("b3", "1001", 0, "07-01 03:00"),
            no_day,
        ])
        .await?;
    let words: Vec<&str> = told.iter().map(|r| r.outcome.as_str()).collect();
    assert_eq!(
        words,
        [
            "taken", "repeated", "refused", "older", "kept", "refused", "refused", "refused"
        ]
    );
    assert_eq!(
        (told[0].balance_cents, told[0].case_state.as_str()),
        (DEBT, "overdue")
    );
    let reasons: Vec<&str> = told.iter().map(|r| r.reason.as_str()).collect();
    assert!(
        reasons[4].contains("not known") && reasons[5].contains("amount_cents"),
        "{reasons:?}"
    );
    assert!(
        reasons[6].contains("future") && reasons[7].contains("due_on"),
        "{reasons:?}"
    );
    Ok(())
}

#[tokio::test]
async fn the_same_feed_twice_gets_the_same_answer_and_another_body_none() -> anyhow::Result<()> {
    let room = room().await?;
    let mut ask = w::FeedRequest {
        command_id: uuid::Uuid::now_v7().to_string(),
        source: "billing".to_owned(),
        lines: vec![balance("b1", "1001", DEBT, "07-01 00:00")],
    };
    let first = room.api.feed(asked(ask.clone(), &billing())).await?.into_inner();
    let again = room.api.feed(asked(ask.clone(), &billing())).await?.into_inner();
    assert_eq!(first, again);
    ask.lines.push(payment("p1", "1001", 5, "07-01 01:00"));
    let status = room.api.feed(asked(ask.clone(), &billing())).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    ask.command_id = uuid::Uuid::now_v7().to_string();
    let status = room.api.feed(asked(ask, &li())).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    Ok(())
}

#[tokio::test]
async fn paid_and_overdue_again_is_a_new_case() -> anyhow::Result<()> {
    let room = room().await?;
    let first = room
        .feed(vec![balance("b1", "1001", DEBT, "07-01 00:00")])
        .await?[0]
        .case_id
        .clone();
    let told = room
        .feed(vec![payment("p1", "1001", DEBT, "07-01 01:00")])
        .await?;
    assert_eq!(told[0].case_id, "");
    assert_eq!(room.case(&first).await?.state, "settled_before");
    let told = room
        .feed(vec![balance("b2", "1001", DEBT, "07-01 01:30")])
        .await?;
    assert_ne!(told[0].case_id, first);
    assert_eq!(told[0].case_state, "overdue");
    Ok(())
}

/// A night's feed asks the policy about every case it speaks of, whatever timer that case waits for.
#[tokio::test]
async fn a_balance_that_says_nothing_new_finds_a_debt_old_enough() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("reminded").await?;
    room.later("07-20 02:00");
    let told = room
        .feed(vec![balance("n1", "1001", DEBT, "07-20 01:00")])
        .await?;
    assert_eq!(told[0].case_state, "reminded", "too young");
    room.later("08-05 02:00");
    let told = room
        .feed(vec![balance("n2", "1001", DEBT, "08-05 01:00")])
        .await?;
    assert_eq!(told[0].case_state, "eligible");
    assert_eq!(room.case(&id).await?.state, "eligible");
    Ok(())
}
