//! What intake and the registry do for a step, before its transaction.

use relight_common::{Code, ids::derived};
use relight_proto::dispatch::v1::order_event::{Event, RestoreSection, Survey};
use tonic::Status;

use crate::{given::*, then};

fn survey_of(device: &str) -> Event {
    let Event::Survey(survey) = survey(t0() + minutes(90)) else {
        unreachable!("survey() is a Survey")
    };
    Event::Survey(Survey {
        device_id: device.to_owned(),
        ..survey
    })
}

#[tokio::test]
async fn a_crews_finding_confirms_the_device_once_under_a_derived_id() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("arrived").await?;
    let sent = request(order, survey_of("F13"));
    for _ in 0..2 {
        assert_eq!(house.send(phone_of(1), sent.clone()).await?.state, "surveyed");
    }
    let asked = house.others.script().confirmed.clone();
    assert_eq!(asked.len(), 1, "the repeat was answered from memory");
    assert_eq!(
        (asked[0].device_id.as_str(), asked[0].confirmed_by.as_str()),
        ("F13", "crew")
    );
    assert_eq!(
        asked[0].command_id,
        derived(sent.command_id.parse()?, "confirm").to_string()
    );
    Ok(())
}

#[tokio::test]
async fn a_refused_step_asks_nobody() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("taken").await?;
    assert_eq!(
        house
            .act(phone_of(1), order, survey_of("F13"))
            .await
            .unwrap_err()
            .code(),
        Code::FailedPrecondition
    );
    assert_eq!(
        house
            .act(phone_of(2), order, restore_part("S1"))
            .await
            .unwrap_err()
            .code(),
        Code::PermissionDenied
    );
    let script = house.others.script();
    assert!(script.confirmed.is_empty() && script.sets.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_section_is_a_set_within_the_orders_own_and_counts_once() -> anyhow::Result<()> {
    let house = house().await?;
    house.others.script().behind = 15;
    let order = house.brought_to("repairing").await?;
    for _ in 0..2 {
        let half = house.act(phone_of(1), order, restore_part("S1")).await?;
        assert_eq!(half.restored_count, 15);
    }
    assert_eq!(house.others.script().sets[0].within_set_id, "set-all");
    assert_eq!(
        house
            .act(phone_of(1), order, restore_part("S2"))
            .await?
            .restored_count,
        30
    );
    assert_eq!(
        house
            .act(phone_of(1), order, restore_part("S3"))
            .await?
            .restored_count,
        40,
        "never more than there are"
    );
    assert_eq!(
        then::count(&house.db, "select count(*) from section_restored").await?,
        3
    );
    house.others.script().behind = 0;
    let empty = house
        .act(phone_of(1), order, restore_part("S4"))
        .await
        .unwrap_err();
    assert_eq!(
        (empty.code(), then::field(&empty)),
        (Code::InvalidArgument, "device_ids")
    );
    let bare = Event::RestoreSection(RestoreSection {
        all: true,
        ..Default::default()
    });
    assert_eq!(
        then::field(&house.act(phone_of(1), order, bare).await.unwrap_err()),
        "verified_by"
    );
    Ok(())
}

#[tokio::test]
async fn a_peer_that_is_away_means_try_again_and_one_that_objects_names_our_field() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("arrived").await?;
    let sent = request(order, survey_of("F13"));
    for (failure, code, field) in [
        (Status::unavailable("starting"), Code::Unavailable, ""),
        (
            Status::not_found("no such device"),
            Code::InvalidArgument,
            "device_id",
        ),
    ] {
        house.others.script().failure = Some(failure);
        let refused = house.send(phone_of(1), sent.clone()).await.unwrap_err();
        assert_eq!((refused.code(), then::field(&refused)), (code, field));
    }
    house.others.script().failure = None;
    assert_eq!(
        house.send(phone_of(1), sent).await?.state,
        "surveyed",
        "the same command, later"
    );
    Ok(())
}
