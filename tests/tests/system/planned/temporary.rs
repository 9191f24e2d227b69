//! What cannot wait for seven days: made temporary by a manager, with a day of notice and a reason (domain.md 5.2, 5.5 no. 30).

use serde_json::json;

use super::street::{PHONES, Street, at, h, min};

fn convert() -> serde_json::Value {
    json!({ "type": "convert", "why_not_planned": "the insulator is cracked" })
}

/// A day and a quarter is enough, and everybody hears that it is at short notice.
#[tokio::test]
async fn a_day_of_notice_carries_a_temporary_outage() -> anyhow::Result<()> {
    let street = Street::begin(h(30)).await?;
    let number = street.approved().await?;
    let outage = street.act("manager", convert()).await?;
    assert_eq!(outage["class"], "TEMPORARY");
    assert!(outage["marks"].to_string().contains("temporary"), "{outage}");
    street.act("planner", json!({ "type": "announce" })).await?;
    street.state("noticed").await?;
    street.texts(&number, PHONES).await?;
    street.visited().await?;
    street.acknowledged().await?;
    assert_eq!(street.public().await?[0]["class"], "TEMPORARY");
    street.until(h(24) - min(1))?;
    street.texts(&number, 2 * PHONES).await?;
    street.until(h(4) - min(1))?;
    street.state("ready").await?;
    street.off(h(0)).await?;
    let mut system = street.system;
    system.stop().await
}

/// Six minutes short of a day is no.
#[tokio::test]
async fn less_than_a_day_carries_none() -> anyhow::Result<()> {
    let street = Street::begin(h(25)).await?;
    street.approved().await?;
    street.act("manager", convert()).await?;
    street.until(h(24) - min(6))?;
    street.act("planner", json!({ "type": "announce" })).await?;
    street.served(2).await?;
    let words = street.refused("planner", json!({ "type": "gate" })).await?;
    assert!(words.contains("24"), "{words}");
    let gate = street.gate().await?;
    assert_eq!(gate["allowed"], false, "{gate}");
    assert!(at(&gate["earliest"])? > street.off_at, "{gate}");
    street.until(min(1))?;
    let permit = json!({ "type": "permit", "number": "D-77", "read_back": true });
    street.refused("dispatcher", permit).await?;
    assert_eq!(street.ledger().await?, (0, 0));
    let mut system = street.system;
    system.stop().await
}
