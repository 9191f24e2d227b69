//! A call of planner that reached somebody else: the number is invalid at once (operations.md O15), without a second report.

use relight_proto::{
    common::v1::Language::ZhCn,
    events::v1::{ContactWrong, Event},
};
use relight_testkit::smsc::Smsc;
use uuid::Uuid;

use crate::{
    orders::{member, outage, result, text},
    world::{MORNING, World},
};

const PHONE: &str = "+8619900000001";

fn call(world: &World, customer: Uuid, contact: &str) -> Event {
    let call = Uuid::now_v7();
    let told = ContactWrong {
        call_id: call.to_string(),
        customer_id: customer.to_string(),
        contact_id: contact.to_owned(),
        called_by: "pat".into(),
    };
    world.event("contact.wrong", call, 1, &told)
}

/// What was delivered to it is no proof any more, no debt is told to it, and a second call notes nothing new. A contact that
/// is gone by now is not noted, and nothing is parked for it.
#[tokio::test]
async fn a_call_that_reached_somebody_else_ends_the_number() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    let customer = world.customer(&[(PHONE, ZhCn)], false);
    let contact = world.town.known().contacts[0].contact_id.clone();
    let set = world.set(vec![member(customer)]);
    world.notify(&[&outage("notice", Uuid::now_v7(), set)]).await?;
    world.round(&texts.sender).await?;
    world.wait_for_states("outage_notice", &["delivered"]).await?;

    let gone = Uuid::now_v7().to_string();
    let calls = [&contact, &contact, &gone].map(|contact| call(&world, customer, contact));
    world.apply(calls.to_vec()).await?;
    let case = Uuid::now_v7();
    let owed = text(world.clock.now() + chrono::TimeDelta::hours(1));
    world.town.known().texts.insert(case, owed);
    world
        .apply(vec![world.debt("pre_notice", case, customer)])
        .await?;

    let noted: Vec<(Uuid, String, String)> =
        sqlx::query_as("select customer_id, reported_by, masked from wrong_contact")
            .fetch_all(world.db.pool())
            .await?;
    assert_eq!(noted, [(customer, "pat".to_owned(), "***0001".to_owned())]);
    let mut expected = vec![
        result(customer, "sms", "delivered"),
        result(customer, "sms", "wrong_person"),
        result(customer, "none", "failed"),
    ];
    expected.sort_unstable();
    assert_eq!(world.results().await?, expected);
    texts.stop().await
}
