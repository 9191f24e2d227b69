//! Moves, cancellations, locks, conflicts, a network that changed.

use chrono::TimeDelta;
use relight_common::ids::derived_from_name;
use relight_planner::{
    desk::act::Act,
    domain::{
        event::Event,
        ids::OutageId,
        outage::{Mark, State},
        window::Window,
    },
    store::lock::{self, Lock},
};

use crate::{
    given::{self, customer, h, manager, min, outage, planner, window},
    then,
};

fn by(delta: TimeDelta) -> Act {
    Act::Event(Event::Move {
        window: Window {
            off_at: window().off_at + delta,
            on_at: window().on_at + delta,
        },
        justification: "the only other day the crane is free".to_owned(),
    })
}

/// Another day: the old notice is void, said so to everybody who had it, and proves nothing for the new plan.
#[tokio::test]
async fn another_day_voids_the_notice_and_begins_a_new_plan() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    let one = house.act(&manager(), by(TimeDelta::days(10))).await?;
    assert_eq!((one.life.state, one.life.plan_no), (State::Approved, 2));
    let ended: (i32, bool) = sqlx::query_as("select plan_no, noticed from planner.ended_plan")
        .fetch_one(house.db.pool())
        .await?;
    assert_eq!(ended, (1, true));
    let words = house.refused(&planner(), Act::Event(Event::Announce)).await?;
    assert_eq!(words, "not countersigned by: dispatch, equipment, marketing");
    house.signed().await?;
    house.event(&planner(), Event::Announce).await?;
    // A receipt of the old notice that comes late proves nothing for the new one.
    house.served(1, "notice", &[1, 2, 3, 4]).await?;
    let words = house.refused(&planner(), Act::Gate).await?;
    assert!(words.starts_with("2 customers who must be told"), "{words}");
    house.served(2, "notice", &[1, 2, 3, 4]).await?;
    assert_eq!(house.stored().await?.life.state, State::Noticed);
    let told = [("notice", 1), ("void", 1), ("notice", 2)].map(|(kind, plan)| (kind.to_owned(), plan));
    assert_eq!(then::notices(&house.db).await?, told);
    Ok(())
}

#[tokio::test]
async fn earlier_is_never_and_later_today_is_told() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    house.until(window().off_at - h(5)).await?;
    assert!(!house.refused(&manager(), by(min(-1))).await?.is_empty());
    let one = house.act(&manager(), by(h(1))).await?;
    assert_eq!((one.life.state, one.life.plan_no), (State::Noticed, 1));
    let notices = then::notices(&house.db).await?;
    assert_eq!(notices.last().map(|(kind, _)| kind.as_str()), Some("changed"));
    Ok(())
}

#[tokio::test]
async fn called_off_shortly_before_tells_everybody_and_is_marked() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    house.until(window().off_at - h(20)).await?;
    let one = house.event(&planner(), Event::Cancel).await?;
    assert_eq!(
        (one.life.state, one.life.marks),
        (State::Cancelled, vec![Mark::ShortCancel])
    );
    let notices = then::notices(&house.db).await?;
    assert_eq!(notices.last().map(|(kind, _)| kind.as_str()), Some("cancelled"));
    let timers: i64 = sqlx::query_scalar("select count(*) from timer")
        .fetch_one(house.db.pool())
        .await?;
    assert_eq!(timers, 0, "nothing is left to fire");
    Ok(())
}

/// Two plans that interrupt the same customers within 30 days need a reason (domain.md 5.2).
#[tokio::test]
async fn a_plan_with_the_same_customers_needs_a_reason() -> anyhow::Result<()> {
    let house = given::house().await?;
    let other = OutageId::from_uuid(derived_from_name("another outage"));
    house.drafted(other, window()).await?;
    given::handed_in(&house, other).await?;
    house.drafted(outage(), window()).await?;
    house.submitted().await?;
    let balance = |why: &str| {
        Act::Event(Event::Balance {
            justification: why.to_owned(),
        })
    };
    let words = house.refused(&planner(), balance("")).await?;
    assert!(words.contains("1 plans on the same feeder"), "{words}");
    let balanced = house.act(&planner(), balance("one trench for both")).await?;
    assert_eq!(balanced.conflicts.len(), 1);
    // What it was decided with stays, whatever becomes of the other.
    sqlx::query("update planner.outage set state = 'cancelled' where id <> $1")
        .bind(outage().uuid())
        .execute(house.db.pool())
        .await?;
    assert_eq!(house.stored().await?.conflicts, balanced.conflicts);
    Ok(())
}

/// Nobody is interrupted twice, and yet two plans on one feeder within 30 days are looked at together.
#[tokio::test]
async fn another_plan_on_the_same_feeder_needs_a_reason_too() -> anyhow::Result<()> {
    let house = given::house().await?;
    let other = OutageId::from_uuid(derived_from_name("another outage"));
    house.drafted(other, window()).await?;
    given::handed_in(&house, other).await?;
    sqlx::query("update planner.recipient set released_at = added_at")
        .execute(house.db.pool())
        .await?;
    house.drafted(outage(), window()).await?;
    house.submitted().await?;
    let balance = Act::Event(Event::Balance {
        justification: String::new(),
    });
    let words = house.refused(&planner(), balance.clone()).await?;
    assert!(words.contains("1 plans on the same feeder"), "{words}");
    // What somebody typed as the line says nothing; the registry's feeder does.
    sqlx::query("update planner.outage set line = '10 kV F77' where id = $1")
        .bind(other.uuid())
        .execute(house.db.pool())
        .await?;
    let words = house.refused(&planner(), balance.clone()).await?;
    assert!(words.contains("1 plans on the same feeder"), "{words}");
    sqlx::query("update planner.outage set feeders = '{CB-77}' where id = $1")
        .bind(other.uuid())
        .execute(house.db.pool())
        .await?;
    let words = house.refused(&planner(), balance).await?;
    assert!(
        words.contains("0 plans on the same feeder"),
        "one supply only: {words}"
    );
    Ok(())
}

