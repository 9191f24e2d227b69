//! Danger, from the report to the end (operations.md O6): the caller is told to keep away, somebody guards the place, the control room is
//! asked to switch off and the emergency services are told from the first moment, the most urgent order goes to a crew, and the desk
//! settles each task. What turns out to be false is closed by a dispatcher with a reason, its tasks and its order with it, and all of that is
//! taken back when it was not false.

use chrono::Utc;
use relight_tests::pack;
use serde_json::{Value, json};

use crate::{
    ask::{event, instant, text, until},
    journey::Journey,
    still_out,
};

impl Journey {
    /// A wire lies in the road in front of one who would call.
    async fn fallen_wire(&self) -> anyhow::Result<Value> {
        let body = json!({
            "danger": true, "danger_note": "a wire lies in the road", "account": self.account(self.callers[0]), "channel": "hotline",
        });
        self.staff.agent.post("/api/v1/reports", body).await
    }

    /// (kind, state) of the tasks of a report, as somebody sees them, in the order of the kinds.
    async fn tasks(&self, report: &str) -> anyhow::Result<Vec<(String, String)>> {
        let all = self.staff.dispatcher.get("/api/v1/danger-tasks").await?;
        let all = all["items"].as_array().cloned().unwrap_or_default();
        let theirs = all.iter().filter(|task| task["report_id"] == report);
        let mut tasks: Vec<_> = theirs
            .map(|task| Ok((text(task, "kind")?, text(task, "state")?)))
            .collect::<anyhow::Result<_>>()?;
        tasks.sort();
        Ok(tasks)
    }

    async fn settle(&self, report: &str, body: Value) -> anyhow::Result<Value> {
        let path = format!("/api/v1/danger-tasks/{report}/settle");
        self.staff.agent.post(&path, body).await
    }

    async fn incident_of(&self, report: &str) -> anyhow::Result<String> {
        until("the report is in an incident", async || {
            let report = self.staff.agent.get(&format!("/api/v1/reports/{report}")).await?;
            Ok(Some(text(&report, "incident_id")?).filter(|id| !id.is_empty()))
        })
        .await
    }

    /// The order of an incident, among the open ones or those that are over.
    async fn order_of(&self, incident: &str, over: bool) -> anyhow::Result<Value> {
        until("the order of the danger", async || {
            let path = format!("/api/v1/orders?archived={over}");
            let orders = self.staff.dispatcher.get(&path).await?;
            let orders = orders["items"].as_array().cloned().unwrap_or_default();
            let order = orders.into_iter().find(|order| order["incident_id"] == incident);
            Ok(order.filter(|order| order["danger"] == true || over))
        })
        .await
    }
}

fn states(states: [&str; 3]) -> Vec<(String, String)> {
    let kinds = ["emergency_services", "guard_site", "switching"];
    let pairs = kinds.into_iter().zip(states);
    pairs
        .map(|(kind, state)| (kind.to_owned(), state.to_owned()))
        .collect()
}

#[tokio::test]
async fn danger_is_told_guarded_switched_handed_over_and_repaired() -> anyhow::Result<()> {
    let mut journey = Journey::prepare_with(pack::of_town(&pack::noon_zone(Utc::now())), &[]).await?;
    let report = journey.fallen_wire().await?;
    let id = text(&report, "report_id")?;
    let said = report["say"].to_string();
    assert!(said.contains("Keep away"), "{said}");
    assert_eq!(
        journey.tasks(&id).await?,
        states(["open"; 3]),
        "at once, before anything is grouped"
    );

    let incident = journey.incident_of(&id).await?;
    let order = journey.order_of(&incident, false).await?;
    assert_eq!(instant(&order["accepted_at"])?, instant(&report["accepted_at"])?);
    for (body, states) in [
        (
            json!({ "kind": "emergency_services", "outcome": "done", "reference": "119, Wang" }),
            states(["done", "open", "open"]),
        ),
        (
            json!({ "kind": "guard_site", "outcome": "done", "reference": "Crew 0" }),
            states(["done", "done", "open"]),
        ),
        (
            json!({ "kind": "switching", "outcome": "done", "reference": "asked Zhao by telephone" }),
            states(["done"; 3]),
        ),
    ] {
        journey.settle(&id, body).await?;
        assert_eq!(journey.tasks(&id).await?, states);
    }
    let again = json!({ "kind": "guard_site", "outcome": "not_needed", "note": "twice" });
    assert!(journey.settle(&id, again).await.is_err(), "settled once");

    let order = journey.confirmed(&incident).await?;
    journey.sent(&order).await?;
    still_out::restored(&journey, &order).await?;
    let reply = json!({ "type": "reply", "cause_code": "tree", "owner": "utility" });
    journey.step(&order, reply).await?;
    let call = json!({ "type": "call_back", "result": "satisfied" });
    event(&journey.staff.agent, &order, call).await?;
    let archived = event(&journey.staff.dispatcher, &order, json!({ "type": "archive" })).await?;
    assert_eq!(archived["state"], "archived");
    assert_eq!(journey.tasks(&id).await?, states(["done"; 3]));
    journey.system.stop().await
}

#[tokio::test]
async fn danger_that_was_false_is_closed_with_a_reason_and_comes_back_whole() -> anyhow::Result<()> {
    let mut journey = Journey::prepare_with(pack::of_town(&pack::noon_zone(Utc::now())), &[]).await?;
    let report = journey.fallen_wire().await?;
    let id = text(&report, "report_id")?;
    let incident = journey.incident_of(&id).await?;
    journey.order_of(&incident, false).await?;
    let (close, staff) = (format!("/api/v1/reports/{id}/close"), &journey.staff);
    let closing = |reason: &str, note: &str| json!({ "reason": reason, "note": note, "customer_told": true });
    for (who, body) in [
        (&staff.agent, closing("false_report", "a telephone wire")),
        (&staff.dispatcher, closing("false_report", "")),
        (
            &staff.dispatcher,
            closing("customer_internal", "a telephone wire"),
        ),
    ] {
        assert!(
            who.post(&close, body.clone()).await.is_err(),
            "danger is not swallowed: {body}"
        );
    }
    assert_eq!(journey.tasks(&id).await?, states(["open"; 3]));

    staff
        .dispatcher
        .post(&close, closing("false_report", "a telephone wire, seen by Zhao"))
        .await?;
    assert_eq!(journey.tasks(&id).await?, states(["not_needed"; 3]));
    until("nobody is sent", async || {
        let open = staff.dispatcher.get("/api/v1/incidents").await?;
        Ok(open["items"].as_array().filter(|open| open.is_empty()).map(drop))
    })
    .await?;
    let over = journey.order_of(&incident, true).await?;
    assert_eq!(over["state"], "withdrawn", "{over}");

    let back = staff
        .agent
        .post(
            &format!("/api/v1/reports/{id}/reopen"),
            json!({ "note": "it sparks" }),
        )
        .await?;
    assert_eq!(back["accepted_at"], report["accepted_at"], "its own time");
    assert_eq!(journey.tasks(&id).await?, states(["open"; 3]));
    let incident = journey.incident_of(&id).await?;
    let order = journey.order_of(&incident, false).await?;
    assert_eq!(instant(&order["accepted_at"])?, instant(&report["accepted_at"])?);
    journey.system.stop().await
}
