//! Customers whom a change of the network adds after the announcement (domain.md 5.5 no. 11), and what the public reads then.

use relight_planner::{
    desk::act::{Act, Command},
    domain::{
        event::Event,
        outage::{Class, State},
    },
    store::{
        outage::Words,
        people::{self, Affected},
    },
};

use crate::{
    given::{self, House, command, customer, h, manager, outage, planner, window},
    then,
};

fn ordinary(n: u8) -> Affected {
    Affected {
        customer: customer(n),
        important: false,
        life_support: false,
        dedicated_line: false,
        own_generation: false,
        voltage_v: Some(220),
        several_supplies: false,
    }
}

/// The set as it is now: everybody of the draft but `without`, and `with`.
fn refresh(without: &[u8], with: &[u8]) -> Act {
    let draft = given::a_draft(outage(), window());
    let stays = |one: &Affected| without.iter().all(|n| customer(*n) != one.customer);
    let mut affected: Vec<_> = draft.affected.into_iter().filter(stays).collect();
    affected.extend(with.iter().map(|n| ordinary(*n)));
    Act::Refresh(Box::new(given::found(draft.place, affected)))
}

/// Noticed, answered and reminded: only the added customer is left to look after.
async fn nearly_ready(act: Act, hours_before: i64) -> anyhow::Result<House> {
    let house = given::house().await?;
    house.noticed().await?;
    house.answered(1).await?;
    house.until(window().off_at - h(hours_before)).await?;
    house.act(&planner(), act).await?;
    Ok(house)
}

/// Three days before the start an ordinary customer is added: three days are no seven, for them as for anybody.
#[tokio::test]
async fn an_ordinary_customer_who_is_added_has_the_full_lead_too() -> anyhow::Result<()> {
    let house = nearly_ready(refresh(&[], &[9]), 72).await?;
    assert_eq!(then::notices(&house.db).await?.len(), 2, "told at once");
    house.until(window().off_at - h(20)).await?;
    let words = house.refused(&planner(), Act::Gate).await?;
    assert!(words.starts_with("1 customers who must be told"), "{words}");
    house.served(1, "notice", &[9]).await?;
    let words = house.refused(&planner(), Act::Gate).await?;
    assert!(words.contains("168"), "{words}");
    // Another day gives everybody the full lead again.
    let later = Event::Move {
        window: relight_planner::domain::window::Window {
            off_at: window().off_at + h(240),
            on_at: window().on_at + h(240),
        },
        justification: "one supply only".to_owned(),
    };
    let moved = house.event(&manager(), later).await?;
    assert_eq!((moved.life.state, moved.life.plan_no), (State::Approved, 2));
    let own: i64 = sqlx::query_scalar("select count(*) from planner.recipient where own_lead")
        .fetch_one(house.db.pool())
        .await?;
    assert_eq!(own, 0);
    Ok(())
}

/// Told three days before, it may be done as a temporary outage, if a manager decides so and says why.
#[tokio::test]
async fn a_plan_somebody_was_added_to_may_become_temporary() -> anyhow::Result<()> {
    let house = nearly_ready(refresh(&[], &[9]), 72).await?;
    house.served(1, "notice", &[9]).await?;
    let why = "the transferred transformer fails before next week".to_owned();
    let one = house.event(&manager(), Event::Convert { why }).await?;
    assert!(matches!(one.life.class, Class::Temporary { .. }));
    house.until(window().off_at - h(20)).await?;
    assert_eq!(house.act(&planner(), Act::Gate).await?.life.state, State::Ready);
    Ok(())
}

/// Who was released was told so: what they heard before is no notice of what came after.
#[tokio::test]
async fn who_is_released_and_added_again_is_told_again() -> anyhow::Result<()> {
    let house = nearly_ready(refresh(&[3], &[]), 96).await?;
    house.act(&planner(), refresh(&[], &[])).await?;
    house.until(window().off_at - h(20)).await?;
    let words = house.refused(&planner(), Act::Gate).await?;
    assert!(words.starts_with("1 customers who must be told"), "{words}");
    house.served(1, "notice", &[3]).await?;
    let words = house.refused(&planner(), Act::Gate).await?;
    assert!(words.contains("168"), "the first notice does not count: {words}");
    Ok(())
}

/// The public reads the area of the new set, or as somebody words it; nothing is reworded where nobody came or went.
#[tokio::test]
async fn the_public_reads_the_new_area() -> anyhow::Result<()> {
    let house = nearly_ready(refresh(&[], &[]), 72).await?;
    sqlx::query("update planner.outage set area_zh = '湖滨路一带', area_en = 'around Lake Road'")
        .execute(house.db.pool())
        .await?;
    house.act(&planner(), refresh(&[], &[])).await?;
    assert_eq!(house.stored().await?.words.area_zh, "湖滨路一带");
    house.act(&planner(), refresh(&[], &[9])).await?;
    let one = house.stored().await?;
    assert_eq!(
        (one.words.area_zh.as_str(), one.words.area_en.as_str()),
        ("湖滨路、北山路", "Lake Road, North Hill Road")
    );
    let words = Words {
        area_zh: "湖滨路、北山路1至9号".to_owned(),
        ..one.words.clone()
    };
    let worded = Command {
        words: Some(words),
        ..command(refresh(&[], &[9, 10]))
    };
    let refused = house.run(&planner(), worded).await?.expect_err("nobody read it");
    assert!(refused.to_string().contains("leave words out"), "{refused}");
    assert_eq!(house.stored().await?.words, one.words, "nothing was taken");
    Ok(())
}

/// Before supply returns somebody calls whoever could feed back or take harm: high voltage and several supplies as well as own
/// generation (operations.md O2). A solar panel is no second supply.
#[tokio::test]
async fn high_voltage_and_several_supplies_are_called_and_a_solar_panel_is_no_second_supply()
-> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    let read = async || -> anyhow::Result<(u32, u32)> {
        let one = house.stored().await?;
        let mut conn = house.db.pool().acquire().await?;
        let facts = relight_planner::store::facts::read(&mut conn, &one).await?;
        Ok((facts.backfeed_untold, facts.balance.single_source))
    };
    assert_eq!(read().await?, (1, 1), "the generator, and the important customer");
    let table = [
        (
            Affected {
                voltage_v: Some(1_000),
                ..ordinary(3)
            },
            (1, 1),
        ),
        (
            Affected {
                voltage_v: Some(10_000),
                ..ordinary(3)
            },
            (2, 1),
        ),
        (
            Affected {
                important: true,
                own_generation: true,
                ..ordinary(4)
            },
            (3, 2),
        ),
        (
            Affected {
                important: true,
                several_supplies: true,
                ..ordinary(4)
            },
            (3, 1),
        ),
    ];
    for (one, expected) in table {
        let (id, at) = (outage(), house.now());
        house
            .by_itself(async |work| people::add(work.conn(), id, &[one], at).await)
            .await?;
        assert_eq!(read().await?, expected, "{one:?}");
    }
    let call = |n, told| Act::Isolate {
        customer: customer(n),
        told,
    };
    house.act(&given::dispatcher(), call(3, true)).await?;
    house.act(&given::dispatcher(), call(4, true)).await?;
    assert_eq!(read().await?.0, 1);
    house.refused(&given::dispatcher(), call(3, false)).await?;
    Ok(())
}
