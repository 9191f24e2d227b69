//! The day itself: called off on it, begun later.

use chrono::TimeDelta;
use serde_json::json;

use super::street::{PHONES, Street, at, h, min};
use crate::ask::until;

/// Not before the day; then everybody hears it, and no permit is left to switch off.
#[tokio::test]
async fn called_off_on_the_day_it_is_told_and_never_switched() -> anyhow::Result<()> {
    let street = Street::begin(TimeDelta::days(8)).await?;
    let abort = json!({ "type": "abort", "reason": "thunderstorm" });
    let number = street.ready().await?;
    let day_before = street.off_at - h(30);
    street.system.clock_to(day_before)?;
    let words = street.refused("dispatcher", abort.clone()).await?;
    assert!(words.contains("only on the day"), "{words}");
    street.until(min(1))?;
    let permit = street.permitted().await?;
    let outage = street.act("dispatcher", abort).await?;
    assert_eq!(
        (&outage["state"], &outage["marks"]),
        (&json!("aborted"), &json!(["short_cancel"])),
        "{outage}"
    );
    street.until(-TimeDelta::seconds(1))?;
    let off = json!({ "type": "switch_off", "permit_id": permit });
    let words = street.refused("dispatcher", off).await?;
    assert!(words.contains("aborted"), "{words}");
    street.all_hear(&number, 3 * PHONES, "CANCELLED").await?;
    assert_eq!(street.ledger().await?, (0, 0));
    let mut system = street.system;
    system.stop().await
}

/// operations.md O30: the end stays, a manager confirms, people are told, and then it begins; it counts against accuracy.
#[tokio::test]
async fn a_late_start_is_confirmed_told_and_then_switched() -> anyhow::Result<()> {
    let street = Street::begin(TimeDelta::days(8)).await?;
    let number = street.ready().await?;
    street.until(-min(40))?;
    let permit = json!({ "type": "permit", "number": "D-77", "read_back": true });
    let words = street.refused("dispatcher", permit).await?;
    assert!(words.contains("confirm a late start"), "{words}");
    let later = |hours| json!({ "type": "start_late", "off_at": street.off_at + h(hours), "reason": "the crane is late" });
    let words = street.refused("planner", later(2)).await?;
    assert!(words.contains("only a manager"), "{words}");
    let words = street.refused("manager", later(6)).await?;
    assert!(
        words.contains("between the announced start and the announced end"),
        "{words}"
    );
    street.act("manager", later(2)).await?;
    street.all_hear(&number, 3 * PHONES, "begins later").await?;
    told_of_it(&street).await?;
    let outage = street.off(h(2)).await?;
    assert!(at(&outage["switched_off_at"])? >= street.off_at + h(2));
    assert_eq!(
        at(&outage["window"]["on_at"])?,
        street.off_at + h(6),
        "the end stays"
    );
    assert_eq!(outage["marks"], json!(["late_start"]));
    let mut system = street.system;
    system.stop().await
}

/// Whoever must be told has proof of it: switching off waits for that.
async fn told_of_it(street: &Street) -> anyhow::Result<()> {
    until("everybody has the later start", async || {
        let kept = street.part("compliance").await?;
        let proofs = kept["proofs"].as_array().cloned().unwrap_or_default();
        let late = proofs.iter().find(|one| one["kind"] == "late_start");
        Ok(late.filter(|one| one["count"] == PHONES).map(drop))
    })
    .await
}
