//! What the crew of the outage's work order records itself, and nobody else's crew.

use relight_common::{Claims, Role, ids::derived_from_name, reader::Consumer};
use relight_planner::{
    consumer::FromDispatch,
    desk::act::Act,
    domain::{event::Event, ids::PermitId, outage::State},
};
use relight_proto::events::v1::{Event as WireEvent, WorkOrderStep};

use crate::given::{self, House, h, min, outage, window};

fn phone(crew: &str) -> Claims {
    Claims {
        crew_id: Some(derived_from_name(crew)),
        ..given::with("leader", Role::Crew)
    }
}

/// Dispatch tells of the outage's order; an empty crew: none is named.
async fn told(house: &House, step: &str, crew: &str) -> anyhow::Result<()> {
    let id = if crew.is_empty() {
        String::new()
    } else {
        derived_from_name(crew).to_string()
    };
    let told = WorkOrderStep {
        number: "W-20260309-0001".to_owned(),
        step: step.to_owned(),
        kind: "planned".to_owned(),
        subject_id: outage().to_string(),
        crew_id: id,
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
        .map(drop)
}

fn permit() -> Act {
    Act::Event(Event::Permit {
        id: PermitId::new(),
        number: "D-2026-77".to_owned(),
        read_back: true,
        at: None,
    })
}

#[tokio::test]
async fn the_crew_on_the_spot_switches_works_clears_and_restores_its_own_outage() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    house.answered(1).await?;
    house.until(window().off_at - h(4)).await?;
    house.until(window().off_at - min(1)).await?;
    told(&house, "assigned", "Crew 07").await?;
    told(&house, "arrived", "Crew 07").await?;
    let (own, other) = (phone("Crew 07"), phone("Crew 08"));

    let refused = house.refused(&other, permit()).await?;
    assert_eq!(refused, "the dispatcher records switching");
    let permit_id = house
        .act(&own, permit())
        .await?
        .life
        .permit
        .expect("just recorded")
        .id;
    house.until(window().off_at).await?;
    house
        .event(
            &own,
            Event::SwitchOff {
                permit: permit_id,
                at: None,
            },
        )
        .await?;
    house.tick(false).await?;
    house.event(&own, Event::Work).await?;
    let clear = given::clears("Crew 07", "");
    house.refused(&other, clear.clone()).await?;
    house.act(&own, clear).await?;
    house.tick(true).await?;
    let back = house.event(&own, Event::StartRestoring).await?;
    assert_eq!(back.life.state, State::Restoring);
    Ok(())
}

#[tokio::test]
async fn an_order_given_back_takes_the_right_along_and_plans_are_never_a_crews() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    told(&house, "assigned", "Crew 07").await?;
    let own = phone("Crew 07");
    for event in [Event::Cancel, Event::Abort, Event::Gate, Event::Submit] {
        house.refused(&own, Act::Event(event)).await?;
    }
    told(&house, "crew_lapsed", "").await?;
    let refused = house.refused(&own, permit()).await?;
    assert_eq!(refused, "the dispatcher records switching");
    Ok(())
}
