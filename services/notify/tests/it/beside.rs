//! Who looks after a customer, and who manages their house, hear of outages beside the customer (operations.md O22): once, as
//! no proof, and never of a debt.

use relight_common::Claims;
use relight_proto::{
    common::v1::Language::{En, ZhCn},
    notify::v1::{SendCodeRequest, notify_server::Notify},
};
use relight_testkit::smsc::{Sms, Smsc};
use tonic::{Code, Request};
use uuid::Uuid;

use crate::{
    orders::{member, outage, result, text},
    world::{MORNING, NIGHT, World},
};

const OWN: &str = "+8619900000001";
const OTHER: &str = "+8619900000002";
const CARER: &str = "+8619900000003";
const HOUSE: &str = "+8619900000004";

/// How many texts each number got.
fn counts(seen: &[Sms]) -> [usize; 4] {
    [OWN, OTHER, CARER, HOUSE].map(|number| {
        seen.iter()
            .filter(|sms| number.ends_with(&sms.destination))
            .count()
    })
}

/// A notice goes to the customers, the carer and, once for the whole house, to its manager; what is told back is about the
/// customers' own contacts, and who has none of their own is reached by nobody.
#[tokio::test]
async fn a_planned_notice_reaches_who_stands_beside_and_proves_nothing() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    // In the second page of the set, behind its manager, lives the manager too.
    let looked_after = world.customer(&[(OWN, ZhCn)], false);
    let alone = world.customer(&[], false);
    let other = world.customer(&[(OTHER, En)], false);
    let manager = world.customer(&[(HOUSE, En)], false);
    world.beside(looked_after, CARER, "carer");
    for customer in [looked_after, alone, other] {
        world.beside(customer, HOUSE, "property_manager");
    }
    let members = [looked_after, alone, other, manager].map(member);
    let set = world.set(members.to_vec());
    world.notify(&[&outage("notice", Uuid::now_v7(), set)]).await?;
    world.round(&texts.sender).await?;
    world.wait_for_states("outage_notice", &["delivered"; 4]).await?;
    assert_eq!(counts(&smsc.texts().all()), [1; 4]);
    let mut expected = vec![
        result(looked_after, "sms", "delivered"),
        result(alone, "none", "failed"),
        result(other, "sms", "delivered"),
        result(manager, "sms", "delivered"),
    ];
    expected.sort_unstable();
    assert_eq!(world.results().await?, expected);
    texts.stop().await
}

/// News of a fault goes to them too, once; the answer to a report is the reporter's, and nobody beside them is woken.
#[tokio::test]
async fn news_of_a_fault_reaches_who_stands_beside() -> anyhow::Result<()> {
    let world = World::start(NIGHT).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    let reporter = world.customer(&[(OWN, En)], true);
    let neighbour = world.customer(&[(OTHER, En)], true);
    world.beside(reporter, CARER, "carer");
    world.beside(reporter, HOUSE, "property_manager");
    world.beside(neighbour, HOUSE, "property_manager");
    let report = Uuid::now_v7();
    world
        .apply(vec![
            world.incident_changed(),
            world.accepted(report, Some(reporter)),
        ])
        .await?;
    world.round(&texts.sender).await?;
    world.wait_for_states("accepted", &["delivered"]).await?;
    assert_eq!(counts(&smsc.texts().all()), [1, 0, 0, 0]);

    let step = world.step_of(&[reporter, neighbour]);
    world.apply(vec![world.closed(step)]).await?;
    let held_off: i64 = sqlx::query_scalar(
        "select count(*) from message where purpose = 'restored' and beside and not night and due_at > $1",
    )
    .bind(world.clock.now())
    .fetch_one(world.db.pool())
    .await?;
    assert_eq!(held_off, 2, "they are told in the morning");
    let all = world.messages().await?;
    let restored = all.iter().filter(|one| one.0 == "restored");
    assert_eq!(restored.count(), 4, "{all:?}");
    texts.stop().await
}

/// A text to a carer neither holds the customer's own mail back nor is one.
#[tokio::test]
async fn a_text_beside_spares_the_customer_no_mail() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let customer = world.customer(&[("reader@example.org", En)], false);
    world.beside(customer, CARER, "carer");
    world.beside(customer, "house@example.org", "property_manager");
    let set = world.set(vec![member(customer)]);
    world.notify(&[&outage("reminder", Uuid::now_v7(), set)]).await?;
    world.wait_for_states("outage_reminder", &["queued"; 3]).await
}

/// A debt is told to the customer's own contacts; who has none is told back as unreached, and the carer's number gets
/// neither a debt nor a code that lets somebody in.
#[tokio::test]
async fn nobody_beside_a_customer_hears_of_a_debt() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    let owes = world.customer(&[(OWN, ZhCn)], false);
    let alone = world.customer(&[], false);
    let carer = world.beside(owes, CARER, "carer");
    world.beside(owes, HOUSE, "property_manager");
    world.beside(alone, CARER, "carer");
    for customer in [owes, alone] {
        let case = Uuid::now_v7();
        let text = text(world.clock.now() + chrono::TimeDelta::hours(1));
        world.town.known().texts.insert(case, text);
        world
            .apply(vec![world.debt("pre_notice", case, customer)])
            .await?;
    }
    world.round(&texts.sender).await?;
    world
        .wait_for_states("arrears_pre_notice", &["delivered"])
        .await?;
    assert_eq!(counts(&smsc.texts().all()), [1, 0, 0, 0]);
    let mut expected = vec![result(owes, "sms", "delivered"), result(alone, "none", "failed")];
    expected.sort_unstable();
    assert_eq!(world.results().await?, expected);

    let mut code = Request::new(SendCodeRequest {
        command_id: Uuid::now_v7().to_string(),
        customer_id: owes.to_string(),
        contact_id: carer.to_string(),
        code: "123456".into(),
        language: En as i32,
        expires_at: Some(relight_common::wire::timestamp(
            world.clock.now() + chrono::TimeDelta::minutes(10),
        )),
    });
    code.extensions_mut().insert(Claims::service("access"));
    let refused = world.api.send_code(code).await.map(drop);
    assert_eq!(refused.map_err(|status| status.code()), Err(Code::NotFound));
    texts.stop().await
}
