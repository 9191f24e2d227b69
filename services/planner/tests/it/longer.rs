//! An outage that takes longer than people were told: limits of the year, and whom a person calls.

use relight_planner::{
    desk::act::{Act, Command},
    domain::{
        call::Outcome,
        event::Event,
        outage::{Mark, State},
    },
};

use crate::{
    given::{self, House, command, customer, dispatcher, h, min, outage, planner, window},
    then,
};

async fn off() -> anyhow::Result<House> {
    let house = given::house().await?;
    house.noticed().await?;
    house.answered(1).await?;
    house.until(window().off_at - h(4)).await?;
    house.tick(false).await?;
    house.clock.advance(h(4) - min(2));
    house.off().await?;
    Ok(house)
}

fn until(hours: i64, above: Option<(u32, u32)>) -> Command {
    Command {
        above,
        ..command(Act::Event(Event::Extend {
            on_at: window().on_at + h(hours),
        }))
    }
}

async fn uncalled(house: &House) -> anyhow::Result<u32> {
    let one = house.stored().await?;
    let mut conn = house.db.pool().acquire().await?;
    Ok(relight_planner::store::facts::read(&mut conn, &one)
        .await?
        .uncalled)
}

async fn archived(house: &House, note: &str) -> anyhow::Result<Act> {
    house.tick(true).await?;
    house.event(&dispatcher(), Event::StartRestoring).await?;
    house
        .event(&dispatcher(), Event::Restore { all: true, at: None })
        .await?;
    Ok(Act::Event(Event::Archive {
        note: note.to_owned(),
    }))
}

/// Two hours more are told by text; a minute above, also in two steps, and the important customer is called.
#[tokio::test]
async fn more_than_two_hours_longer_asks_for_a_call_to_the_important_customer() -> anyhow::Result<()> {
    let house = off().await?;
    house.run(&dispatcher(), until(2, Some((0, 0)))).await??;
    assert_eq!(uncalled(&house).await?, 0);
    assert!(!then::alarmed(&house.db, "longer_calls").await?);
    house.run(&dispatcher(), until(3, Some((0, 0)))).await??;
    assert_eq!(uncalled(&house).await?, 1);
    assert!(then::alarmed(&house.db, "longer_calls").await?);

    house.clock.advance(min(5));
    house.run(&planner(), house.call(1, Outcome::NoAnswer)).await??;
    assert_eq!(uncalled(&house).await?, 1, "nobody answered");
    house.run(&planner(), house.call(3, Outcome::Reached)).await??;
    assert_eq!(uncalled(&house).await?, 1, "somebody else was called");
    house.run(&planner(), house.call(1, Outcome::Reached)).await??;
    assert_eq!(uncalled(&house).await?, 0);
    let told: Vec<(String, String)> = sqlx::query_as(
        "select kind, channel from planner.evidence where customer_id = $1 and channel = 'call'",
    )
    .bind(customer(1))
    .fetch_all(house.db.pool())
    .await?;
    assert_eq!(told, [("extended".to_owned(), "call".to_owned())]);

    // Much longer once more: what they heard does not hold any more.
    house.clock.advance(min(5));
    house.run(&dispatcher(), until(6, Some((0, 0)))).await??;
    assert_eq!(uncalled(&house).await?, 1);
    Ok(())
}

/// Supply returns whether somebody was called or not; why nobody was is written down.
#[tokio::test]
async fn an_important_customer_nobody_called_is_explained_in_the_archive() -> anyhow::Result<()> {
    let house = off().await?;
    house.run(&dispatcher(), until(3, Some((0, 0)))).await??;
    let archive = archived(&house, "").await?;
    let words = house.refused(&planner(), archive).await?;
    assert!(words.contains("not_called"), "{words}");
    let note = "the hospital heard it from the crew on the spot".to_owned();
    let one = house.event(&planner(), Event::Archive { note }).await?;
    assert_eq!(one.life.state, State::Archived);
    assert!(one.life.marks.contains(&Mark::NotCalled));
    Ok(())
}

/// The limit was kept when it was approved, and is passed by the extension.
#[tokio::test]
async fn a_limit_of_the_year_that_is_passed_by_a_later_end_is_flagged() -> anyhow::Result<()> {
    let house = off().await?;
    let one = house.run(&dispatcher(), until(1, Some((0, 0)))).await??;
    assert!(!one.life.marks.contains(&Mark::AboveLimit));
    assert!(!then::alarmed(&house.db, "longer_limits").await?);
    let one = house.run(&dispatcher(), until(2, Some((0, 3)))).await??;
    assert!(one.life.marks.contains(&Mark::AboveLimit));
    assert_eq!(one.above_hours, 3);
    assert!(then::alarmed(&house.db, "longer_limits").await?);
    Ok(())
}

/// A ledger that is silent keeps nobody from hearing of a later end; somebody compares by hand.
#[tokio::test]
async fn a_later_end_does_not_wait_for_the_ledger() -> anyhow::Result<()> {
    let house = off().await?;
    let one = house.run(&dispatcher(), until(1, None)).await??;
    assert_eq!(one.life.window.on_at, window().on_at + h(1));
    assert!(then::alarmed(&house.db, "longer_limits").await?);
    assert_eq!(one.id, outage());
    Ok(())
}
