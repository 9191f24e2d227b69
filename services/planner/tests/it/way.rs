//! The lawful way, from the draft to the archive.

use relight_planner::{
    desk::act::Act,
    domain::{event::Event, outage::State},
};
use uuid::Uuid;

use crate::{
    given::{self, customer, dispatcher, h, min, planner, window},
    then,
};

#[tokio::test]
async fn an_outage_goes_from_the_draft_to_the_archive() -> anyhow::Result<()> {
    let house = given::house().await?;
    assert_eq!(house.noticed().await?.life.state, State::Noticed);
    let acknowledged = Act::Acknowledge {
        customer: customer(1),
        text: "We start the generator at eight".to_owned(),
    };
    house.act(&planner(), acknowledged).await?;
    // The reminder goes out a day before and the gate is asked four hours before, both by themselves.
    house.until(window().off_at - h(4)).await?;
    assert_eq!(house.stored().await?.life.state, State::Ready);
    house.until(window().off_at - min(1)).await?;
    switched_off(&house).await?;
    restored(&house).await?;
    let archive = Event::Archive { note: String::new() };
    house.event(&planner(), archive).await?;
    assert_eq!(
        then::states(&house.db).await?,
        [
            "draft",
            "submitted",
            "balanced",
            "approved",
            "noticed",
            "ready",
            "off",
            "working",
            "restoring",
            "restored",
            "archived"
        ]
    );
    let notices = [("notice".to_owned(), 1), ("reminder".to_owned(), 1)];
    assert_eq!(then::notices(&house.db).await?, notices);
    assert_eq!(then::alarms(&house.db).await?, []);
    Ok(())
}

async fn switched_off(house: &given::House) -> anyhow::Result<()> {
    let permit = Event::Permit {
        id: relight_planner::domain::ids::PermitId::new(),
        number: "D-2026-77".to_owned(),
        read_back: true,
        at: None,
    };
    let permitted = house.event(&dispatcher(), permit).await?;
    let permit = permitted.life.permit.expect("just recorded").id;
    let off = Act::Event(Event::SwitchOff { permit, at: None });
    let early = house.refused(&dispatcher(), off.clone()).await?;
    assert!(early.starts_with("not before"), "{early}");
    house.until(window().off_at).await?;
    house.act(&dispatcher(), off).await?;
    Ok(())
}

async fn restored(house: &given::House) -> anyhow::Result<()> {
    let desk = dispatcher();
    let (name, team) = (String::from("Leader Wu"), String::from("Line 3"));
    let check_in = Act::CheckIn {
        name: name.clone(),
        team,
    };
    house.act(&desk, check_in).await?;
    let tick = |told| Act::Isolate {
        customer: customer(2),
        told,
    };
    assert!(
        house
            .refused(&desk, Act::Event(Event::Work))
            .await?
            .contains("isolated")
    );
    house.act(&desk, tick(false)).await?;
    house.event(&desk, Event::Work).await?;
    house.until(window().off_at + h(3)).await?;
    let back = Act::Event(Event::StartRestoring);
    assert!(house.refused(&desk, back.clone()).await?.contains("not cleared"));
    house.act(&desk, given::clears(&name, "")).await?;
    assert!(house.refused(&desk, back.clone()).await?.contains("not called"));
    house.act(&desk, tick(true)).await?;
    house.act(&desk, back).await?;
    let mut section = given::command(Act::Event(Event::Restore { all: false, at: None }));
    section.section = Some((Uuid::now_v7(), 3));
    for _ in 0..2 {
        house.run(&desk, section.clone()).await??;
        let one = house.stored().await?;
        assert_eq!(one.life.state, State::Restoring);
        assert_eq!(one.life.restored_of(4), 3, "the same section counts once");
    }
    house.event(&desk, Event::Restore { all: true, at: None }).await?;
    Ok(())
}
