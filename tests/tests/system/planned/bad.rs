//! Bad input on the live system: a plain answer that names the field, nothing lost, and never a switch-off.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::street::{PHONES, Street, WHY, draft, h, min};

/// A device that is not in the network, a window of nothing, of 400 days, in the past or too far ahead: told by its field, and nothing is
/// planned.
#[tokio::test]
async fn what_is_no_plan_is_told_by_its_field() -> anyhow::Result<()> {
    let street = Street::begin(TimeDelta::days(8)).await?;
    street.drafted(street.outage, street.window(h(0))).await?;
    let window = |length| json!({ "off_at": street.off_at, "on_at": street.off_at + length });
    let past = street.window(-TimeDelta::days(9));
    let far = street.window(TimeDelta::days(401));
    for (field, value, named) in [
        ("device_ids", json!(["NO-SUCH-DEVICE"]), "device_ids"),
        ("device_ids", json!([]), "device_ids"),
        ("window", window(TimeDelta::zero()), "window.on_at"),
        ("window", window(-h(1)), "window.on_at"),
        ("window", window(TimeDelta::days(400)), "window.on_at"),
        ("window", past, "window.off_at"),
        ("window", far, "window.off_at"),
        ("template", json!("medium_voltage"), "template"),
    ] {
        let mut bad = draft(Uuid::now_v7(), street.window(h(0)));
        bad[field] = value;
        let api = street.who("planner").await?;
        let (status, problem) = api
            .try_post(Uuid::now_v7(), "/api/v1/planned-outages", bad)
            .await?;
        let named_it = problem["errors"].to_string().contains(named);
        anyhow::ensure!(status == 400 && named_it, "{field}: {status} {problem}");
    }
    let all = street
        .who("planner")
        .await?
        .get("/api/v1/planned-outages")
        .await?;
    assert_eq!(all["items"].as_array().map(Vec::len), Some(1), "{all}");
    worded(&street).await?;
    let mut system = street.system;
    system.stop().await
}

/// An area of one's own stands beside the one that was made from the set: the difference is seen.
async fn worded(street: &Street) -> anyhow::Result<()> {
    let mut body = draft(Uuid::now_v7(), street.window(TimeDelta::days(60)));
    body["words"]["area_zh"] = json!("小街北段");
    let own = street
        .who("planner")
        .await?
        .post("/api/v1/planned-outages", body)
        .await?;
    let made = street.read().await?["words"]["area_zh"].clone();
    assert_eq!(
        (&own["words"]["area_zh"], &own["area_made"]),
        (&json!("小街北段"), &made),
        "{own}"
    );
    Ok(())
}

/// Two plans on one feeder at one time: the second is told of the first, needs a reason, and a person who decides.
#[tokio::test]
async fn plans_that_overlap_name_each_other_and_need_a_reason() -> anyhow::Result<()> {
    let mut street = Street::begin(TimeDelta::days(8)).await?;
    let first = street.approved().await?;
    street.outage = Uuid::now_v7();
    street.off_at += h(2);
    street.drafted(street.outage, street.window(h(0))).await?;
    street.considered().await?;
    street.act("planner", json!({ "type": "submit" })).await?;
    let balance = |why: &str| json!({ "type": "balance", "justification": why });
    let words = street.refused("planner", balance("")).await?;
    assert!(words.contains("1 plans on the same feeder"), "{words}");
    let second = street.read().await?;
    assert_eq!(
        (&second["state"], &second["balance"]["conflicts"]),
        (&json!("submitted"), &json!([first]))
    );
    let second = street.act("planner", balance(WHY)).await?;
    assert_eq!(second["balance"]["conflicts"], json!([first]), "{second}");
    let mut system = street.system;
    system.stop().await
}

/// Four eyes: a manager who wrote the plan decides nothing about it.
#[tokio::test]
async fn who_wrote_the_plan_does_not_approve_it() -> anyhow::Result<()> {
    let mut street = Street::begin(TimeDelta::days(8)).await?;
    street.author = "manager";
    street.balanced().await?;
    let approve = json!({ "type": "approve", "justification": WHY });
    let words = street.refused("manager", approve).await?;
    assert!(words.contains("the author cannot decide this"), "{words}");
    let outage = street.read().await?;
    assert_eq!(
        (&outage["state"], &outage["approver"]),
        (&json!("balanced"), &json!(""))
    );
    let mut system = street.system;
    system.stop().await
}

