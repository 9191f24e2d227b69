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
    let record = Record {
        id,
        danger: Danger::FallenWire,
        basis: "caller saw the wire on the road, fire service on the way".to_owned(),
        switched_off_at: t0(),
        expected_on_at: None,
    };
    let draft = given::a_draft(given::outage(), given::window());
    let found = Found {
        place: draft.place,
        affected: draft.affected,
        area_zh: "湖滨路".to_owned(),
        area_en: "Lake Road".to_owned(),
    };
    house
        .try_itself(async |work| safety::record(work, record, found).await)
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

#[tokio::test]
async fn who_was_told_is_counted_once() -> anyhow::Result<()> {
    let house = given::house().await?;
    recorded(&house, id()).await??;
    let told = NoticeServed {
        outage_id: id().to_string(),
        kind: "safety".to_owned(),
        plan_no: 1,
        results: vec![
            result(&house, 1, "delivered"),
            result(&house, 1, "delivered"),
            result(&house, 2, "failed"),
        ],
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
        .await?;
    let everywhere = ["%".to_owned()];
    let one = relight_planner::store::safety::find(house.db.pool(), id(), &everywhere).await?;
    assert_eq!(one.told_count, 1);
    Ok(())
}

fn result(house: &House, n: u8, result: &str) -> Served {
    Served {
        customer_id: customer(n).to_string(),
        channel: "sms".to_owned(),
        result: result.to_owned(),
        at: Some(relight_common::wire::timestamp(house.now())),
    }
}
