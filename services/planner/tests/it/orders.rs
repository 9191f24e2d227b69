//! The work order of an outage: whose it is, and that a crew on the spot is checked in.

use relight_common::reader::{Consumer, Outcome};
use relight_planner::{
    consumer::FromDispatch,
    desk::act::Act,
    domain::{event::Event, outage::State},
};
use relight_proto::events::v1::{Event as WireEvent, WorkOrderStep};

use crate::given::{self, House, h, min, outage, planner, window};

async fn step(house: &House, step: &str, kind: &str, crew: &str) -> anyhow::Result<Outcome> {
    let told = WorkOrderStep {
        number: "W-20260309-0001".to_owned(),
        step: step.to_owned(),
        kind: kind.to_owned(),
        subject_id: outage().to_string(),
        crew_name: crew.to_owned(),
        ..WorkOrderStep::default()
    };
    let event = WireEvent {
        r#type: "workorder.step".to_owned(),
        data: prost::Message::encode_to_vec(&told),
        ..WireEvent::default()
    };
    let dispatch = FromDispatch::new(house.db.clone(), house.others()?);
    house
        .by_itself(async |work| dispatch.apply(work, &event, Vec::new()).await)
        .await
}

#[tokio::test]
async fn a_crew_that_arrives_is_checked_in_and_has_to_clear() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    house.answered(1).await?;
    step(&house, "opened", "planned", "").await?;
    step(&house, "assigned", "planned", "Crew 07").await?;
    let one = house.stored().await?;
    assert_eq!(
        (one.order_number.as_str(), one.crew_name.as_str()),
        ("W-20260309-0001", "Crew 07")
    );
    house.until(window().off_at - h(4)).await?;
    house.until(window().off_at - min(1)).await?;
    step(&house, "arrived", "planned", "Crew 07").await?;
    house.off().await?;
    house.tick(false).await?;
    house.event(&given::dispatcher(), Event::Work).await?;
    let back = Act::Event(Event::StartRestoring);
    let words = house.refused(&given::dispatcher(), back.clone()).await?;
    assert!(words.starts_with("1 leaders have not cleared"), "{words}");
    let clear = given::clears("Crew 07", "");
    house.act(&given::dispatcher(), clear).await?;
    house.tick(true).await?;
    let one = house.act(&given::dispatcher(), back).await?;
    assert_eq!(one.life.state, State::Restoring);
    Ok(())
}

#[tokio::test]
async fn an_order_that_is_given_back_has_no_crew_and_orders_of_other_kinds_are_not_ours() -> anyhow::Result<()>
{
    let house = given::house().await?;
    house.noticed().await?;
    step(&house, "assigned", "planned", "Crew 07").await?;
    let before = house.stored().await?.version;
    step(&house, "taken", "planned", "Crew 07").await?;
    step(&house, "arrived", "fault", "Crew 09").await?;
    assert_eq!(house.stored().await?.version, before, "nothing new");
    step(&house, "crew_lapsed", "planned", "").await?;
    assert_eq!(house.stored().await?.crew_name, "");
    house.event(&planner(), Event::Cancel).await?;
    step(&house, "withdrawn", "planned", "").await?;
    assert_eq!(house.stored().await?.life.state, State::Cancelled);
    Ok(())
}
