//! A later start that a manager confirmed (operations.md O30): who hears of the outage with it has their notice too.

use relight_planner::{
    desk::{
        act::Act,
        moved::{self, Moved},
    },
    domain::{call::Outcome, event::Event, ids::PermitId, outage::State},
    store::people::Affected,
};

use crate::given::{self, customer, dispatcher, h, manager, min, outage, window};

fn permit() -> Act {
    Act::Event(Event::Permit {
        id: PermitId::new(),
        number: "D-2026-77".to_owned(),
        read_back: true,
        at: None,
    })
}

/// Moved in on the last day, and the start was put off before anybody called them.
#[tokio::test]
async fn who_is_called_after_a_later_start_has_heard_of_both() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    house.answered(1).await?;
    house.until(window().off_at - h(3)).await?;
    let stands = Affected {
        customer: customer(9),
        important: false,
        life_support: false,
        dedicated_line: true,
        own_generation: false,
        voltage_v: None,
        several_supplies: false,
    };
    let moved = Moved {
        outage: outage().uuid(),
        set: house.stored().await?.place.set,
        customer: customer(9),
        stands: Some(stands),
    };
    house
        .by_itself(async |work| moved::customer(work, &house.pack, &moved).await)
        .await?;
    sqlx::query("update planner.recipient set agreed_off_at = $1, agreed_on_at = $2 where dedicated_line")
        .bind(window().off_at)
        .bind(window().on_at)
        .execute(house.db.pool())
        .await?;
    let off_at = window().off_at + h(1);
    house.event(&manager(), Event::StartLate { off_at }).await?;
    house.clock.advance(min(5));
    house.served(1, "late_start", &[1, 2, 3, 4]).await?;
    house.until(off_at - min(1)).await?;
    let words = house.refused(&dispatcher(), permit()).await?;
    assert!(words.starts_with("1 customers who must be told"), "{words}");
    house
        .run(&dispatcher(), house.call(9, Outcome::Reached))
        .await??;
    let permitted = house.act(&dispatcher(), permit()).await?;
    let permit = permitted.life.permit.expect("just recorded").id;
    house.until(off_at).await?;
    let one = house
        .event(&dispatcher(), Event::SwitchOff { permit, at: None })
        .await?;
    assert_eq!(one.life.state, State::Off);
    Ok(())
}
