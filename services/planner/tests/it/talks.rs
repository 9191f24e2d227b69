//! Talks with dedicated-line customers (SI14): how long silence lasts before it is decided.

use chrono::TimeDelta;
use relight_planner::desk::act::Act;

use crate::given::{self, House, customer, manager, planner};

fn step(step: &'static str) -> Act {
    Act::Negotiate {
        customer: customer(3),
        step,
        window: None,
        note: "by letter".to_owned(),
    }
}

async fn dedicated() -> anyhow::Result<House> {
    let house = given::house().await?;
    house.drafted(given::outage(), given::window()).await?;
    house.submitted().await?;
    sqlx::query("update planner.recipient set dedicated_line = customer_id = $1")
        .bind(customer(3))
        .execute(house.db.pool())
        .await?;
    let justification = "the only day the crane is free".to_owned();
    let balance = relight_planner::domain::event::Event::Balance { justification };
    house.event(&planner(), balance).await?;
    Ok(house)
}

/// Sunday, 1 March: five working days end on Friday, 6 March, at 24:00. Silence until then decides nothing.
#[tokio::test]
async fn a_silent_customer_has_five_working_days() -> anyhow::Result<()> {
    let house = dedicated().await?;
    house.act(&planner(), step("proposed")).await?;
    let ends: chrono::DateTime<chrono::Utc> = "2026-03-06T15:59:59Z".parse()?;
    house.until(ends).await?;
    let words = house.refused(&manager(), step("decided")).await?;
    assert!(words.contains("5 business_days"), "{words}");
    // A second proposal does not begin the time anew.
    house.act(&planner(), step("proposed")).await?;
    house.until(ends + TimeDelta::seconds(2)).await?;
    house.act(&manager(), step("decided")).await?;
    Ok(())
}

/// Nothing was proposed: there is nothing to be silent about.
#[tokio::test]
async fn who_was_asked_nothing_is_not_decided_about() -> anyhow::Result<()> {
    let house = dedicated().await?;
    house.until(house.now() + TimeDelta::days(20)).await?;
    let words = house.refused(&manager(), step("decided")).await?;
    assert!(words.contains("proposed_at"), "{words}");
    // Three proposals, or a refusal, are decided at once.
    house.act(&planner(), step("proposed")).await?;
    house.refused(&manager(), step("decided")).await?;
    house.act(&planner(), step("refused")).await?;
    // Not by a planner, and not by who wrote the plan.
    let words = house.refused(&planner(), step("decided")).await?;
    assert!(words.contains("only a manager"), "{words}");
    let author = given::with("pat", relight_common::Role::Manager);
    let words = house.refused(&author, step("decided")).await?;
    assert!(words.contains("another person"), "{words}");
    house.act(&manager(), step("decided")).await?;
    Ok(())
}
