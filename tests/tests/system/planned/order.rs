//! The work order of a planned outage (operations.md O2, O26): opened by the plan, given to a crew, which checks in by arriving, switches and
//! clears on the spot; one that is called off leaves the phone.

use chrono::TimeDelta;
use relight_tests::pack::ORG;
use serde_json::{Value, json};
use uuid::Uuid;

use super::street::{Street, h, min};
use crate::ask::{event, text, until};

/// The unit and the crew of the street.
struct Crew<'a> {
    street: &'a Street,
    unit: Uuid,
    crew: Uuid,
}

impl<'a> Crew<'a> {
    async fn hired(street: &'a Street) -> anyhow::Result<Self> {
        let (unit, crew) = (Uuid::now_v7(), Uuid::now_v7());
        let (unit_of, crew_of) = (unit.to_string(), crew.to_string());
        let at = ["--org-path", ORG];
        let system = &street.system;
        system.account("admin", "admin", &[]).await?;
        let desk = [&at[..], &["--unit", &unit_of]].concat();
        system.account("desk", "unit_desk", &desk).await?;
        let phone = [&at[..], &["--crew", &crew_of]].concat();
        system.account("crew", "crew", &phone).await?;
        let admin = street.who("admin").await?;
        let body = json!({ "name": "North unit", "org_path": ORG, "area_org_paths": [ORG] });
        admin.put(&format!("/api/v1/units/{unit}"), body).await?;
        Ok(Self { street, unit, crew })
    }

    async fn on_shift(&self) -> anyhow::Result<()> {
        let now = self.street.system.now();
        let member = |leader: bool| {
            json!({
                "person_id": Uuid::now_v7(), "name": "Wu", "leader": leader,
                "qualifications": [{ "skill": "planned_work", "valid_until": now + TimeDelta::days(30) }],
            })
        };
        let body = json!({
            "name": "Line crew 3", "unit_id": self.unit, "org_path": ORG, "skills": ["planned_work"],
            "members": [member(true), member(false)],
            "shift_start_at": now - h(1), "shift_end_at": now + h(9),
        });
        let path = format!("/api/v1/crews/{}", self.crew);
        self.street.who("admin").await?.put(&path, body).await.map(drop)
    }

    /// The order of the outage, once dispatch has opened it.
    async fn order(&self) -> anyhow::Result<String> {
        until("dispatch has the order", async || {
            let orders = self.street.who("dispatcher").await?.get("/api/v1/orders").await?;
            let outage = self.street.outage.to_string();
            let is_its = |one: &&Value| one["subject_id"] == outage.as_str() && one["kind"] == "planned";
            let orders = orders["items"].as_array().cloned().unwrap_or_default();
            orders
                .iter()
                .find(is_its)
                .map(|order| text(order, "order_id"))
                .transpose()
        })
        .await
    }

    /// Dispatcher to unit, unit to crew.
    async fn sent(&self, order: &str) -> anyhow::Result<()> {
        self.on_shift().await?;
        let to_unit = json!({ "type": "dispatch", "unit_id": self.unit });
        event(&self.street.who("dispatcher").await?, order, to_unit).await?;
        let desk = self.street.who("desk").await?;
        event(&desk, order, json!({ "type": "unit_take" })).await?;
        let to_crew = json!({ "type": "assign", "crew_id": self.crew });
        event(&desk, order, to_crew).await.map(drop)
    }

    /// What the phone does with its order, which must work.
    async fn does(&self, order: &str, event: Value) -> anyhow::Result<()> {
        let now = self.street.system.now();
        let operation = json!({ "id": Uuid::now_v7(), "order_id": order, "event": event, "device_at": now });
        let body = json!({ "cursor": "", "operations": [operation], "device_now": now });
        let synced = self.phone().await?.post("/m/v1/sync", body).await?;
        anyhow::ensure!(synced["results"][0]["ok"] == true, "{synced}");
        Ok(())
    }

    async fn phone(&self) -> anyhow::Result<relight_tests::Api> {
        self.street.system.phone("crew").await
    }

    /// A step of the outage itself, recorded on the spot: status and answer.
    async fn step(&self, step: Value) -> anyhow::Result<(u16, Value)> {
        let path = format!("/m/v1/outages/{}/steps", self.street.outage);
        let body = json!({ "id": Uuid::now_v7(), "step": step });
        let (status, answer) = self.phone().await?.try_post(Uuid::now_v7(), &path, body).await?;
        Ok((status.as_u16(), answer))
    }

