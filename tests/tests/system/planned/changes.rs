//! What changes after the announcement: a later end, a later start on the same day, no outage at all (domain.md 5.5 no. 7 to 10, 34).

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::street::{PHONES, Street, at, h, min};

/// Told before the announced end; after it too, since supply is off and people wait, but marked. It never becomes shorter.
#[tokio::test]
async fn a_later_end_is_told_before_the_announced_end_and_after_it_is_marked() -> anyhow::Result<()> {
    let street = Street::begin(TimeDelta::days(8)).await?;
    let number = street.ready().await?;
    street.off(h(0)).await?;
    let end = street.off_at + h(6);
    let longer =
        |hours: i64| json!({ "type": "extend", "on_at": end + h(hours), "reason": "the cable end is wet" });
    street.until(-h(3))?;
    let words = street.refused("dispatcher", longer(-1)).await?;
    assert!(words.contains("must be later than the announced one"), "{words}");
    let outage = street.act("dispatcher", longer(1)).await?;
    assert_eq!(outage["marks"], json!(["extended"]), "{outage}");
    street.all_hear(&number, 3 * PHONES, "overrunning").await?;
    let shown = &street.public().await?[0];
    assert_eq!(at(&shown["window"]["on_at"])?, end + h(1), "{shown}");

    street.until(-h(7) - min(10))?;
    assert!(
        !street.refused("dispatcher", longer(1)).await?.is_empty(),
        "it passed"
    );
    let outage = street.act("dispatcher", longer(3)).await?;
    let marks = outage["marks"].to_string();
    assert!(
        marks.contains("told_late") && marks.contains("asked_late"),
        "{marks}"
    );
    assert_eq!(street.texts(&number, 4 * PHONES).await?.len(), PHONES);
    // Three hours longer than first told: important customers are called, by a person.
    assert_eq!(street.recipients("uncalled").await?.len(), 1);
    assert_eq!(street.alarms("longer_calls").await?.len(), 1);
    written_up(&street).await?;
    let mut system = street.system;
    system.stop().await
}

/// What deviated has a word in the archive, and every end people read is kept.
async fn written_up(street: &Street) -> anyhow::Result<()> {
    street.back().await?;
    street.ledger_shows(0).await?;
    let archive = |note: &str| json!({ "type": "archive", "note": note });
    let words = street.refused("planner", archive("")).await?;
    assert!(words.contains("told_late"), "{words}");
    street
        .act("planner", archive("the cable end was made twice"))
        .await?;
    let kept = street.part("announcements").await?;
    let ends: Vec<Value> = (0..3)
        .map(|n| kept["items"][n]["window"]["on_at"].clone())
        .collect();
    let ends = ends.iter().map(at).collect::<Result<Vec<_>, _>>()?;
    let end = street.off_at + h(6);
    assert_eq!(ends, [end, end + h(1), end + h(3)], "{kept}");
    let sheet = street.part("transfer-sheet").await?;
    assert_eq!(sheet["ends_told"].as_array().map(Vec::len), Some(3), "{sheet}");
    Ok(())
}

/// Later on the same day is told, and the notice stands; a minute earlier is no, whoever asks.
#[tokio::test]
async fn later_on_the_same_day_is_told_and_earlier_never_is() -> anyhow::Result<()> {
    let street = Street::begin(TimeDelta::days(8)).await?;
    let number = street.noticed().await?;
    street.until(h(24) - min(1))?;
    street.texts(&number, 2 * PHONES).await?;
    street.until(h(20))?;
    let moved = |by| json!({ "type": "move", "window": street.window(by), "reason": "the crane", "justification": "one supply only" });
    let words = street.refused("manager", moved(min(-1))).await?;
    assert!(words.contains("earlier"), "{words}");
    let outage = street.act("manager", moved(h(2))).await?;
    assert_eq!(
        (&outage["plan_no"], &outage["state"], &outage["ended_plans"]),
        (&json!(1), &json!("noticed"), &json!([])),
        "the notice stands: {outage}"
    );
    street.all_hear(&number, 3 * PHONES, "MOVED").await?;
    let shown = street.public().await?;
    assert_eq!(shown.len(), 1);
    assert_eq!(at(&shown[0]["window"]["off_at"])?, street.off_at + h(2));
    let kept = street.part("announcements").await?;
    assert_eq!(
        (&kept["items"][0]["edition"], &kept["items"][1]["edition"]),
        (&json!(1), &json!(2)),
        "{kept}"
    );
    // What the important customer said was about another hour.
    street.acknowledged().await?;
    street.until(h(2) - min(1))?;
    street.state("ready").await?;
    street.off(h(2)).await?;
    assert_eq!(
        street.texts(&number, 3 * PHONES).await?.len(),
        PHONES,
        "no second notice"
    );
    let mut system = street.system;
    system.stop().await
}

/// Everybody who was told hears that it does not take place; nobody is in the way of another plan any more, and a call on that day is
/// no known outage.
#[tokio::test]
async fn what_is_called_off_is_told_to_everybody_and_lets_go_of_them() -> anyhow::Result<()> {
    let street = Street::begin(TimeDelta::days(8)).await?;
    let number = street.noticed().await?;
    let other = Uuid::now_v7();
    street.drafted(other, street.window(TimeDelta::days(7))).await?;
    let collides = async || {
        let path = format!("/api/v1/planned-outages/{other}");
        let found = street.who("planner").await?.get(&path).await?;
        anyhow::Ok(found["balance"]["conflicts"].clone())
    };
    assert_eq!(collides().await?, json!([number]));
    let cancel = json!({ "type": "cancel", "reason": "the switch did not come" });
    let words = street.refused("agent", cancel.clone()).await?;
    assert!(words.contains("planner, manager or dispatcher"), "{words}");
    let outage = street.act("planner", cancel.clone()).await?;
    assert_eq!(
        (&outage["state"], &outage["marks"]),
        (&json!("cancelled"), &json!([]))
    );
    street.all_hear(&number, 2 * PHONES, "CANCELLED").await?;
    assert_eq!(collides().await?, json!([]), "nobody is in its way");
    assert_eq!(street.public().await?[0]["state"], "cancelled");
    street.refused("planner", cancel).await?;

    street.until(min(1))?;
    let permit = json!({ "type": "permit", "number": "D-77", "read_back": true });
    assert!(street.refused("dispatcher", permit).await?.contains("cancelled"));
    street.until(-h(1))?;
    let report = street.called_in("S-3").await?;
    assert_ne!(report["triage"], "known_outage", "{report}");
    assert_eq!(
        street.texts(&number, 2 * PHONES).await?.len(),
        PHONES,
        "nobody is reminded"
    );
    assert!(street.alarms("not_begun").await?.is_empty());
    let mut system = street.system;
    system.stop().await
}
