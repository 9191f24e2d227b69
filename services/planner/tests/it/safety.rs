//! Safety switch-offs: recorded whatever any plan says, told at once, brought back when somebody cleared.

use relight_common::reader::Consumer;
use relight_planner::{
    consumer::FromNotify,
    desk::safety::{self, Record},
    domain::safety::Danger,
    error::Error,
    peers::Found,
    store::safety::SwitchOff,
};
use relight_proto::events::v1::{Event, NoticeServed, notice_served::Result as Served};
use uuid::Uuid;

use crate::{
    given::{self, House, customer, min, t0},
    then,
};

fn id() -> Uuid {
    customer(200)
}

async fn recorded(house: &House, id: Uuid) -> anyhow::Result<Result<SwitchOff, Error>> {
    let draft = given::a_draft(given::outage(), given::window());
    below(house, id, given::found(draft.place, draft.affected)).await
}

async fn below(house: &House, id: Uuid, found: Found) -> anyhow::Result<Result<SwitchOff, Error>> {
    let record = Record {
        id,
        danger: Danger::FallenWire,
        basis: "caller saw the wire on the road, fire service on the way".to_owned(),
        switched_off_at: t0(),
        expected_on_at: None,
    };
    house
        .try_itself(async |work| safety::record(work, &house.pack, record, found).await)
        .await
}

#[tokio::test]
async fn danger_is_switched_off_recorded_told_at_once_and_brought_back_by_name() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.clock.advance(min(4));
    let one = recorded(&house, id()).await??;
    assert_eq!(one.number, "S-20260301-0001");
    assert_eq!(then::notices(&house.db).await?, [("safety".to_owned(), 1)]);
    assert_eq!(then::classes(&house.db).await?, ["SAFETY"]);
    assert_eq!(then::alarms(&house.db).await?, []);
    let taken = recorded(&house, id()).await?.expect_err("the id is in use");
    assert!(taken.to_string().contains("in use"), "{taken}");

    house.clock.advance(min(60));
    let set = Some(customer(201));
    let one = house
        .by_itself(async |work| safety::restore(work, one, set, "Leader Wu").await)
        .await?;
    assert_eq!(safety::state(&one), "off");
    let one = house
        .by_itself(async |work| safety::restore(work, one, None, "Leader Wu").await)
        .await?;
    assert_eq!(safety::state(&one), "restored");
    let again = house
        .try_itself(async |work| safety::restore(work, one, None, "Leader Wu").await)
        .await?;
    assert!(again.is_err(), "it is back already");
    assert_eq!(then::steps(&house.db).await?, ["section_restored", "restored"]);
    Ok(())
}

/// Customers are told within 15 minutes; a record that comes later says so itself.
#[tokio::test]
async fn one_that_is_recorded_late_raises_an_alarm_and_is_recorded_all_the_same() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.clock.advance(min(16));
    recorded(&house, id()).await??;
    let alarms = then::alarms(&house.db).await?;
    assert_eq!(alarms.len(), 1);
    assert_eq!(alarms[0].0, "safety");
    Ok(())
}

/// A fault took supply before: nobody hangs on the device now, and the switching is on record all the same.
#[tokio::test]
async fn one_that_concerns_nobody_is_recorded_and_tells_nobody() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.clock.advance(min(16));
    let mut place = given::a_draft(given::outage(), given::window()).place;
    place.count = 0;
    let one = below(&house, id(), given::found(place, Vec::new())).await??;
    assert_eq!((one.count, one.customers), (0, 0));
    assert_eq!(then::classes(&house.db).await?, ["SAFETY"]);
    assert!(then::notices(&house.db).await?.is_empty());
    house.until(house.now() + min(60)).await?;
    assert!(then::alarms(&house.db).await?.is_empty(), "nobody was to be told");
    Ok(())
}

/// Recorded in time, and 15 minutes after the switching one of four has proof of being told.
#[tokio::test]
async fn notices_that_did_not_arrive_are_an_alarm() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.clock.advance(min(4));
    recorded(&house, id()).await??;
    told(&house, &[(1, "delivered"), (2, "failed")]).await?;
    house.until(t0() + min(14)).await?;
    assert!(then::alarms(&house.db).await?.is_empty());
    house.until(t0() + min(15)).await?;
    let alarms = then::alarms(&house.db).await?;
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert_eq!(alarms[0].0, "safety_untold");
    assert!(alarms[0].1.starts_with("3 of 4 customers"), "{alarms:?}");
    Ok(())
}

#[tokio::test]
async fn when_everybody_was_told_or_supply_is_back_nothing_is_said() -> anyhow::Result<()> {
    let house = given::house().await?;
    recorded(&house, id()).await??;
    told(&house, &[1, 2, 3, 4].map(|n| (n, "delivered"))).await?;
    let other = recorded(&house, customer(202)).await??;
    house
        .by_itself(async |work| safety::restore(work, other, None, "Leader Wu").await)
        .await?;
    house.until(t0() + min(30)).await?;
    assert!(then::alarms(&house.db).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn who_was_told_is_counted_once() -> anyhow::Result<()> {
    let house = given::house().await?;
    recorded(&house, id()).await??;
    told(&house, &[(1, "delivered"), (1, "delivered"), (2, "failed")]).await?;
    let everywhere = ["%".to_owned()];
    let one = relight_planner::store::safety::find(house.db.pool(), id(), &everywhere).await?;
    assert_eq!(one.told_count, 1);
    Ok(())
}

/// notify tells what became of the texts to these customers.
async fn told(house: &House, results: &[(u8, &str)]) -> anyhow::Result<()> {
    let told = NoticeServed {
        outage_id: id().to_string(),
        kind: "safety".to_owned(),
        plan_no: 1,
        results: results
            .iter()
            .map(|(n, result)| self::result(house, *n, result))
            .collect(),
        ..NoticeServed::default()
    };
    let event = Event {
        id: Uuid::now_v7().to_string(),
        r#type: "notice.served".to_owned(),
        data: prost::Message::encode_to_vec(&told),
        ..Event::default()
    };
    let notify = FromNotify::new(house.pack.clone());
    house
        .by_itself(async |work| notify.apply(work, &event, ()).await)
        .await
        .map(drop)
}

fn result(house: &House, n: u8, result: &str) -> Served {
    Served {
        customer_id: customer(n).to_string(),
        channel: "sms".to_owned(),
        result: result.to_owned(),
        at: Some(relight_common::wire::timestamp(house.now())),
    }
}
