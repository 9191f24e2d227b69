//! On site without a signal, under a lock, at the wrong meter.

use anyhow::Context;
use serde_json::{Value, json};
use uuid::Uuid;

use super::house::{Debt, House, after};

impl House {
    async fn lock(&self, debt: &Debt) -> anyhow::Result<Uuid> {
        let id = Uuid::now_v7();
        let body = json!({
            "lock_id": id, "kind": "event", "org_path": relight_tests::pack::ORG, "reason": "entrance exam",
            "from_at": after(debt.stop_at, -3600), "until_at": after(debt.stop_at, 6 * 3600),
        });
        self.officer("hu").await?.post("/api/v1/work-locks", body).await?;
        Ok(id)
    }

    async fn lift(&self, lock: Uuid) -> anyhow::Result<()> {
        let path = format!("/api/v1/work-locks/{lock}/lift");
        let body = json!({ "reason": "the exam was moved" });
        self.officer("hu").await?.post(&path, body).await.map(drop)
    }

    async fn alarm(&self, level: &str) -> anyhow::Result<Value> {
        let desk = self.officer("li").await?;
        let page = desk.get("/api/v1/arrears/alarms?open=true").await?;
        let alarms = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let found = alarms.iter().find(|alarm| alarm["level"] == level);
        found
            .cloned()
            .with_context(|| format!("an alarm {level}: {page}"))
    }
}

/// Served by the crew on the spot; locked by an exam; a neighbour cut by mistake; then a code, and a cut told ten minutes later.
#[tokio::test]
async fn a_cut_is_judged_by_its_lock_its_meter_and_the_code_of_its_moment() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    let debt = house.owed("S-3").await?;
    house.warned(&debt).await?;
    let lock = house.lock(&debt).await?;
    house.system.clock_to(debt.stop_at)?;
    house.confirm(&debt).await?;
    let locked = house.code(&debt, "M-3").await;
    anyhow::ensure!(
        locked
            .as_ref()
            .is_err_and(|e| e.to_string().contains("entrance exam")),
        "{locked:?}"
    );
    house.lift(lock).await?;

    let phone = house.phone().await?;
    let path = debt.mobile("cut");
    let wrong = phone.post(&path, house.cut("0000000000", "M-5", true)).await?;
    anyhow::ensure!(
        wrong["state"] == "wrongful"
            && wrong["warning"] == "wrong_meter"
            && wrong["case_id"] != debt.id.as_str(),
        "{wrong}"
    );
    let alarm = house.alarm("wrong_meter").await?;
    anyhow::ensure!(
        alarm["case_id"] == debt.id.as_str() && alarm["meter_no"] == "M-5",
        "{alarm}"
    );
    let seen = format!(
        "/api/v1/arrears/alarms/{}/acknowledgement",
        alarm["alarm_id"].as_str().context("an id")?
    );
    house.officer("li").await?.post(&seen, json!({})).await?;
    anyhow::ensure!(house.alarm("wrong_meter").await.is_err(), "it was seen");

    let code = house.code(&debt, "M-3").await?;
    house.system.clock_to(after(debt.stop_at, 600))?;
    let mut done = house.cut(&code, "M-3", true);
    done["done_at"] = json!(after(debt.stop_at, 60));
    let off = house.phone().await?.post(&path, done).await?;
    anyhow::ensure!(
        off["state"] == "disconnected" && off["wrongful"] == false,
        "{off}"
    );
    house.system.stop().await
}

/// Cut by a code, then paid, then told: the clocks show that the cut came first, so it was lawful. Supply comes back for the
/// payment, by an order of its own, and the ledger has the time between.
#[tokio::test]
async fn a_lawful_cut_that_is_told_after_the_payment_is_lawful_and_supply_comes_back() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    let debt = house.owed("S-5").await?;
    house.warned(&debt).await?;
    house.system.clock_to(debt.stop_at)?;
    house.confirm(&debt).await?;
    let code = house.code(&debt, "M-5").await?;
    house.system.clock_to(after(debt.stop_at, 600))?;
    house.pay(&debt).await?;
    anyhow::ensure!(house.case(&debt).await?["state"] == "settled_before");

    house.system.clock_to(after(debt.stop_at, 1200))?;
    let mut done = house.cut(&code, "M-5", true);
    done["done_at"] = json!(after(debt.stop_at, 60));
    let off = house.phone().await?.post(&debt.mobile("cut"), done).await?;
    anyhow::ensure!(
        off["state"] == "reconnect_ordered" && off["wrongful"] == false,
        "{off}"
    );
    house.order(&debt, "reconnect").await?;
    let ledger = house.in_ledger(&debt, 0).await?;
    // By the phone's clock as it was measured: to the part of a second.
    let off_at = crate::ask::instant(&ledger["items"][0]["off_at"])?;
    anyhow::ensure!((off_at - after(debt.stop_at, 60)).num_seconds() == 0, "{ledger}");
    let told = json!({ "id": Uuid::now_v7(), "customer_told": true });
    let on = house.phone().await?.post(&debt.mobile("reconnect"), told).await?;
    anyhow::ensure!(on["state"] == "reconnected" && on["wrongful"] == false, "{on}");
    house.in_ledger(&debt, 1).await?;
    house.system.stop().await
}
