//! The day itself: called off on it, begun later, not restored in time and handed over to a fault.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::street::{PHONES, Street, at, h, min};
use crate::ask::{text, until};

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

/// domain.md 5.5 no. 26: the plan ends when people were told, the fault goes on from the same instant, and nobody hears of supply that
/// is not back.
#[tokio::test]
async fn what_cannot_be_restored_goes_on_as_a_fault_without_a_gap() -> anyhow::Result<()> {
    let street = Street::begin(TimeDelta::days(8)).await?;
    let number = street.ready().await?;
    street.off(h(0)).await?;
    let over = json!({ "type": "hand_over", "reason": "the transformer is burnt" });
    street.until(-h(5))?;
    let words = street.refused("dispatcher", over.clone()).await?;
    assert!(
        words.contains("extend it, or hand it over from then on"),
        "{words}"
    );
    let end = street.off_at + h(6);
    street.until(-h(6) - min(5))?;
    let words = street.refused("dispatcher", over.clone()).await?;
    assert!(
        words.contains("6 customers") && words.contains("are in no fault"),
        "{words}"
    );
    confirmed(&street).await?;
    let outage = handed_over(&street, over).await?;
    assert_eq!(at(&outage["restored_at"])?, end);
    let marks = outage["marks"].to_string();
    assert!(
        marks.contains("overrun") && marks.contains("handed_over"),
        "{marks}"
    );
    until("the fault has everybody from the announced end on", async || {
        let (planned, faults) = records(&street).await?;
        let is_split = planned.len() == 6 && planned.iter().all(|on| *on == end);
        Ok((is_split && faults.len() == 6 && faults.iter().all(|off| *off == end)).then_some(()))
    })
    .await?;
    let phones = street.texts(&number, 2 * PHONES).await?;
    assert!(
        phones.values().all(|got| *got == 2),
        "nobody is told that it is back: {phones:?}"
    );
    let mut system = street.system;
    system.stop().await
}

/// Somebody calls after the announced end: that is a fault, and the dispatcher confirms where.
async fn confirmed(street: &Street) -> anyhow::Result<()> {
    let report = street.called_in("S-3").await?;
    assert_ne!(report["triage"], "known_outage", "its time is over: {report}");
    let path = format!("/api/v1/reports/{}", text(&report, "report_id")?);
    let incident = until("the call is in an incident", async || {
        let report = street.who("agent").await?.get(&path).await?;
        Ok(Some(text(&report, "incident_id")?).filter(|id| !id.is_empty()))
    })
    .await?;
    let path = format!("/api/v1/incidents/{incident}/confirm");
    let device = json!({ "device_id": "CB1" });
    street
        .who("dispatcher")
        .await?
        .post(&path, device)
        .await
        .map(drop)
}

/// Once the ledger has the fault.
async fn handed_over(street: &Street, event: Value) -> anyhow::Result<Value> {
    let path = street.path("/events");
    until("the fault covers everybody", async || {
        let (api, body) = (street.who("dispatcher").await?, json!({ "event": event }));
        let (status, answer) = api.try_post(Uuid::now_v7(), &path, body).await?;
        anyhow::ensure!(status.is_success() || status == 409, "{status}: {answer}");
        Ok(status.is_success().then_some(answer))
    })
    .await
}

/// When planned records ended, and since when faults last.
async fn records(street: &Street) -> anyhow::Result<(Vec<DateTime<Utc>>, Vec<DateTime<Utc>>)> {
    let mut database = street.system.database.connect().await?;
    let planned = "select on_at from insight.interruption where class = 'PLANNED'";
    let planned = sqlx::query_scalar(planned).fetch_all(&mut database).await;
    let faults = "select off_at from insight.interruption_open where class = 'FAULT'";
    let faults = sqlx::query_scalar(faults).fetch_all(&mut database).await;
    Ok((planned.context("planned")?, faults.context("faults")?))
}
