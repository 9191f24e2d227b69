//! Who is told one by one is law, and the pack says it: the listed classes in China, everybody affected in Australia.

use chrono::TimeDelta;
use relight_planner::{
    desk::act::Act,
    domain::{event::Event, outage::State},
    store::{
        individually,
        people::{self, Affected},
    },
};

use crate::given::{self, House, h, outage, planner};

/// Everybody counted whom this house has to tell one by one, and who of them was.
async fn told(house: &House) -> anyhow::Result<(i64, i64)> {
    let row = sqlx::query_as("select required, served from reach where outage_id = $1").bind(outage().uuid());
    Ok(row.fetch_one(house.db.pool()).await?)
}

/// Under the Australian rules an ordinary customer told too late is told too late, whoever else was told in time.
#[tokio::test]
async fn under_the_australian_rules_everybody_has_four_business_days() -> anyhow::Result<()> {
    let house = given::house_under("AU-NERR").await?;
    house.approved().await?;
    house.event(&planner(), Event::Announce).await?;
    house.served(1, "notice", &[1, 2]).await?;
    assert_eq!(told(&house).await?, (4, 2));
    let words = house.refused(&planner(), Act::Gate).await?;
    assert!(words.starts_with("2 customers who must be told"), "{words}");
    house.until(given::window().off_at - TimeDelta::days(3)).await?;
    house.served(1, "notice", &[3, 4]).await?;
    assert_eq!(house.stored().await?.life.state, State::Approved);
    let words = house.refused(&planner(), Act::Gate).await?;
    assert!(words.contains("of 4 business days"), "{words}");
    Ok(())
}

#[tokio::test]
async fn under_the_australian_rules_everybody_told_in_time_carries_the_outage() -> anyhow::Result<()> {
    let house = given::house_under("AU-NERR").await?;
    let one = house.noticed().await?;
    assert_eq!((told(&house).await?, one.life.state), ((4, 4), State::Noticed));
    Ok(())
}

/// In China an ordinary customer told late holds nothing back: the announcement is their notice.
#[tokio::test]
async fn in_china_the_listed_classes_are_told_one_by_one() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    house.event(&planner(), Event::Announce).await?;
    house.served(1, "notice", &[1, 2]).await?;
    assert_eq!(told(&house).await?, (2, 2));
    assert_eq!(house.stored().await?.life.state, State::Noticed);
    Ok(())
}

/// The law of the announcement holds, whatever it was when the plan was drafted.
#[tokio::test]
async fn who_is_told_one_by_one_is_asked_again_at_the_announcement() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    let everybody = ["all".to_owned()];
    house
        .by_itself(async |work| individually::classes(work.conn(), outage(), &everybody).await)
        .await?;
    assert_eq!(told(&house).await?, (4, 0));
    house.clock.advance(h(1));
    house.event(&planner(), Event::Announce).await?;
    assert_eq!(told(&house).await?, (2, 0));
    Ok(())
}

/// In China who is supplied at high voltage is one of the listed classes: told late, the outage is late. 1 kV is low voltage.
#[tokio::test]
async fn in_china_who_is_supplied_at_high_voltage_is_told_one_by_one() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    let at = |n: u8, volts| Affected {
        customer: given::customer(n),
        important: false,
        life_support: false,
        dedicated_line: false,
        own_generation: false,
        voltage_v: Some(volts),
        several_supplies: false,
    };
    let (now, special) = (house.now(), [at(3, 10_000), at(4, 1_000)]);
    house
        .by_itself(async |work| people::add(work.conn(), outage(), &special, now).await)
        .await?;
    assert_eq!(told(&house).await?, (3, 0));
    house.event(&planner(), Event::Announce).await?;
    assert_eq!(
        told(&house).await?,
        (3, 0),
        "the law of the announcement says so too"
    );
    house.served(1, "notice", &[1, 2]).await?;
    let words = house.refused(&planner(), Act::Gate).await?;
    assert!(words.starts_with("1 customers who must be told"), "{words}");
    house.served(1, "notice", &[3]).await?;
    assert_eq!(house.stored().await?.life.state, State::Noticed);
    Ok(())
}
