//! The main job: forty customers below one switch report over ten minutes; one incident comes of them; a crew is sent,
//! arrives, restores half, then all; everybody entitled is told once, in their language, and nobody else; the ledger has
//! each customer's minutes; one trace covers the whole way.

mod told;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use relight_grid::{Pack, pack::write_pack};
use relight_tests::{System, pack};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    ask::{event, instant, text, until},
    field::Field,
    town::{self, Staff},
};

const CALLERS: usize = 40;
/// The trace everything that people do is sent in.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Everything the steps of the journey share.
pub struct Journey {
    pub system: System,
    pack: Pack,
    pub field: Field,
    pub staff: Staff,
    /// Service points of those who reported, in order.
    pub callers: Vec<usize>,
    began_at: DateTime<Utc>,
}

#[tokio::test]
async fn one_fault_from_the_first_report_to_the_archived_order() -> anyhow::Result<()> {
    one_fault(pack::of_town(&pack::noon_zone(Utc::now()))).await
}

#[tokio::test]
async fn one_fault_of_the_9500_node_feeder_from_the_first_report_to_the_archived_order() -> anyhow::Result<()>
{
    let Some(entry) = pack::feeder() else {
        return Ok(());
    };
    one_fault(pack::of_feeder(&entry, &pack::noon_zone(Utc::now()))?).await
}

async fn one_fault(pack: Pack) -> anyhow::Result<()> {
    let mut journey = Journey::prepare(pack).await?;
    let incident = journey.reports().await?;
    let order = journey.confirmed(&incident).await?;
    journey.sent(&order).await?;
    let (first_at, rest_at) = journey.repaired(&order).await?;
    journey.closed(&order).await?;
    journey.ledger(first_at, rest_at).await?;
    told::everybody(&journey, "restored", &journey.field.dead).await?;
    told::one_trace(&journey).await?;
    journey.system.stop().await?;
    told::each_person_once(&journey)
}

impl Journey {
    async fn prepare(pack: Pack) -> anyhow::Result<Self> {
        Self::prepare_with(pack, &[]).await
    }

    /// With other settings.
    pub async fn prepare_with(pack: Pack, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut system = System::prepare().await?;
        for (name, value) in settings {
            system.set(name, value);
        }
        let folder = system.home().join("pack");
        std::fs::create_dir_all(&folder)?;
        write_pack(&folder, &pack).context("write the pack")?;
        system
            .verb(&["import", "--pack", &folder.display().to_string()])
            .await?;
        system.start().await?;
        let staff = town::staff(&system).await?.traced(TRACE);
        let field = Field::find(&pack)?;
        let callers = field.callers(CALLERS);
        let began_at = (Utc::now() - TimeDelta::minutes(10)).trunc_subsecs(6);
        Ok(Self {
            system,
            pack,
            field,
            staff,
            callers,
            began_at,
        })
    }

    pub fn account(&self, point: usize) -> &str {
        &self.pack.service_points[point].account
    }

    /// Forty calls, noted with the times they came in over the last ten minutes; one incident in the end.
    pub async fn reports(&self) -> anyhow::Result<String> {
        let mut reports = Vec::new();
        for (n, point) in self.callers.iter().enumerate() {
            let reported_at = self.began_at + TimeDelta::seconds(15 * i64::try_from(n)?);
            let body = json!({ "danger": false, "account": self.account(*point), "channel": "hotline", "reported_at": reported_at });
            let report = self.staff.agent.post("/api/v1/reports", body).await?;
            assert_eq!(
                instant(&report["accepted_at"])?,
                reported_at,
                "the acceptance time is the reported one"
            );
            reports.push(text(&report, "report_id")?);
        }
        self.one_incident(&reports).await
    }

    async fn one_incident(&self, reports: &[String]) -> anyhow::Result<String> {
        let agent = &self.staff.agent;
        let incidents = until("all reports are in one incident", async || {
            let mut incidents = BTreeSet::new();
            for report in reports {
                incidents.insert(text(
                    &agent.get(&format!("/api/v1/reports/{report}")).await?,
                    "incident_id",
                )?);
            }
            Ok((incidents.len() == 1 && !incidents.contains("")).then_some(incidents))
        })
        .await?;
        let open = self.staff.dispatcher.get("/api/v1/incidents").await?;
        assert_eq!(
            open["items"].as_array().map(Vec::len),
            Some(1),
            "one open incident: {open}"
        );
        incidents.into_iter().next().context("one")
    }

