//! What the class of a customer asks of a disconnection, on the live system (operations.md O10, O12): a manager, the copy at the
//! authority, a visit, the occupants, and never where somebody's life depends on supply.

use chrono::TimeDelta;
use relight_tests::pack::ORG;
use serde_json::{Value, json};
use uuid::Uuid;

use super::house::{Debt, House};

/// What each account is, by the registry.
const CLASSES: [(&str, &str); 5] = [
    ("S-1", "hospital"),
    ("S-2", "school"),
    ("S-3", "shared"),
    ("S-4", "important"),
    ("S-5", "vulnerable"),
];

/// What the customers of the street use their supply for.
fn of_class(customers: &str) -> String {
    let lines = customers.lines().map(|line| {
        let account = line.split(',').next().unwrap_or_default();
        match account {
            "account" => format!("{line},use"),
            "S-1" => format!("{line},hospital"),
            "S-2" => format!("{line},school"),
            "S-3" => format!("{line},shared_meter"),
            "S-4" => line.replace("ordinary", "important") + ",",
            "S-5" => format!("{line},elderly_alone"),
            _ => format!("{line},"),
        }
    });
    lines.map(|line| line + "\n").collect()
}

async fn refused(house: &House, who: &'static str, debt: &Debt, event: Value) -> anyhow::Result<String> {
    let desk = house.officer(who).await?;
    let (status, problem) = desk
        .try_post(Uuid::now_v7(), &debt.events(), json!({ "event": event }))
        .await?;
    anyhow::ensure!(status.is_client_error(), "it was let through: {problem}");
    Ok(problem.to_string())
}

async fn decided(house: &House, debt: &Debt, event: Value) -> anyhow::Result<Value> {
    let manager = house.officer("hu").await?;
    manager.post(&debt.events(), json!({ "event": event })).await
}

/// Overdue and reminded, a month later; life support stays where it is.
async fn all_eligible(house: &House) -> anyhow::Result<Vec<Debt>> {
    let life = house.overdue("S-6").await?;
    let mut debts = Vec::new();
    for (account, class) in CLASSES {
        let debt = house.overdue(account).await?;
        let case = house.case(&debt).await?;
        anyhow::ensure!(case["class"] == class, "{account}: {case}");
        debts.push(debt);
    }
    house.system.clock_to(house.system.now() + TimeDelta::days(34))?;
    for debt in &debts {
        let case = house.case(debt).await?;
        anyhow::ensure!(house.comes_to(debt, "eligible", 20).await?, "{case}");
    }
    let case = house.case(&life).await?;
    anyhow::ensure!(
        case["state"] == "reminded" && case["needs"] == json!(["never"]),
        "a month later it is still no case for a cut: {case}"
    );
    let propose = json!({ "type": "propose", "reason": "reminded, not paid" });
    anyhow::ensure!(!refused(house, "li", &life, propose.clone()).await?.is_empty());
    anyhow::ensure!(
        !refused(house, "hu", &life, propose).await?.is_empty(),
        "nor for a manager"
    );
    Ok(debts)
}

/// Proposed by one officer; another officer's approval is not enough, a manager's is; what several share needs a reason too.
async fn approved_by_a_manager(house: &House, debt: &Debt, class: &str) -> anyhow::Result<()> {
    house
        .act(debt, json!({ "type": "propose", "reason": "reminded, not paid" }))
        .await?;
    let approve = json!({ "type": "approve" });
    let words = refused(house, "wu", debt, approve.clone()).await?;
    anyhow::ensure!(words.contains("approval of a manager"), "{class}: {words}");
    let approve = if class == "shared" {
        let words = refused(house, "hu", debt, approve).await?;
        anyhow::ensure!(words.contains("exception"), "{words}");
        json!({ "type": "approve", "exception": "the owner of the house owes it, nobody lives there" })
    } else {
        approve
    };
    let case = decided(house, debt, approve).await?;
    anyhow::ensure!(case["state"] == "approved", "{class}: {case}");
    Ok(())
}

/// Served as everybody is, then with what the class asks; and a class is not lowered by an officer.
async fn served_by_the_rule(house: &House, debt: &mut Debt, class: &str) -> anyhow::Result<()> {
    house.issued(debt).await?;
    house.time_to_serve(debt)?;
    let li = house.officer("li").await?;
    let mut proof = house.proof();
    proof["photo_sha256"] = json!(li.bring("/api/v1", debt.visit()).await?);
    if class == "vulnerable" {
        let call = json!({ "type": "serve", "method": "registered_mail", "served_at": house.system.now(), "record": "RM 17",
            "received_by": "the neighbour" });
        let words = refused(house, "li", debt, call).await?;
        anyhow::ensure!(words.contains("served by a visit"), "{words}");
    } else {
        let words = refused(house, "li", debt, proof.clone()).await?;
        anyhow::ensure!(words.contains("filing"), "{class}: {words}");
        proof["filing_receipt"] = json!("authority 2026-77");
        proof["filed_at"] = json!(house.system.now());
    }
    if class == "shared" {
        let words = refused(house, "li", debt, proof.clone()).await?;
        anyhow::ensure!(words.contains("occupants"), "{words}");
        proof["occupants"] = json!("posted in the hall, with the day");
    }
    let less = json!({ "type": "classify", "class": "ordinary", "reason": "said on the phone" });
    let words = refused(house, "li", debt, less).await?;
    anyhow::ensure!(words.contains("a manager decides"), "{class}: {words}");
    let case = house.act(debt, proof).await?;
    anyhow::ensure!(case["state"] == "notice_served", "{class}: {case}");
    Ok(())
}

#[tokio::test]
async fn each_class_is_cut_by_its_own_rule_and_life_support_never() -> anyhow::Result<()> {
    let mut house = House::with(of_class).await?;
    house.system.account("wu", "agent", &["--org-path", ORG]).await?;
    let debts = all_eligible(&house).await?;
    for (debt, (_, class)) in debts.iter().zip(CLASSES) {
        approved_by_a_manager(&house, debt, class).await?;
    }
    for (mut debt, (_, class)) in debts.into_iter().zip(CLASSES) {
        // One served is over before the next: each has its own time to serve.
        served_by_the_rule(&house, &mut debt, class).await?;
    }
    house.system.stop().await
}
