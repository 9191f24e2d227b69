//! People who come to depend on life-support while they are off (operations.md O8).

use relight_proto::{events::v1::CallWanted, intake::v1 as pb, intake::v1::intake_server::Intake};
use uuid::Uuid;

use crate::{
    given::{House, by_account, customer_id, dispatcher, from, house_with_network},
    then,
};

/// A dispatcher confirmed SW1, whose set is these accounts; nobody of them depends on life-support.
async fn confirmed(house: &House, accounts: &[&str]) -> anyhow::Result<pb::Incident> {
    for t in 2..=5 {
        house.accept(by_account(&format!("A-1-{t}-1"))).await?;
    }
    house.group().await?;
    let incident = then::open(house).await?.remove(0);
    let points = accounts
        .iter()
        .map(|account| relight_common::ids::derived_from_name(&format!("point {account}")).to_string());
    let set = relight_common::ids::derived_from_name("SW1").to_string();
    house.others.say(|script| {
        script.members.insert(set, points.collect());
        let set = script.sets.get_mut("sw1").expect("the set of SW1");
        set.life_support = 0;
    });
    let message = pb::ConfirmDeviceRequest {
        command_id: Uuid::now_v7().to_string(),
        incident_id: incident.incident_id,
        device_id: "SW1".to_owned(),
        confirmed_by: "dispatcher".to_owned(),
    };
    Ok(house
        .api
        .confirm_device(from(dispatcher(), message))
        .await?
        .into_inner())
}

async fn is_told(house: &House, account: &str) -> anyhow::Result<bool> {
    house.desk.atlas.changed(customer_id(account));
    let now = house.clock.now();
    house.desk.atlas.look_around(&house.db, now).await?;
    house.group().await?;
    house.group().await?;
    let told: Vec<CallWanted> = then::told(&house.db, "call.wanted").await?;
    Ok(told
        .iter()
        .any(|call| call.customer_id == customer_id(account).to_string()))
}

#[tokio::test]
async fn who_comes_to_depend_on_it_while_they_are_off_is_called_and_the_incident_says_so()
-> anyhow::Result<()> {
    let house = house_with_network().await?;
    let incident = confirmed(&house, &["A-1-1-3", "A-1-2-1"]).await?;
    assert!(!incident.life_support);
    assert!(!is_told(&house, "A-1-1-3").await?, "nothing changed");
    for account in ["A-1-1-3", "A-2-1-1"] {
        house.others.say(|script| {
            script.accounts.get_mut(account).expect("an account").life_support = true;
        });
    }
    assert!(is_told(&house, "A-1-1-3").await?);
    assert!(!is_told(&house, "A-2-1-1").await?, "they have supply");
    let open = then::open(&house).await?;
    assert!(open[0].life_support && open[0].version > incident.version);
    // Once.
    is_told(&house, "A-1-1-3").await?;
    let told: Vec<CallWanted> = then::told(&house.db, "call.wanted").await?;
    assert_eq!(told.len(), 1);
    assert_eq!(then::open(&house).await?, open);
    Ok(())
}
