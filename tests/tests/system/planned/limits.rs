//! What a plan is compared with: who was off how often this year, by the ledger, and important customers who have one supply only, by
//! the registry. And the age of a permit.

use chrono::{Datelike, TimeDelta, Utc};
use relight_tests::pack::ORG;
use serde_json::json;
use uuid::Uuid;

use super::street::{Street, WHY, at, h, min};
use crate::ask::text;

/// The first transformer supplies at 35 kV, where one planned interruption a year is the limit; the other at 0.4 kV, where it is three.
fn at_35_kv(name: &str, text: &mut String) {
    if name == "service_point.csv" {
        let lines = text.lines().map(|line| match line {
            line if line.starts_with("id,") => format!("{line},voltage_kv"),
            line if line.contains(",LV1,") => format!("{line},35"),
            line => format!("{line},0.4"),
        });
        *text = lines.map(|line| line + "\n").collect();
    }
}

/// Twice in one year on the calendar, whenever the test runs.
fn ahead() -> TimeDelta {
    let begins = Utc::now() + TimeDelta::days(8);
    if (begins - TimeDelta::days(2)).year() == (begins + TimeDelta::days(14)).year() {
        TimeDelta::days(8)
    } else {
        TimeDelta::days(30)
    }
}

/// domain.md 5.2: 35 kV at most once a year, below at most three times, this one included. The first interruption is one that
/// really happened, as the ledger has it.
#[tokio::test]
async fn who_was_off_this_year_by_the_ledger_is_counted_in_the_next_plan() -> anyhow::Result<()> {
    let mut street = Street::of(ahead(), at_35_kv).await?;
    street.ready().await?;
    let first = street.read().await?;
    assert_eq!(
        (&first["balance"]["above_count"], &first["balance"]["above_hours"]),
        (&json!(0), &json!(0)),
        "{first}"
    );
    street.off(h(0)).await?;
    street.until(-h(5))?;
    for one in street.recipients("backfeed").await? {
        let told = json!({ "type": "isolate", "customer_id": one["customer_id"], "step": "told" });
        street.act("dispatcher", told).await?;
    }
    street
        .act("dispatcher", json!({ "type": "start_restoring" }))
        .await?;
    let all = json!({ "type": "restore", "all": true, "verified_by": "meter" });
    street.act("dispatcher", all).await?;
    street.ledger_shows(0).await?;
    assert_eq!(street.ledger().await?, (0, 6));

    street.outage = Uuid::now_v7();
    street.off_at += TimeDelta::days(9);
    street.drafted(street.outage, street.window(h(0))).await?;
    street.considered().await?;
    street.act("planner", json!({ "type": "submit" })).await?;
    let balance = |why: &str| json!({ "type": "balance", "justification": why });
    let words = street.refused("planner", balance("")).await?;
    assert!(words.contains("3 customers above the yearly count"), "{words}");
    let second = street.act("planner", balance(WHY)).await?;
    assert_eq!(
        (&second["balance"]["above_count"], &second["state"]),
        (&json!(3), &json!("balanced")),
        "those at 35 kV, not the others: {second}"
    );
    let mut system = street.system;
    system.stop().await
}

/// A second breaker, from which the important customer has another supply.
fn two_supplies(name: &str, text: &mut String) {
    match name {
        "bus.csv" => text.push_str("MV2,120.04,30.0\nLV9,120.05,30.0\n"),
        "switch.csv" => text.push_str("CB2,breaker,SUB,123,MV2,123,yes,no\n"),
        "transformer.csv" => text.push_str("T9,MV2:123 LV9:123,yes,no\n"),
        "service_point.csv" => {
            let second = text.lines().nth(1).unwrap_or_default();
            let zone = second.split(',').nth(8).unwrap_or_default();
            let point =
                format!("P-9,LV9,123,S-1,,120.05,30.0,urban,{zone},{ORG},大街9号,9 Great Street,none,yes\n");
            text.push_str(&point);
        }
        _ => {}
    }
}

/// The same plan with the same important customer: with one supply in the registry it needs a reason, with two it needs none.
#[tokio::test]
async fn an_important_customer_has_one_supply_or_several_as_the_registry_says() -> anyhow::Result<()> {
    let submitted = async |street: &Street| -> anyhow::Result<()> {
        street.drafted(street.outage, street.window(h(0))).await?;
        street.considered().await?;
        street.act("planner", json!({ "type": "submit" })).await.map(drop)
    };
    let balance = json!({ "type": "balance", "justification": "" });

    let one = Street::begin(TimeDelta::days(8)).await?;
    submitted(&one).await?;
    let words = one.refused("planner", balance.clone()).await?;
    assert!(words.contains("1 important ones with a single supply"), "{words}");
    assert_eq!(one.read().await?["balance"]["single_source"], 1);
    let mut system = one.system;
    system.stop().await?;

    let two = Street::of(TimeDelta::days(8), two_supplies).await?;
    submitted(&two).await?;
    let plan = two.act("planner", balance).await?;
    assert_eq!(
        (&plan["state"], &plan["balance"]["single_source"]),
        (&json!("balanced"), &json!(0)),
        "{plan}"
    );
    assert_eq!(plan["affected_count"], 6, "off on one of two supplies: {plan}");
    let mut system = two.system;
    system.stop().await
}

/// Six minutes old, it is good for nothing although the time is right; a new one switches off.
#[tokio::test]
async fn a_permit_older_than_five_minutes_switches_nothing_off() -> anyhow::Result<()> {
    let street = Street::begin(TimeDelta::days(8)).await?;
    street.ready().await?;
    street.until(min(4))?;
    let off = |permit: &str| json!({ "type": "switch_off", "permit_id": permit });
    let old = street.permitted().await?;
    street.until(-min(2))?;
    let words = street.refused("dispatcher", off(&old)).await?;
    assert!(words.contains("older than 5 minutes"), "{words}");
    let outage = street.read().await?;
    assert_eq!(
        (&outage["state"], &outage["switched_off_at"]),
        (&json!("ready"), &json!(null))
    );
    assert_eq!(street.ledger().await?, (0, 0));

    let permit = json!({ "type": "permit", "number": "D-78", "read_back": true });
    let fresh = text(&street.act("dispatcher", permit).await?, "permit_id")?;
    let words = street.refused("dispatcher", off(&old)).await?;
    assert!(words.contains("not the permit"), "{words}");
    let outage = street.act("dispatcher", off(&fresh)).await?;
    assert!(at(&outage["switched_off_at"])? >= street.off_at);
    street.ledger_shows(6).await?;
    let mut system = street.system;
    system.stop().await
}
