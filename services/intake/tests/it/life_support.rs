//! People who come to depend on life-support while they are off (operations.md O8).

use relight_proto::events::v1::CallWanted;

use crate::{
    given::{House, customer_id, house_with_network},
    then,
    triage::confirmed,
};

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
    house.others.say(|script| {
        let set = script.sets.get_mut("sw1").expect("the set of SW1");
        set.life_support = 0;
    });
    confirmed(&house, &["A-1-1-3", "A-1-2-1"]).await?;
    let incident = then::open(&house).await?.remove(0);
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