/// Two people on one version at the same instant: one wins, the other is told to read again, and nothing of theirs is half done.
#[tokio::test]
async fn of_two_on_one_version_the_second_is_told_to_read_again() -> anyhow::Result<()> {
    let street = Street::begin(TimeDelta::days(8)).await?;
    street.approved().await?;
    let version = street.read().await?["version"].clone();
    let words = street.read().await?["words"].clone();
    let reword = |line: &str| {
        let mut words = words.clone();
        words["line"] = json!(line);
        json!({ "type": "reword", "words": words, "reason": "the line has another name" })
    };
    let (one, another) = tokio::join!(
        street.at_version("planner", &version, reword("10 kV one")),
        street.at_version("manager", &version, reword("10 kV another")),
    );
    let answers = [one?, another?];
    let mut statuses = answers.each_ref().map(|(status, _)| *status);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{answers:?}");
    let problem = answers
        .iter()
        .find(|(status, _)| *status == 409)
        .map(|(_, said)| said.to_string());
    assert!(
        problem.is_some_and(|said| said.contains("read it again")),
        "{answers:?}"
    );
    let won = answers
        .iter()
        .find(|(status, _)| *status == 200)
        .map(|(_, said)| &said["words"]["line"]);
    let now = street.read().await?;
    assert_eq!(Some(&now["words"]["line"]), won);
    let again = street
        .at_version("manager", &now["version"], reword("10 kV third"))
        .await?;
    assert_eq!(again.0, 200, "{again:?}");
    let mut system = street.system;
    system.stop().await
}

/// A clock that jumps back makes a good permit none, and supply is not back before it went off. What happened stays.
#[tokio::test]
async fn a_clock_that_jumps_back_switches_nothing_off_and_loses_nothing() -> anyhow::Result<()> {
    let street = Street::begin(TimeDelta::days(8)).await?;
    let number = street.ready().await?;
    street.until(min(1))?;
    let off = json!({ "type": "switch_off", "permit_id": street.permitted().await? });
    street.until(h(3))?;
    let words = street.refused("dispatcher", off.clone()).await?;
    assert!(words.contains("permit"), "{words}");
    assert_eq!(street.read().await?["state"], "ready");
    assert_eq!(street.ledger().await?, (0, 0));
    street.until(-TimeDelta::seconds(1))?;
    let outage = street.act("dispatcher", off).await?;
    street.ledger_shows(6).await?;

    street.until(h(2))?;
    let customer = street.only("backfeed").await?["customer_id"].clone();
    let told = json!({ "type": "isolate", "customer_id": customer, "step": "told" });
    street.act("dispatcher", told).await?;
    street
        .act("dispatcher", json!({ "type": "start_restoring" }))
        .await?;
    let all = json!({ "type": "restore", "all": true, "verified_by": "meter" });
    let words = street.refused("dispatcher", all.clone()).await?;
    assert!(words.contains("must not be before"), "{words}");
    street.until(-h(1))?;
    let back = street.act("dispatcher", all).await?;
    assert_eq!(back["switched_off_at"], outage["switched_off_at"]);
    street.ledger_shows(0).await?;
    let phones = street.texts(&number, 2 * PHONES).await?;
    assert!(
        phones.values().all(|got| *got == 2),
        "nobody is told twice: {phones:?}"
    );
    let mut system = street.system;
    system.stop().await
}

/// A clock that jumps over the day: nobody is reminded of what should be over, nothing may be switched off, and the desk hears of it.
#[tokio::test]
async fn a_clock_that_jumps_over_the_day_switches_nothing_off() -> anyhow::Result<()> {
    let street = Street::begin(TimeDelta::days(8)).await?;
    let number = street.noticed().await?;
    street.until(-h(7))?;
    crate::ask::until("the desk hears that its time is over", async || {
        let all: Vec<Value> = street.alarms("not_begun_over").await?;
        Ok((all.len() == 1).then_some(()))
    })
    .await?;
    let permit = json!({ "type": "permit", "number": "D-77", "read_back": true });
    street.refused("dispatcher", permit).await?;
    street.refused("planner", json!({ "type": "gate" })).await?;
    let outage = street.read().await?;
    assert_eq!(
        (&outage["state"], &outage["switched_off_at"]),
        (&json!("noticed"), &Value::Null)
    );
    assert_eq!(street.ledger().await?, (0, 0));
    let phones = street.texts(&number, PHONES).await?;
    assert!(phones.values().all(|got| *got == 1), "{phones:?}");
    // It can still be called off, and people hear so.
    let cancel = json!({ "type": "cancel", "reason": "its day is over" });
    assert_eq!(street.act("planner", cancel).await?["state"], "cancelled");
    let mut system = street.system;
    system.stop().await
}
