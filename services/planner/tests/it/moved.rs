//! Customers who move in or out, become special, and a network that changes under an announced outage.

use relight_planner::{
    desk::{
        act::Act,
        moved::{self, Difference, Moved},
    },
    domain::{call::Outcome, outage::State},
    store::{
        outage::Stored,
        people::{self, Affected},
    },
};

use crate::{
    given::{self, House, customer, h, min, outage, planner, window},
    then,
};

fn ordinary(n: u8) -> Affected {
    Affected {
        customer: customer(n),
        important: false,
        life_support: false,
        dedicated_line: false,
        own_generation: false,
        voltage_v: None,
        several_supplies: false,
    }
}

async fn moved(house: &House, n: u8, stands: Option<Affected>) -> anyhow::Result<Stored> {
    let known = house.stored().await?;
    let moved = Moved {
        outage: outage().uuid(),
        set: known.place.set,
        customer: customer(n),
        stands,
    };
    house
        .by_itself(async |work| moved::customer(work, &house.pack, &moved).await)
        .await?;
    house.stored().await
}

async fn network(house: &House, added: u32, released: u32) -> anyhow::Result<Stored> {
    let known = house.stored().await?;
    let differs = Difference {
        outage: outage().uuid(),
        set: known.place.set,
        added,
        released,
    };
    house
        .by_itself(async |work| moved::network(work, &differs).await)
        .await?;
    house.stored().await
}

/// A day and more ahead a notice reaches them; the notice of the others does not begin anew.
#[tokio::test]
async fn who_moves_in_after_the_notice_is_told_and_holds_nobody_up() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    house.until(window().off_at - h(48)).await?;
    let important = Affected {
        important: true,
        ..ordinary(9)
    };
    moved(&house, 9, Some(important)).await?;
    assert_eq!(then::notices(&house.db).await?.len(), 2);
    house.until(window().off_at - h(20)).await?;
    house.answered(1).await?;
    assert!(
        house
            .refused(&planner(), Act::Gate)
            .await?
            .contains("1 customers")
    );
    house.served(1, "notice", &[9]).await?;
    house.answered(9).await?;
    assert_eq!(house.act(&planner(), Act::Gate).await?.life.state, State::Ready);
    Ok(())
}

/// Later than that a text may come too late: a person calls, and until then the gate holds.
#[tokio::test]
async fn who_moves_in_on_the_last_day_is_called() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    house.answered(1).await?;
    house.until(window().off_at - h(10)).await?;
    moved(&house, 9, Some(ordinary(9))).await?;
    let alarms = then::alarms(&house.db).await?;
    assert_eq!(alarms.last().map(|(what, _)| what.as_str()), Some("late_joiner"));
    assert!(house.refused(&planner(), Act::Gate).await?.contains("no channel"));
    house.run(&planner(), house.call(9, Outcome::Reached)).await??;
    assert_eq!(house.act(&planner(), Act::Gate).await?.life.state, State::Ready);
    Ok(())
}

#[tokio::test]
async fn who_moves_out_is_told_and_who_becomes_important_has_to_answer() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    moved(&house, 4, None).await?;
    let notices = then::notices(&house.db).await?;
    assert_eq!(notices.last().map(|(kind, _)| kind.as_str()), Some("released"));
    let before = house.stored().await?.version;
    let same = moved(&house, 3, Some(ordinary(3))).await?;
    assert_eq!(same.version, before, "nothing changed for them");
    let important = Affected {
        important: true,
        ..ordinary(3)
    };
    moved(&house, 3, Some(important)).await?;
    house.answered(1).await?;
    house.until(window().off_at - h(20)).await?;
    let words = house.refused(&planner(), Act::Gate).await?;
    assert!(
        words.starts_with("1 important or life-support customers"),
        "{words}"
    );
    Ok(())
}

/// Before the announcement nobody is told anything; the notice goes to whoever lives there when it goes out.
#[tokio::test]
async fn who_moves_before_the_announcement_changes_the_list_and_hears_nothing_of_it() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    moved(&house, 4, None).await?;
    moved(&house, 9, Some(ordinary(9))).await?;
    assert!(then::notices(&house.db).await?.is_empty());
    assert!(then::alarms(&house.db).await?.is_empty());
    let mut conn = house.db.pool().acquire().await?;
    let list = people::customers(&mut conn, outage()).await?;
    assert!(
        list.contains(&customer(9)) && !list.contains(&customer(4)),
        "{list:?}"
    );
    Ok(())
}

/// A proposal: said once, and the gate holds while somebody would lose supply who was not told.
#[tokio::test]
async fn a_network_that_changed_holds_the_gate_until_the_set_is_taken_again() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    house.answered(1).await?;
    house.until(window().off_at - h(20)).await?;
    network(&house, 2, 1).await?;
    network(&house, 2, 1).await?;
    let alarms = then::alarms(&house.db).await?;
    assert_eq!(
        alarms.iter().filter(|(what, _)| what == "network").count(),
        1,
        "{alarms:?}"
    );
    let words = house.refused(&planner(), Act::Gate).await?;
    assert!(words.contains("2 customers who are not in the plan"), "{words}");
    network(&house, 0, 0).await?;
    assert_eq!(house.act(&planner(), Act::Gate).await?.life.state, State::Ready);
    Ok(())
}

/// What was found out about a set that is not the present one says nothing.
#[tokio::test]
async fn news_of_an_older_set_changes_nothing() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    let differs = Difference {
        outage: outage().uuid(),
        set: customer(77),
        added: 5,
        released: 5,
    };
    house
        .by_itself(async |work| moved::network(work, &differs).await)
        .await?;
    assert_eq!(house.stored().await?.network_added, 0);
    Ok(())
}

/// A number that turned out to be somebody else's takes the proof with it (operations.md O15).
#[tokio::test]
async fn a_notice_to_a_stranger_proves_nothing() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    house.answered(1).await?;
    house.results(1, "notice", &[2], "wrong_person").await?;
    let alarms = then::alarms(&house.db).await?;
    assert_eq!(alarms.last().map(|(what, _)| what.as_str()), Some("wrong_person"));
    house.until(window().off_at - h(20)).await?;
    let words = house.refused(&planner(), Act::Gate).await?;
    assert!(words.starts_with("1 customers who must be told"), "{words}");
    house.clock.advance(min(1));
    // Told at last, but too late for the lead: the law holds it.
    house.act(&planner(), house.visit(2, Some(vec![7; 32]))).await?;
    assert!(house.refused(&planner(), Act::Gate).await?.contains("168"));
    Ok(())
}