#[tokio::test]
async fn a_lock_stops_the_approval_until_it_is_lifted() -> anyhow::Result<()> {
    let house = given::house().await?;
    let id = derived_from_name("exam");
    let exam = Lock {
        id,
        kind: "event".to_owned(),
        org_path: "demo".to_owned(),
        from_at: window().off_at - h(1),
        until_at: window().off_at + h(1),
        reason: "entrance exam".to_owned(),
        lifted_by: None,
    };
    let mut conn = house.db.pool().acquire().await?;
    lock::insert(&mut conn, &exam, "mo").await?;
    drop(conn);
    let refused = house.approved().await.expect_err("locked");
    assert!(refused.to_string().contains("entrance exam"), "{refused}");
    let mut conn = house.db.pool().acquire().await?;
    let lifted = relight_planner::domain::ids::LockId::from_uuid(id);
    lock::lift(&mut conn, lifted, "mo", "the exam was moved").await?;
    drop(conn);
    let justification = String::from("the only day the crane is free");
    let approve = Event::Approve { justification };
    assert_eq!(
        house.event(&manager(), approve).await?.life.state,
        State::Approved
    );
    Ok(())
}

/// The network changed after the notice: who is new needs the full lead of their own (domain.md 5.5 no. 11).
#[tokio::test]
async fn a_customer_who_is_added_needs_a_notice_and_the_lead_of_their_own() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    let draft = given::a_draft(outage(), window());
    let mut affected = draft.affected;
    affected.remove(3);
    affected.push(relight_planner::store::people::Affected {
        customer: customer(9),
        life_support: true,
        ..affected[0]
    });
    house.clock.advance(h(48));
    let refresh = Act::Refresh(Box::new(given::found(draft.place, affected)));
    house.act(&planner(), refresh).await?;
    let notices = then::notices(&house.db).await?;
    let told: Vec<_> = notices.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(told, ["notice", "notice", "released"]);
    house.served(1, "notice", &[9]).await?;
    house.until(window().off_at - h(20)).await?;
    let words = house.refused(&planner(), Act::Gate).await?;
    assert!(words.contains("168"), "{words}");
    Ok(())
}

fn to(days: i64, justification: &str) -> Event {
    Event::Move {
        window: Window {
            off_at: window().off_at + TimeDelta::days(days),
            on_at: window().on_at + TimeDelta::days(days),
        },
        justification: justification.to_owned(),
    }
}

/// A move is compared as the plan was: what was far away on the old day may collide on the new one.
#[tokio::test]
async fn a_move_is_compared_with_the_plans_around_its_new_day() -> anyhow::Result<()> {
    let house = given::house().await?;
    let other = OutageId::from_uuid(derived_from_name("another outage"));
    let far = Window {
        off_at: window().off_at + TimeDelta::days(60),
        on_at: window().on_at + TimeDelta::days(60),
    };
    house.drafted(other, far).await?;
    given::handed_in(&house, other).await?;
    let one = house.approved().await?;
    assert!(one.conflicts.is_empty(), "60 days apart");
    let words = house.refused(&manager(), Act::Event(to(40, ""))).await?;
    assert!(words.contains("1 plans on the same feeder"), "{words}");
    assert!(house.stored().await?.conflicts.is_empty(), "nothing was moved");
    let moved = house.event(&manager(), to(40, "one trench for both")).await?;
    assert_eq!((moved.conflicts.len(), moved.life.plan_no), (1, 2));
    assert_eq!(moved.justification, "one trench for both");
    Ok(())
}

/// The year's counts are those of the new window: the ledger is asked again.
#[tokio::test]
async fn a_move_is_compared_with_the_limits_of_the_year() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    sqlx::query("update planner.recipient set several_supplies = true")
        .execute(house.db.pool())
        .await?;
    house.event(&manager(), to(20, "")).await?;
    let above = |justification| given::command(Act::Event(to(30, justification)));
    let command = |justification| relight_planner::desk::act::Command {
        above: Some((2, 1)),
        ..above(justification)
    };
    let words = house
        .run(&manager(), command(""))
        .await?
        .expect_err("above")
        .to_string();
    assert!(
        words.contains("2 customers above the yearly count, 1 above the yearly hours"),
        "{words}"
    );
    let moved = house
        .run(&manager(), command("the line is unsafe by then"))
        .await??;
    assert_eq!((moved.above_count, moved.above_hours), (2, 1));
    Ok(())
}

/// A lock that stands in the new window stops the move; one that stands in the old window does not.
#[tokio::test]
async fn a_move_asks_the_locks_of_its_new_day() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    let lock_at = |name: &str, days: i64| Lock {
        id: derived_from_name(name),
        kind: "event".to_owned(),
        org_path: "demo".to_owned(),
        from_at: window().off_at + TimeDelta::days(days),
        until_at: window().on_at + TimeDelta::days(days),
        reason: name.to_owned(),
        lifted_by: None,
    };
    let mut conn = house.db.pool().acquire().await?;
    lock::insert(&mut conn, &lock_at("storm", 0), "mo").await?;
    lock::insert(&mut conn, &lock_at("entrance exam", 10), "mo").await?;
    drop(conn);
    let words = house.refused(&manager(), by(TimeDelta::days(10))).await?;
    assert!(
        words.contains("entrance exam") && !words.contains("storm"),
        "{words}"
    );
    let moved = house.act(&manager(), by(TimeDelta::days(12))).await?;
    assert_eq!(moved.life.plan_no, 2);
    Ok(())
}
