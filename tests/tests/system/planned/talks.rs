//! Talks with a customer on a line of their own (SI14): what was said is recorded, and silence is no agreement.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::street::{Street, WHY, h};
use crate::ask::text;

/// Customer 4 has a line of their own.
fn dedicated(name: &str, text: &mut String) {
    if name == "customer.csv" {
        *text = text.replace(
            "S-4,Customer 4,en,ordinary,no,no",
            "S-4,Customer 4,en,ordinary,no,yes",
        );
    }
}

#[tokio::test]
async fn nothing_is_approved_before_a_dedicated_line_agreed_to_this_window() -> anyhow::Result<()> {
    let street = Street::of(TimeDelta::days(8), dedicated).await?;
    street.balanced().await?;
    street.countersigned().await?;
    let customer = text(&street.only("dedicated").await?, "customer_id")?;
    let stranger = text(&street.only("backfeed").await?, "customer_id")?;
    let say = |who: &str, step: &str, note: &str, window: Option<Value>| {
        let mut said = json!({ "type": "negotiate", "customer_id": who, "step": step, "note": note });
        if let Some(window) = window {
            said["window"] = window;
        }
        said
    };
    let talk = |step: &str, window| say(&customer, step, "by letter", window);
    silent(&street).await?;
    let words = street
        .refused("planner", say(&stranger, "proposed", "x", None))
        .await?;
    assert!(words.contains("dedicated-line customers"), "{words}");
    let words = street
        .refused("planner", say(&customer, "proposed", "", None))
        .await?;
    assert!(words.contains("note"), "{words}");
    let outage = street.act("planner", talk("proposed", None)).await?;
    assert_eq!(outage["state"], "negotiating");
    silent(&street).await?;

    let sunday = street.window(TimeDelta::days(3));
    street
        .act("planner", talk("countered", Some(sunday.clone())))
        .await?;
    assert_eq!(street.only("dedicated").await?["negotiation"], "countered");
    silent(&street).await?;
    // An agreement is about a window, and this is another one.
    street.act("planner", talk("agreed", Some(sunday))).await?;
    silent(&street).await?;
    let words = street.refused("manager", talk("decided", None)).await?;
    assert!(words.contains("three proposals"), "{words}");
    street.act("planner", talk("agreed", None)).await?;
    let approve = json!({ "type": "approve", "justification": WHY });
    assert_eq!(street.act("manager", approve).await?["state"], "approved");
    moved(&street).await?;
    let mut system = street.system;
    system.stop().await
}

/// Silence is none.
async fn silent(street: &Street) -> anyhow::Result<()> {
    let approve = json!({ "type": "approve", "justification": WHY });
    let words = street.refused("manager", approve).await?;
    anyhow::ensure!(words.contains("silence is not agreement"), "{words}");
    Ok(())
}

/// Told one by one like the others who are listed; on another day they have agreed to nothing.
async fn moved(street: &Street) -> anyhow::Result<()> {
    let coverage = &street.read().await?["coverage"];
    assert_eq!(
        (&coverage["required"], &coverage["dedicated_open"]),
        (&json!(3), &json!(0))
    );
    let moved = json!({ "type": "move", "window": street.window(TimeDelta::days(4) + h(1)), "reason": "crane", "justification": WHY });
    let outage = street.act("manager", moved).await?;
    assert_eq!(outage["coverage"]["dedicated_open"], json!(1), "{outage}");
    Ok(())
}
