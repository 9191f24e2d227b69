//! The network changes after the announcement: who is added has a lead of their own, who is released is told (domain.md 5.5 no. 11, 13).

use chrono::TimeDelta;
use relight_tests::pack::ORG;
use serde_json::json;

use super::{
    street::{PHONES, Street, WHY, h, min},
    texts_of,
};
use crate::{ask::until, small};

/// A second breaker with a street of its own, where customer 8 lives.
fn two_feeders(name: &str, text: &mut String) {
    match name {
        "bus.csv" => text.push_str("MV2,120.04,30.0\nLV8,120.05,30.0\nLV9,120.06,30.0\n"),
        "switch.csv" => text.push_str("CB2,breaker,SUB,123,MV2,123,yes,no\n"),
        "transformer.csv" => text.push_str("T8,MV2:123 LV8:123,yes,no\nT9,MV2:123 LV9:123,yes,no\n"),
        "customer.csv" => text.push_str("S-8,Customer 8,en,ordinary,no,no\n"),
        "contact.csv" => text.push_str(&format!("S-8,sms,{},en\n", small::phone(8))),
        "service_point.csv" => {
            let zone = text
                .lines()
                .nth(1)
                .and_then(|line| line.split(',').nth(8))
                .unwrap_or_default();
            let point =
                format!("P-8,LV8,123,S-8,,120.05,30.0,urban,{zone},{ORG},大街8号,8 Great Street,none,yes\n");
            text.push_str(&point);
        }
        _ => {}
    }
}

/// The street of customer 8 hangs on the first breaker from now on, customer 5 on the second.
fn rehung(name: &str, text: &mut String) {
    match name {
        "transformer.csv" => *text = text.replace("T8,MV2:123", "T8,MV:123"),
        "service_point.csv" => *text = text.replace("P-5,LV2", "P-5,LV9"),
        _ => {}
    }
}

/// Three days before: the gate holds until the set is taken anew. Then customer 8 is told and has no seven days, customer 5 is told that
/// they are not affected, and the public reads both streets. A manager may make it temporary, and says why.
#[tokio::test]
async fn who_is_added_has_their_own_lead_and_who_is_released_is_told() -> anyhow::Result<()> {
    let mut street = Street::of(TimeDelta::days(8), two_feeders).await?;
    let number = street.noticed().await?;
    let convert = |why: &str| json!({ "type": "convert", "why_not_planned": why });
    let words = street.refused("manager", convert("no time")).await?;
    assert!(words.contains("can still be planned"), "{words}");
    street.until(h(72))?;
    street.rebuilt(rehung).await?;
    until("the other network is seen", async || {
        let outage = street.read().await?;
        let differs = (&outage["network_added"], &outage["network_released"]);
        Ok((differs == (&json!(1), &json!(1))).then_some(()))
    })
    .await?;
    assert_eq!(street.alarms("network").await?.len(), 1);
    let gate = street.gate().await?;
    assert!(gate.to_string().contains("take the affected set again"), "{gate}");

    taken_anew(&street, &number).await?;
    street.until(h(24) - min(1))?;
    // Everybody but the released one is reminded, the new one too.
    let phones = street.texts(&number, 2 * PHONES + 2).await?;
    let told = [1, 4, 5, 8].map(|n| texts_of(&phones, n));
    assert_eq!(
        told,
        [2, 2, 2, 2],
        "notice and reminder; notice and release: {phones:?}"
    );
    street.until(h(20))?;
    let gate = json!({ "type": "gate" });
    // Once the receipt of the added one's text is there: three days are no seven.
    until("the gate counts the hours", async || {
        let words = street.refused("planner", gate.clone()).await?;
        Ok(words.contains("168").then_some(()))
    })
    .await?;
    let words = street.refused("planner", convert(WHY)).await?;
    assert!(words.contains("only a manager"), "{words}");
    let words = street.refused("manager", convert("")).await?;
    assert!(words.contains("why_not_planned"), "{words}");
    let outage = street.act("manager", convert(WHY)).await?;
    assert_eq!(outage["class"], "TEMPORARY", "{outage}");
    assert_eq!(street.act("planner", gate).await?["state"], "ready");
    street.off(h(0)).await?;
    let off = street.accounts_off().await?;
    assert_eq!(off, ["S-1", "S-2", "S-3", "S-4", "S-6", "S-8"]);
    let mut system = street.system;
    system.stop().await
}

async fn taken_anew(street: &Street, number: &str) -> anyhow::Result<()> {
    let area = |outage: &serde_json::Value| outage["words"]["area_en"].to_string();
    let before = street.read().await?;
    let mut words = before["words"].clone();
    words["area_en"] = json!("somewhere");
    let own = json!({ "type": "refresh", "words": words });
    let refused = street.refused("planner", own).await?;
    assert!(
        refused.contains("leave words out"),
        "nobody else read them: {refused}"
    );
    let after = street.act("planner", json!({ "type": "refresh" })).await?;
    assert_eq!(
        (&after["network_added"], &after["affected_count"]),
        (&json!(0), &json!(6))
    );
    assert!(area(&after).contains("Great Street") && !area(&before).contains("Great Street"));
    let phones = street.texts(number, PHONES + 2).await?;
    assert_eq!([5, 8].map(|n| texts_of(&phones, n)), [2, 1], "{phones:?}");
    let all = street.system.smsc.texts().all();
    let released = all.iter().filter(|sms| sms.text.contains("NO LONGER AFFECTED"));
    assert_eq!(released.count(), 1);
    let own_lead = street.recipients("all").await?.into_iter();
    assert_eq!(own_lead.filter(|one| one["own_lead"] == true).count(), 1);
    let kept = street.part("announcements").await?;
    let second = &kept["items"][1];
    assert_eq!(
        (&second["edition"], &second["approved_by"]),
        (&json!(2), &kept["items"][0]["written_by"])
    );
    assert!(
        area(second).contains("Great Street"),
        "what the public read is kept: {kept}"
    );
    assert!(area(&street.public().await?[0]).contains("Great Street"));
    Ok(())
}
