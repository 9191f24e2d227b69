//! What those who were asked say later: back after "still off", off again, for whom a shared number answers, and until when.

use chrono::TimeDelta;
use relight_common::wire::timestamp;
use relight_proto::events::v1::restoration_question::Asked;

use crate::{
    checks::{STEPS, answers, asked, children, counted, dark, fire, questions, said},
    given::{House, by_account, customer_id},
    inference::restored,
    signals::{send, signal},
    then,
};

/// A restored section of which one who was asked says "still off".
async fn still_off(house: &House, parent: &str) -> anyhow::Result<Asked> {
    restored(house, 1, parent, STEPS[0], false).await?;
    let asked = asked(house).await?.remove(0);
    house.later(TimeDelta::minutes(20));
    said(house, 1, &asked, "still_off").await?;
    assert_eq!(children(house, parent).await?.len(), 1);
    Ok(asked)
}

#[tokio::test]
async fn back_after_still_off_ends_the_child_and_off_again_is_another_one() -> anyhow::Result<()> {
    let (house, parent) = dark().await?;
    let who = still_off(&house, &parent).await?;
    let first = children(&house, &parent).await?.remove(0);
    house.later(TimeDelta::minutes(20));
    said(&house, 2, &who, "back").await?;
    assert!(children(&house, &parent).await?.is_empty());
    let told = then::incidents_told(&house.db).await?;
    let last = told.iter().rfind(|told| told.incident_id == first.incident_id);
    assert_eq!(last.map(|told| told.state.as_str()), Some("closed"));
    assert_eq!(answers(&counted(&house, &parent).await?), (1, 0, 0, 2));

    house.later(TimeDelta::minutes(20));
    let reports = then::count(&house.db, "report").await?;
    said(&house, 3, &who, "still_off").await?;
    assert_eq!(then::count(&house.db, "report").await?, reports + 1);
    let second = children(&house, &parent).await?;
    assert_eq!(second.len(), 1);
    assert_ne!(second[0].incident_id, first.incident_id);
    assert_eq!(answers(&counted(&house, &parent).await?), (0, 1, 0, 2));

    // And back once more.
    house.later(TimeDelta::minutes(20));
    said(&house, 4, &who, "back").await?;
    assert!(children(&house, &parent).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_child_goes_on_until_the_last_of_its_reporters_is_back_or_their_meter_says_so() -> anyhow::Result<()>
{
    let (house, parent) = dark().await?;
    let who = still_off(&house, &parent).await?;
    let account = (1..=4)
        .map(|c| format!("A-1-1-{c}"))
        .find(|account| customer_id(account).to_string() != who.customer_id)
        .expect("four live there");
    house.later(TimeDelta::minutes(5));
    house.accept(by_account(&account)).await?;
    house.group().await?;
    assert_eq!(children(&house, &parent).await?[0].report_count, 2);
    house.later(TimeDelta::minutes(5));
    said(&house, 2, &who, "back").await?;
    assert_eq!(children(&house, &parent).await?.len(), 1, "one of two");
    house.later(TimeDelta::minutes(5));
    let load = account.replacen("A-", "L", 1);
    send(&house, vec![signal("on", "ping_on", &load, house.clock.now())]).await?;
    house.group().await?;
    assert!(children(&house, &parent).await?.is_empty());
    assert_eq!(counted(&house, &parent).await?.no, 0, "the meter ends their no");
    Ok(())
}

#[tokio::test]
async fn who_shares_a_number_with_somebody_who_is_asked_is_not_silent() -> anyhow::Result<()> {
    let (house, parent) = dark().await?;
    restored(&house, 1, &parent, STEPS[0], false).await?;
    let asked = asked(&house).await?;
    house.later(TimeDelta::minutes(15));
    said(&house, 1, &asked[0], "back").await?;
    said(&house, 2, &asked[1], "same_number").await?;
    let total = counted(&house, &parent).await?;
    assert_eq!((answers(&total), total.same_number), ((1, 0, 0, 1), 1));
    house.later(TimeDelta::hours(13));
    fire(&house).await?;
    let total = counted(&house, &parent).await?;
    assert_eq!((answers(&total), total.same_number), ((1, 0, 1, 0), 1));
    Ok(())
}

#[tokio::test]
async fn the_question_says_until_when_it_may_be_answered() -> anyhow::Result<()> {
    let (house, parent) = dark().await?;
    restored(&house, 1, &parent, STEPS[0], false).await?;
    let numbers = &house.desk.numbers_of.checks;
    let until = house.clock.now() + numbers.ask_after + numbers.answer_wait;
    assert_eq!(questions(&house).await?[0].answer_until, Some(timestamp(until)));
    // Then, and not before, they are silent.
    house
        .clock
        .advance(until - house.clock.now() - TimeDelta::seconds(1));
    assert_eq!(fire(&house).await?, 0);
    house.later(TimeDelta::seconds(1));
    assert_eq!(fire(&house).await?, 1);
    Ok(())
}
