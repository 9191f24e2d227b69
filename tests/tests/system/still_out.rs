//! Still out: after a restoration a sample is asked by text. "Still off" comes in as a report and is a child incident with its own
//! clock and order; "back on" opens nothing. The desk sees both.

use anyhow::Context;
use chrono::Utc;
use relight_testkit::smsc::Sms;
use relight_tests::pack;
use serde_json::{Value, json};

use crate::{
    ask::{instant, text, until},
    journey::Journey,
};

/// Nobody waits here for those who call by themselves.
const AT_ONCE: [(&str, &str); 1] = [("INTAKE__CHECK_ASK_AFTER_MIN", "0")];

fn is_question(sms: &&Sms) -> bool {
    sms.text.contains("是否已恢复供电") || sms.text.contains("is your supply back")
}

fn is_chinese(sms: &Sms) -> bool {
    sms.text.contains("仍停电")
}

#[tokio::test]
async fn who_is_still_off_after_a_restoration_says_so_by_text_and_gets_an_order() -> anyhow::Result<()> {
    let town = pack::of_town(&pack::noon_zone(Utc::now()));
    let mut journey = Journey::prepare_with(town, &AT_ONCE).await?;
    let incident = journey.reports().await?;
    let order = journey.confirmed(&incident).await?;
    journey.sent(&order).await?;
    restored(&journey, &order).await?;
    let questions = asked(&journey, &incident).await?;

    let (no, yes) = (&questions[0], &questions[1]);
    let said_at = Utc::now();
    answer(&journey, no, ["仍停电", "STILL OFF"]);
    answer(&journey, yes, ["已来电", "BACK ON"]);
    let counted = until("both answers are there", async || {
        let total = checks(&journey, &incident).await?["total"].clone();
        Ok((total["yes"] == 1 && total["no"] == 1).then_some(total))
    })
    .await?;
    assert_eq!(counted["restored"], journey.field.dead.len());

    let child = child(&journey, &incident).await?;
    assert!(
        instant(&child["accepted_at"])? >= said_at,
        "a clock of its own: {child}"
    );
    assert_eq!(
        (&child["report_count"], &child["confirmed"]),
        (&json!(1), &json!(false))
    );
    ordered(&journey, &text(&child, "incident_id")?, &child["accepted_at"]).await?;
    // What was understood is said back to each, and both are asked no more.
    let smsc = &journey.system.smsc;
    let echoed = |sms: &&Sms| sms.text.contains("已记录您处") || sms.text.contains("noted that");
    smsc.texts()
        .wait_for(|all| all.iter().filter(echoed).count() == 2)
        .await?;
    assert_eq!(
        children(&journey, &incident).await?.len(),
        1,
        "who is back opens nothing"
    );
    journey.system.stop().await
}

/// On site, repaired, everybody back.
pub async fn restored(journey: &Journey, order: &str) -> anyhow::Result<()> {
    let work = journey
        .staff
        .dispatcher
        .get(&format!("/api/v1/orders/{order}"))
        .await?;
    let arrive = json!({ "type": "arrive", "position": work["position"] });
    journey.step(order, arrive).await?;
    journey.survey(order).await?;
    journey.repair(order).await?;
    let all = json!({ "type": "restore_section", "all": true, "verified_by": "call" });
    journey.step(order, all).await.map(drop)
}

async fn checks(journey: &Journey, incident: &str) -> anyhow::Result<Value> {
    let path = format!("/api/v1/incidents/{incident}/restoration-checks");
    journey.staff.dispatcher.get(&path).await
}

/// Every question of the sample, at the provider.
async fn asked(journey: &Journey, incident: &str) -> anyhow::Result<Vec<Sms>> {
    let texted = until("a sample is asked", async || {
        let total = checks(journey, incident).await?["total"].clone();
        Ok(total["texted"].as_u64().filter(|count| *count >= 2))
    })
    .await?;
    assert!(texted <= 20, "{texted}");
    let count = usize::try_from(texted)?;
    let all = journey.system.smsc.texts();
    let all = all
        .wait_for(|all| all.iter().filter(is_question).count() >= count)
        .await?;
    let questions: Vec<Sms> = all.iter().filter(is_question).cloned().collect();
    assert_eq!(questions.len(), count, "each once");
    Ok(questions)
}

fn answer(journey: &Journey, to: &Sms, words: [&str; 2]) {
    let word = words[usize::from(!is_chinese(to))];
    journey
        .system
        .smsc
        .write_to_client(to.destination.trim_start_matches('+'), "95598", word);
}

async fn children(journey: &Journey, parent: &str) -> anyhow::Result<Vec<Value>> {
    let open = journey.staff.dispatcher.get("/api/v1/incidents").await?;
    let open = open["items"].as_array().cloned().context("items")?;
    Ok(open
        .into_iter()
        .filter(|one| one["parent_id"] == parent)
        .collect())
}

async fn child(journey: &Journey, parent: &str) -> anyhow::Result<Value> {
    until("a child incident", async || {
        Ok(children(journey, parent).await?.pop())
    })
    .await
}

/// The child has an order whose clock is its own.
async fn ordered(journey: &Journey, incident: &str, accepted_at: &Value) -> anyhow::Result<()> {
    let order = until("the child's order", async || {
        let orders = journey.staff.dispatcher.get("/api/v1/orders").await?;
        let orders = orders["items"].as_array().cloned().unwrap_or_default();
        Ok(orders.into_iter().find(|order| order["incident_id"] == incident))
    })
    .await?;
    assert_eq!(instant(&order["accepted_at"])?, instant(accepted_at)?, "{order}");
    Ok(())
}
