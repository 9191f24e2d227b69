//! Each leader clears for themselves, and nobody brings supply back while somebody has not (operations.md O2).

use relight_common::{Claims, Role, ids::derived_from_name};
use relight_planner::{
    desk::act::Act,
    domain::{event::Event, outage::State},
};

use crate::given::{self, House, clears, dispatcher, outage};

fn check_in(team: &str) -> Act {
    Act::CheckIn {
        name: "Wang".to_owned(),
        team: team.to_owned(),
    }
}

async fn working(teams: &[&str]) -> anyhow::Result<House> {
    let house = given::house().await?;
    house.switched_off().await?;
    for team in teams {
        house.act(&dispatcher(), check_in(team)).await?;
    }
    house.event(&dispatcher(), Event::Work).await?;
    house.tick(true).await?;
    Ok(house)
}

#[tokio::test]
async fn two_leaders_of_one_name_are_two_clearances() -> anyhow::Result<()> {
    let house = working(&["Line 3", "Line 4"]).await?;
    let back = Act::Event(Event::StartRestoring);
    let words = house.refused(&dispatcher(), clears("Wang", "")).await?;
    assert!(words.contains("say the team"), "{words}");
    house.act(&dispatcher(), clears("Wang", "Line 3")).await?;
    let words = house.refused(&dispatcher(), back.clone()).await?;
    assert!(words.starts_with("1 leaders have not cleared"), "{words}");
    house.act(&dispatcher(), clears("Wang", "")).await?;
    house.act(&dispatcher(), back).await?;
    Ok(())
}

#[tokio::test]
async fn who_comes_to_work_while_supply_returns_stops_it() -> anyhow::Result<()> {
    let house = working(&["Line 3"]).await?;
    house.act(&dispatcher(), clears("Wang", "")).await?;
    house.event(&dispatcher(), Event::StartRestoring).await?;
    house.act(&dispatcher(), check_in("Line 4")).await?;
    for all in [true, false] {
        let words = house
            .refused(&dispatcher(), Act::Event(Event::Restore { all, at: None }))
            .await?;
        assert!(words.starts_with("1 leaders have not cleared"), "{all}: {words}");
    }
    house.act(&dispatcher(), clears("Wang", "Line 4")).await?;
    let one = house
        .event(&dispatcher(), Event::Restore { all: true, at: None })
        .await?;
    assert_eq!(one.life.state, State::Restored);
    Ok(())
}

/// The control room records what it heard, and from whom it heard it is kept.
#[tokio::test]
async fn a_crew_clears_itself_only_and_a_heard_clearance_names_who_heard_it() -> anyhow::Result<()> {
    let house = working(&["Line 3"]).await?;
    let crew = derived_from_name("Crew 07");
    let phone = Claims {
        crew_id: Some(crew),
        ..given::with("leader", Role::Crew)
    };
    sqlx::query("update planner.outage set crew_id = $2 where id = $1")
        .bind(outage().uuid())
        .bind(crew)
        .execute(house.db.pool())
        .await?;
    house.act(&phone, check_in("Crew 07")).await?;
    let words = house.refused(&phone, clears("Wang", "Line 3")).await?;
    assert!(words.contains("its own phone"), "{words}");
    // Whoever the desk checked in stays the desk's, whatever the phone says of them.
    house.act(&phone, check_in("Line 3")).await?;
    house.refused(&phone, clears("Wang", "Line 3")).await?;
    house.act(&phone, clears("Wang", "")).await?;
    let heard = Act::Clear {
        name: "Wang".to_owned(),
        team: "Line 3".to_owned(),
        heard_by: "shift engineer Li".to_owned(),
    };
    house.act(&dispatcher(), heard).await?;
    let kept: Vec<(String, Option<String>, Option<String>)> =
        sqlx::query_as("select team, cleared_by, heard_by from planner.leader order by team")
            .fetch_all(house.db.pool())
            .await?;
    let some = |text: &str| Some(text.to_owned());
    let expected = [
        ("Crew 07".to_owned(), some("leader"), None),
        ("Line 3".to_owned(), some("dee"), some("shift engineer Li")),
    ];
    assert_eq!(kept, expected);
    Ok(())
}
