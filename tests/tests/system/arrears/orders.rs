//! What arrears asks of crews: the order to cut on the phone, its withdrawal when the customer pays, the order to reconnect,
//! and the ledger.

use anyhow::Context;
use chrono::TimeDelta;
use relight_tests::pack::ORG;
use serde_json::{Value, json};
use uuid::Uuid;

use super::house::{Debt, House, after};
use crate::ask::{event, instant, text, until};

impl House {
    /// The crew of two can cut meters and is on shift.
    async fn on_shift(&self) -> anyhow::Result<()> {
        let now = self.system.now();
        let member = |leader: bool| {
            json!({
                "person_id": Uuid::now_v7(), "name": "Wang", "leader": leader,
                "qualifications": [{ "skill": "meter_work", "valid_until": now + TimeDelta::days(30) }],
            })
        };
        let body = json!({
            "name": "Meter crew", "unit_id": self.unit, "org_path": ORG, "skills": ["meter_work"],
            "members": [member(true), member(false)],
            "shift_start_at": now - TimeDelta::hours(1), "shift_end_at": now + TimeDelta::hours(6),
        });
        let admin = self.officer("admin").await?;
        admin
            .put(&format!("/api/v1/crews/{}", self.crew), body)
            .await
            .map(drop)
    }

    /// The open order of a case, once dispatch has opened it.
    pub async fn order(&self, debt: &Debt, kind: &str) -> anyhow::Result<String> {
        let dispatcher = self.officer("dispatcher").await?;
        until("dispatch has the order", async || {
            let orders = dispatcher.get("/api/v1/orders").await?;
            let order = orders["items"].as_array().and_then(|orders| {
                orders
                    .iter()
                    .find(|one| one["subject_id"] == debt.id && one["kind"] == kind)
            });
            order.map(|order| text(order, "order_id")).transpose()
        })
        .await
    }

    /// Dispatcher to unit, unit to crew.
    async fn sent(&self, order: &str) -> anyhow::Result<()> {
        self.on_shift().await?;
        let dispatcher = self.officer("dispatcher").await?;
        event(
            &dispatcher,
            order,
            json!({ "type": "dispatch", "unit_id": self.unit }),
        )
        .await?;
        let desk = self.officer("desk").await?;
        event(&desk, order, json!({ "type": "unit_take" })).await?;
        event(&desk, order, json!({ "type": "assign", "crew_id": self.crew })).await?;
        Ok(())
    }

    /// What the phone is told since `cursor`.
    async fn sync(&self, cursor: &str) -> anyhow::Result<Value> {
        let body = json!({ "cursor": cursor, "operations": [], "device_now": self.system.now() });
        self.phone().await?.post("/m/v1/sync", body).await
    }

    /// The ledger's record of a case, once it says so.
    pub async fn in_ledger(&self, debt: &Debt, restored: u64) -> anyhow::Result<Value> {
        let desk = self.officer("li").await?;
        let path = format!("/api/v1/ledger/affected/{}", debt.id);
        until("the ledger has the cut", async || match desk.get(&path).await {
            Ok(page) if page["customers_restored"] == restored => {
                Ok(page["items"][0].is_object().then_some(page))
            }
            // Nobody was affected yet.
            _ => Ok(None),
        })
        .await
    }
}

fn has_order(synced: &Value, order: &str, kind: &str) -> bool {
    let orders = synced["orders"].as_array().map(Vec::as_slice).unwrap_or_default();
    orders
        .iter()
        .any(|one| one["order_id"] == order && one["kind"] == kind)
}

/// Paid while the crew is on its way: the order leaves the phone with a warning. Not paid: cut by a code the desk read out
/// and recorded, in the ledger with its basis, and back by an order of its own.
#[tokio::test]
async fn orders_of_a_case_follow_it_on_the_phone_and_in_the_ledger() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    let debt = house.owed("S-1").await?;
    house.warned(&debt).await?;
    let order = house.order(&debt, "disconnect").await?;
    house.sent(&order).await?;
    let synced = house.sync("").await?;
    anyhow::ensure!(has_order(&synced, &order, "disconnect"), "{synced}");
    house.pay(&debt).await?;
    let cursor = text(&synced, "cursor")?;
    let gone = until("the order leaves the phone", async || {
        let synced = house.sync(&cursor).await?;
        let gone = synced["gone_orders"]
            .as_array()
            .and_then(|gone| gone.first().cloned());
        Ok(gone)
    })
    .await?;
    anyhow::ensure!(
        gone["order_id"] == order.as_str()
            && gone["warning"] == "do_not_cut"
            && gone["because"] == "paid: do not cut",
        "{gone}"
    );

    let debt = house.owed("S-2").await?;
    house.warned(&debt).await?;
    let order = house.order(&debt, "disconnect").await?;
    house.sent(&order).await?;
    house.system.clock_to(debt.stop_at)?;
    house.confirm(&debt).await?;
    house.cut_by_voice(&debt).await?;
    let off = house.in_ledger(&debt, 0).await?;
    anyhow::ensure!(off["class"] == "ARREARS" && off["customers_off"] == 1, "{off}");
    let off_at = instant(&off["items"][0]["off_at"])?;
    anyhow::ensure!(off_at == after(debt.stop_at, 60), "{off}");

    house.pay(&debt).await?;
    let back = house.order(&debt, "reconnect").await?;
    house.sent(&back).await?;
    let synced = house.sync("").await?;
    anyhow::ensure!(has_order(&synced, &back, "reconnect"), "{synced}");
    let told = json!({ "id": Uuid::now_v7(), "customer_told": true });
    house.phone().await?.post(&debt.mobile("reconnect"), told).await?;
    let on = house.in_ledger(&debt, 1).await?;
    anyhow::ensure!(!on["items"][0]["on_at"].is_null(), "{on}");
    house.system.stop().await
}

impl House {
    /// The desk reads a code out, hears two minutes later that it was used, and writes it down.
    async fn cut_by_voice(&self, debt: &Debt) -> anyhow::Result<()> {
        let code = self.code(debt, "M-2").await?;
        self.system.clock_to(after(debt.stop_at, 180))?;
        let told = json!({
            "type": "cut", "code": code, "meter_no": "M-2", "told_by": "Wang", "second": "Sun",
            "nobody_at_risk": true, "done_at": after(debt.stop_at, 60),
        });
        let off = self.act(debt, told).await?;
        anyhow::ensure!(
            off["state"] == "disconnected" && off["wrongful"] == false,
            "{off}"
        );
        Ok(())
    }

    /// A code for reading out.
    pub async fn code(&self, debt: &Debt, meter_no: &str) -> anyhow::Result<String> {
        let desk = self.officer("li").await?;
        let path = format!("/api/v1/arrears/cases/{}/release-codes", debt.id);
        let code = desk.post(&path, json!({ "meter_no": meter_no })).await?;
        Ok(code["code"].as_str().context("a code")?.to_owned())
    }
}
