//! What a crew's phone sees and says: changes by cursor, times of a clock that may be wrong.

use relight_common::{Code, wire::timestamp};
use relight_proto::dispatch::v1::{CrewChangesReply, CrewChangesRequest, dispatch_server::Dispatch};

use crate::{given::*, then};

async fn sync(house: &House, n: u8, cursor: &str) -> anyhow::Result<CrewChangesReply> {
    let request = CrewChangesRequest {
        crew_id: crew(n).to_string(),
        cursor: cursor.to_owned(),
    };
    Ok(house
        .api
        .crew_changes(from(phone_of(n), request))
        .await?
        .into_inner())
}

#[tokio::test]
async fn a_phone_gets_what_changed_since_its_cursor_and_what_is_gone() -> anyhow::Result<()> {
    let house = house().await?;
    assert!(sync(&house, 1, "").await?.orders.is_empty());
    let order = house.brought_to("taken").await?;
    let first = sync(&house, 1, "").await?;
    assert_eq!(
        first.orders.iter().map(|o| o.state.as_str()).collect::<Vec<_>>(),
        ["taken"]
    );
    let quiet = sync(&house, 1, &first.cursor).await?;
    assert!(quiet.orders.is_empty() && quiet.gone.is_empty());
    // Intake's news and the dispatcher's estimate reach the phone too.
    let mut more = an_incident(1);
    (more.version, more.affected_count) = (2, 99);
    house.told(&more).await?;
    let news = sync(&house, 1, &quiet.cursor).await?;
    assert_eq!(news.orders[0].affected_count, 99);
    house.act(dispatcher(), order, reassign(2)).await?;
    let after = sync(&house, 1, &news.cursor).await?;
    assert_eq!((after.orders.len(), after.gone), (0, vec![order.to_string()]));
    assert_eq!(sync(&house, 2, "").await?.orders.len(), 1);
    let fresh = sync(&house, 1, "").await?;
    assert!(
        fresh.orders.is_empty() && fresh.gone.is_empty(),
        "everything is nothing"
    );
    Ok(())
}

#[tokio::test]
async fn changes_are_for_the_crews_own_phone_and_its_own_cursor() -> anyhow::Result<()> {
    let house = house().await?;
    let ask = |cursor: &str| CrewChangesRequest {
        crew_id: crew(1).to_string(),
        cursor: cursor.to_owned(),
    };
    for claims in [phone_of(2), dispatcher()] {
        let refused = house.api.crew_changes(from(claims, ask(""))).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let foreign = sync(&house, 2, "").await?.cursor;
    for cursor in [foreign.as_str(), "AAAA", "%"] {
        let refused = house
            .api
            .crew_changes(from(phone_of(1), ask(cursor)))
            .await
            .unwrap_err();
        assert_eq!(then::field(&refused), "cursor");
    }
    Ok(())
}

#[tokio::test]
async fn times_of_a_phone_are_corrected_bounded_and_marked() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("assigned").await?;
    let offered = house.now();
    house.clock.advance(minutes(2));
    // The phone is four minutes slow: its 1 minute after the offer reads as 3 minutes before it.
    let mut sent = request(order, take());
    sent.device_time = Some(device_time(offered - minutes(3), minutes(4), house.now()));
    let step = house.send(phone_of(1), sent).await?.steps.pop().expect("a step");
    assert_eq!(
        (step.at, step.skewed),
        (Some(timestamp(offered + minutes(1))), true)
    );
    // A time before the last step is bounded by it, one in the future by its receipt.
    let mut sent = request(order, leave(offered + minutes(20)));
    sent.device_time = Some(device_time(offered, seconds(0), house.now()));
    let step = house.send(phone_of(1), sent).await?.steps.pop().expect("a step");
    assert_eq!(
        (step.at, step.skewed),
        (Some(timestamp(offered + minutes(1))), false)
    );
    let mut sent = request(order, arrive());
    sent.device_time = Some(device_time(offered + minutes(60), seconds(0), house.now()));
    let step = house.send(phone_of(1), sent).await?.steps.pop().expect("a step");
    assert_eq!((step.at, step.skewed), (Some(timestamp(house.now())), true));
    Ok(())
}

#[tokio::test]
async fn an_offer_taken_in_time_offline_counts_unless_it_lapsed_here_first() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("assigned").await?;
    let tapped = house.now() + minutes(2);
    house.clock.advance(minutes(4));
    let mut sent = request(order, take());
    sent.device_time = Some(device_time(tapped, seconds(0), house.now()));
    assert_eq!(
        house.send(phone_of(1), sent).await?.state,
        "taken",
        "tapped in time, and nobody had taken it away"
    );
    house.fire().await?;
    assert_eq!(house.view(order).await?.state, "taken");
    Ok(())
}

#[tokio::test]
async fn a_repeat_whose_offset_was_measured_anew_is_the_same_command() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("assigned").await?;
    let tapped = house.now() + seconds(30);
    house.clock.advance(minutes(1));
    let mut sent = request(order, take());
    sent.device_time = Some(device_time(tapped, seconds(0), house.now()));
    let first = house.send(phone_of(1), sent.clone()).await?;
    house.clock.advance(minutes(1));
    sent.device_time = Some(device_time(tapped, seconds(7), house.now()));
    assert_eq!(house.send(phone_of(1), sent.clone()).await?, first);
    sent.device_time = Some(device_time(tapped + seconds(1), seconds(0), house.now()));
    let other = house.send(phone_of(1), sent).await.unwrap_err();
    assert_eq!(
        then::field(&other),
        "command_id",
        "another time of the deed is another command"
    );
    Ok(())
}