    async fn steps(&self, step: Value) -> anyhow::Result<Value> {
        let (status, answer) = self.step(step).await?;
        anyhow::ensure!(status == 200, "{status}: {answer}");
        Ok(answer)
    }

    /// Arrived at the work, and checked in by it.
    async fn arrived(&self, order: &str) -> anyhow::Result<()> {
        self.does(order, json!({ "type": "take" })).await?;
        let eta_at = self.street.system.now() + min(10);
        self.does(order, json!({ "type": "leave", "eta_at": eta_at }))
            .await?;
        let path = format!("/api/v1/orders/{order}");
        let place = self.street.who("dispatcher").await?.get(&path).await?["position"].clone();
        self.does(order, json!({ "type": "arrive", "position": place }))
            .await?;
        until("the crew is checked in", async || {
            let outage = self.street.read().await?;
            let is_in = outage["leaders"][0]["name"] == "Line crew 3" && outage["crew_name"] == "Line crew 3";
            Ok(is_in.then_some(()))
        })
        .await
    }
}

#[tokio::test]
async fn the_crew_of_the_order_switches_and_clears_on_the_spot() -> anyhow::Result<()> {
    let street = Street::begin(TimeDelta::days(8)).await?;
    let crew = Crew::hired(&street).await?;
    street.ready().await?;
    street.until(min(20))?;
    let order = crew.order().await?;
    let permit = json!({ "type": "permit", "number": "D-77", "read_back": true });
    let (status, answer) = crew.step(permit.clone()).await?;
    assert!(
        status == 403 || status == 404,
        "not their order yet: {status} {answer}"
    );
    crew.sent(&order).await?;
    crew.arrived(&order).await?;
    street.until(min(1))?;
    let permitted = crew.steps(permit).await?;
    street.until(-TimeDelta::seconds(1))?;
    crew.steps(json!({ "type": "switch_off", "permit_id": permitted["permit_id"] }))
        .await?;
    street.ledger_shows(6).await?;
    worked(&crew).await?;
    street.ledger_shows(0).await?;
    let mut system = street.system;
    system.stop().await
}

/// The desk ticks the generator and calls; the crew works, clears and gives supply back.
async fn worked(crew: &Crew<'_>) -> anyhow::Result<()> {
    let customer = text(&crew.street.only("backfeed").await?, "customer_id")?;
    for step in ["isolated", "told"] {
        let tick = json!({ "type": "isolate", "customer_id": customer, "step": step });
        crew.street.act("dispatcher", tick).await?;
    }
    crew.steps(json!({ "type": "work" })).await?;
    let back = json!({ "type": "start_restoring" });
    let (status, refused) = crew.step(back.clone()).await?;
    assert!(
        status == 409 && refused.to_string().contains("not cleared"),
        "{status} {refused}"
    );
    let clear = json!({ "type": "clearance", "name": "Line crew 3", "people_out": true, "earths_off": true, "ticket_ended": true });
    crew.steps(clear).await?;
    crew.steps(back).await?;
    let all = json!({ "type": "restore_section", "all": true, "verified_by": "meter" });
    let outage = crew.steps(all).await?;
    assert_eq!(outage["state"], "restored");
    Ok(())
}

/// Called off while the crew has it: the order leaves the phone.
#[tokio::test]
async fn the_order_of_an_outage_that_is_called_off_leaves_the_phone() -> anyhow::Result<()> {
    let street = Street::begin(TimeDelta::days(8)).await?;
    let crew = Crew::hired(&street).await?;
    street.ready().await?;
    street.until(min(20))?;
    let order = crew.order().await?;
    crew.sent(&order).await?;
    crew.does(&order, json!({ "type": "take" })).await?;
    street
        .act("dispatcher", json!({ "type": "abort", "reason": "thunderstorm" }))
        .await?;
    until("the phone has no order", async || {
        let body = json!({ "cursor": "", "operations": [], "device_now": street.system.now() });
        let synced = crew.phone().await?.post("/m/v1/sync", body).await?;
        Ok((synced["orders"] == json!([])).then_some(()))
    })
    .await?;
    let mut system = street.system;
    system.stop().await
}