    /// The dispatcher confirms the switch; the order follows with everybody below it.
    pub async fn confirmed(&self, incident: &str) -> anyhow::Result<String> {
        let dispatcher = &self.staff.dispatcher;
        let body = json!({ "device_id": self.field.device });
        let confirmed = dispatcher
            .post(&format!("/api/v1/incidents/{incident}/confirm"), body)
            .await?;
        assert_eq!(confirmed["affected_count"], self.field.dead.len());
        until("the order knows the affected customers", async || {
            let orders = dispatcher.get("/api/v1/orders").await?;
            let order = orders["items"]
                .as_array()
                .and_then(|orders| orders.iter().find(|o| o["incident_id"] == incident));
            let ready = order.filter(|order| {
                order["confirmed"] == true && order["affected_count"] == self.field.dead.len()
            });
            ready.map(|order| text(order, "order_id")).transpose()
        })
        .await
    }

    /// Dispatcher to unit, unit to the crew the recommendation puts first, crew on its way.
    pub async fn sent(&self, order: &str) -> anyhow::Result<()> {
        let work = self
            .staff
            .dispatcher
            .get(&format!("/api/v1/orders/{order}"))
            .await?;
        self.stand_at(0, &work["position"], 0.004).await?;
        self.stand_at(1, &work["position"], 0.03).await?;
        self.stand_at(2, &work["position"], 0.06).await?;
        event(
            &self.staff.dispatcher,
            order,
            json!({ "type": "dispatch", "unit_id": self.staff.unit }),
        )
        .await?;
        event(&self.staff.desk, order, json!({ "type": "unit_take" })).await?;
        let nearest = until("all crews are on the map", async || {
            let found = self
                .staff
                .desk
                .get(&format!("/api/v1/orders/{order}/recommendations?k=3"))
                .await?;
            let candidates = found["candidates"].as_array().context("candidates")?;
            Ok((candidates.len() == 3).then(|| candidates[0].clone()))
        })
        .await?;
        assert_eq!(
            nearest["crew_id"],
            self.staff.crews[0].to_string(),
            "the nearest is put first: {nearest}"
        );
        assert!(
            nearest["reasons"]
                .as_array()
                .is_some_and(|reasons| !reasons.is_empty())
        );
        event(
            &self.staff.desk,
            order,
            json!({ "type": "assign", "crew_id": self.staff.crews[0] }),
        )
        .await?;
        let (orders, _) = self.sync(vec![]).await?;
        assert_eq!(
            orders.first().map(|o| &o["order_id"]),
            Some(&json!(order)),
            "the phone has the order"
        );
        self.step(order, json!({ "type": "take" })).await?;
        let eta_at = Utc::now() + TimeDelta::minutes(12);
        self.step(order, json!({ "type": "leave", "eta_at": eta_at }))
            .await?;
        told::everybody(self, "crew_en_route", &self.field.dead).await
    }

    /// Arrived, cause and ETR, safe steps, half of the customers back, then the rest. Gives both instants.
    async fn repaired(&self, order: &str) -> anyhow::Result<(DateTime<Utc>, DateTime<Utc>)> {
        let work = self
            .staff
            .dispatcher
            .get(&format!("/api/v1/orders/{order}"))
            .await?;
        self.step(order, json!({ "type": "arrive", "position": work["position"] }))
            .await?;
        self.survey(order).await?;
        told::everybody(self, "etr", &self.field.dead).await?;
        self.repair(order).await?;
        let first_at = Utc::now();
        let section =
            json!({ "type": "restore_section", "device_ids": [self.field.section], "verified_by": "meter" });
        let half = self.step_at(order, section, first_at).await?;
        assert_eq!(
            half["restored_count"],
            self.field.first.len(),
            "half is back: {half}"
        );
        told::everybody(self, "restored", &self.field.first).await?;
        let rest_at = Utc::now();
        self.step_at(
            order,
            json!({ "type": "restore_section", "all": true, "verified_by": "call" }),
            rest_at,
        )
        .await?;
        self.step(
            order,
            json!({ "type": "reply", "cause_code": "tree", "owner": "utility" }),
        )
        .await?;
        Ok((first_at, rest_at))
    }

    pub async fn survey(&self, order: &str) -> anyhow::Result<()> {
        let etr_at = Utc::now() + TimeDelta::minutes(90);
        let survey = json!({ "type": "survey", "cause_code": "tree", "etr_at": etr_at });
        self.step(order, survey).await.map(drop)
    }

