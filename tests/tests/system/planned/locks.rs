//! Times in which nothing is switched off for work, as data: an exam, a holiday, a warning of the weather (domain.md 5.5 no. 21).

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::street::{PHONES, Street, WHY, h, min};

/// Nothing is approved in one before it is lifted; one that comes over an announced plan holds the gate, and is said at once.
#[tokio::test]
async fn a_lock_holds_the_approval_and_the_gate_until_it_is_lifted() -> anyhow::Result<()> {
    let street = Street::begin(TimeDelta::days(8)).await?;
    street.balanced().await?;
    street.countersigned().await?;
    let exam = locked(&street, "event", "the university entrance examination").await?;
    let approve = json!({ "type": "approve", "justification": WHY });
    let words = street.refused("manager", approve.clone()).await?;
    assert!(
        words.contains("locked") && words.contains("examination"),
        "{words}"
    );
    lifted(&street, exam).await?;
    street.act("manager", approve).await?;
    street.act("planner", json!({ "type": "announce" })).await?;
    street.state("noticed").await?;
    street.visited().await?;
    street.acknowledged().await?;
    let storm = locked(&street, "weather", "orange warning of a typhoon").await?;
    assert_eq!(street.alarms("locked").await?.len(), 1);
    street.until(h(4) - min(1))?;
    crate::ask::until("the gate says that it holds", async || {
        Ok((street.alarms("gate").await?.len() == 1).then_some(()))
    })
    .await?;
    let words = street.refused("planner", json!({ "type": "gate" })).await?;
    assert!(words.contains("typhoon"), "{words}");
    let number = street.read().await?["number"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    street.texts(&number, 2 * PHONES).await?;
    lifted(&street, storm).await?;
    assert_eq!(
        street.act("planner", json!({ "type": "gate" })).await?["state"],
        "ready"
    );
    let mut system = street.system;
    system.stop().await
}

/// Over the whole day of the outage, everywhere; only a manager sets one.
async fn locked(street: &Street, kind: &str, reason: &str) -> anyhow::Result<Uuid> {
    let id = Uuid::now_v7();
    let (from_at, until_at) = (street.off_at - h(6), street.off_at + h(12));
    let lock = json!({ "lock_id": id, "kind": kind, "org_path": relight_tests::pack::ORG, "from_at": from_at, "until_at": until_at, "reason": reason });
    let planner = street.who("planner").await?;
    let (status, _) = planner
        .try_post(Uuid::now_v7(), "/api/v1/work-locks", lock.clone())
        .await?;
    anyhow::ensure!(status == 403, "{status}");
    street
        .who("manager")
        .await?
        .post("/api/v1/work-locks", lock)
        .await?;
    Ok(id)
}

async fn lifted(street: &Street, lock: Uuid) -> anyhow::Result<()> {
    let path = format!("/api/v1/work-locks/{lock}/lift");
    let why = json!({ "reason": "the school has its own supply that day" });
    street.who("manager").await?.post(&path, why).await.map(drop)
}
