//! What proves that somebody was told: one customer at a time, but for a notice board, which reaches ordinary customers only.

use relight_common::wire::timestamp;
use relight_planner::{desk::act::Act, domain::event::Event, store::told::Evidence};
use relight_proto::planner::v1::{
    ActRequest, Evidence as WireEvidence, act_request::Action, planner_server::Planner,
};
use uuid::Uuid;

use crate::{
    given::{self, House, customer, min, outage, planner},
    served::from,
};

async fn announced() -> anyhow::Result<House> {
    let house = given::house().await?;
    house.approved().await?;
    house.event(&planner(), Event::Announce).await?;
    house.clock.advance(min(5));
    Ok(house)
}

/// The field and the words of the refusal; empty: it was taken.
async fn sent(house: &House, channel: &str, photo: bool, customers: &[u8]) -> anyhow::Result<String> {
    let ids = |all: &[u8]| all.iter().map(|n| customer(*n).to_string()).collect::<Vec<_>>();
    let evidence = WireEvidence {
        customer_id: ids(&customers[..1]).remove(0),
        channel: channel.to_owned(),
        at: Some(timestamp(house.now())),
        note: "at the gate of the village".to_owned(),
        photo_sha256: if photo { "ab".repeat(32) } else { String::new() },
        more_customer_ids: ids(&customers[1..]),
        call: None,
    };
    let request = ActRequest {
        command_id: Uuid::now_v7().to_string(),
        outage_id: outage().to_string(),
        expected_version: 0,
        photos_stored: vec!["ab".repeat(32)],
        action: Some(Action::Evidence(evidence)),
    };
    let reply = house.served_api()?.act(from(&planner(), request)).await;
    Ok(reply
        .err()
        .map(|status| status.message().to_owned())
        .unwrap_or_default())
}

#[tokio::test]
async fn one_proof_is_of_one_customer_but_for_a_board_with_a_photo() -> anyhow::Result<()> {
    let house = announced().await?;
    for channel in ["visit", "post", "esign"] {
        let words = sent(&house, channel, true, &[3, 4]).await?;
        assert!(words.contains("more_customer_ids"), "{channel}: {words}");
    }
    let words = sent(&house, "community", false, &[3, 4]).await?;
    assert!(words.contains("photo_sha256"), "{words}");
    assert_eq!(sent(&house, "community", true, &[3, 4]).await?, "");
    let told: i64 = sqlx::query_scalar("select count(*) from planner.evidence")
        .fetch_one(house.db.pool())
        .await?;
    assert_eq!(told, 2);
    Ok(())
}

/// Customer 1 is important, 2 has a generator: a board among ordinary customers proves nothing for any of them either.
#[tokio::test]
async fn a_board_proves_nothing_for_those_who_are_told_individually() -> anyhow::Result<()> {
    let house = announced().await?;
    sqlx::query("update planner.recipient set life_support = true where customer_id = $1")
        .bind(customer(4))
        .execute(house.db.pool())
        .await?;
    for n in [1, 2, 4] {
        let words = sent(&house, "community", true, &[3, n]).await?;
        assert!(words.contains("a notice board proves nothing"), "{n}: {words}");
    }
    let told: i64 = sqlx::query_scalar("select count(*) from planner.evidence")
        .fetch_one(house.db.pool())
        .await?;
    assert_eq!(told, 0, "all or none");
    assert_eq!(sent(&house, "visit", true, &[1]).await?, "");
    Ok(())
}

/// Whatever a program does.
#[tokio::test]
async fn the_database_keeps_no_board_without_a_photo() -> anyhow::Result<()> {
    let house = announced().await?;
    let proof = Evidence {
        id: Uuid::now_v7(),
        customer: customer(3),
        channel: "community".to_owned(),
        at: house.now(),
        by: String::new(),
        note: "at the gate".to_owned(),
        photo: None,
        call: None,
    };
    house.refused(&planner(), Act::Evidence(vec![proof])).await?;
    Ok(())
}