    /// The four safe steps in their order.
    pub async fn repair(&self, order: &str) -> anyhow::Result<()> {
        let safe_steps = ["off", "tested_dead", "earthed", "signs"];
        let repair = json!({ "type": "repair", "permission_no": "P-1", "ticket_no": "T-1", "people": 2, "safe_steps": safe_steps });
        self.step(order, repair).await.map(drop)
    }

    async fn closed(&self, order: &str) -> anyhow::Result<()> {
        event(
            &self.staff.agent,
            order,
            json!({ "type": "call_back", "result": "satisfied" }),
        )
        .await?;
        let archived = event(&self.staff.dispatcher, order, json!({ "type": "archive" })).await?;
        assert_eq!(archived["state"], "archived");
        let again = self
            .staff
            .dispatcher
            .get(&format!("/api/v1/orders/{order}"))
            .await?;
        assert_eq!(
            instant(&again["accepted_at"])?,
            self.began_at,
            "the clock started with the first call"
        );
        Ok(())
    }

    /// Each customer is off from the first call to their own step, and nobody else is in the ledger.
    async fn ledger(&self, first_at: DateTime<Utc>, rest_at: DateTime<Utc>) -> anyhow::Result<()> {
        let everybody = self.field.dead.len();
        let mut database = self.system.database.connect().await?;
        let records: Vec<(String, DateTime<Utc>, DateTime<Utc>)> =
            until("the ledger is closed", async || {
                let rows: Vec<(String, DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(
                    "select c.account, i.off_at, i.on_at from insight.interruption i
                 join registry.customer c on c.id = i.customer_id",
                )
                .fetch_all(&mut database)
                .await?;
                Ok((rows.len() >= everybody).then_some(rows))
            })
            .await?;
        let expected: BTreeMap<&str, DateTime<Utc>> = self
            .field
            .dead
            .iter()
            .map(|point| {
                (
                    self.account(*point),
                    if self.field.first.contains(point) {
                        first_at
                    } else {
                        rest_at
                    },
                )
            })
            .collect();
        assert_eq!(records.len(), everybody, "one record per customer");
        for (account, off_at, on_at) in records {
            let back_at = expected
                .get(account.as_str())
                .with_context(|| format!("{account} was never off"))?;
            assert_eq!(off_at, self.began_at, "{account} is off since the first call");
            let apart_ms = (on_at - *back_at).num_milliseconds().abs();
            assert!(
                apart_ms <= 1_000,
                "{account} is back at {back_at}, the ledger says {on_at}"
            );
        }
        let open: i64 = sqlx::query_scalar("select count(*) from insight.interruption_open")
            .fetch_one(&mut database)
            .await?;
        assert_eq!(open, 0);
        Ok(())
    }

    /// The crew's phone says it stands this many degrees north of the work.
    async fn stand_at(&self, crew: usize, work: &Value, north_deg: f64) -> anyhow::Result<()> {
        let (lon, lat) = (
            work["lon"].as_f64().context("lon")?,
            work["lat"].as_f64().context("lat")?,
        );
        let fix = json!({ "lon": lon, "lat": lat + north_deg, "at": Utc::now(), "accuracy_m": 5.0 });
        self.staff.phones[crew]
            .post("/m/v1/positions", json!({ "fixes": [fix] }))
            .await
            .map(drop)
    }

    pub async fn step(&self, order: &str, event: Value) -> anyhow::Result<Value> {
        self.step_at(order, event, Utc::now()).await
    }

    /// One step of the crew, sent by its phone, and sent again as a phone does that lost the answer.
    async fn step_at(&self, order: &str, event: Value, at: DateTime<Utc>) -> anyhow::Result<Value> {
        let operation = json!({ "id": Uuid::now_v7(), "order_id": order, "event": event, "device_at": at });
        let (_, first) = self.sync(vec![operation.clone()]).await?;
        let (orders, again) = self.sync(vec![operation]).await?;
        assert_eq!(first[0]["ok"], true, "{first:?}");
        assert_eq!(again[0]["ok"], true, "{again:?}");
        match orders.into_iter().find(|o| o["order_id"] == order) {
            Some(order) => Ok(order),
            None => {
                self.staff
                    .dispatcher
                    .get(&format!("/api/v1/orders/{order}"))
                    .await
            }
        }
    }

    /// (orders, results) of one sync of the first crew's phone.
    async fn sync(&self, operations: Vec<Value>) -> anyhow::Result<(Vec<Value>, Vec<Value>)> {
        let body = json!({ "cursor": "", "operations": operations, "device_now": Utc::now() });
        let answer = self.staff.phones[0].post("/m/v1/sync", body).await?;
        let list = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
        Ok((list("orders"), list("results")))
    }
}
