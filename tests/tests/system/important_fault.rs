//! An important customer off by a fault: told at once when its place is confirmed, asked to answer; silence climbs until somebody
//! notes the answer; the end of the fault ends it (operations.md O23).

use anyhow::Context;
use chrono::{TimeDelta, Utc};
use relight_tests::{Api, System, pack};
use serde_json::{Value, json};

use crate::{
    ask::{instant, text, until},
    small,
};

/// The small street, with a works as its first customer.
struct Street(System);

impl Street {
    async fn open() -> anyhow::Result<Self> {
        let mut system = System::prepare().await?;
        system.with_clock()?;
        let folder = system.home().join("works");
        std::fs::create_dir_all(&folder)?;
        let zone = pack::noon_zone(Utc::now());
        for (name, text) in small::files() {
            let text = text
                .replace("S-1,Customer 1,en,ordinary", "S-1,Works,en,important")
                .replace("Asia/Shanghai", &zone);
            std::fs::write(folder.join(name), text)?;
        }
        let folder = folder.display().to_string();
        system.verb(&["import", "--pack", &folder]).await?;
        system.start().await?;
        for role in ["agent", "dispatcher", "manager"] {
            system.account(role, role, &["--org-path", pack::ORG]).await?;
        }
        Ok(Self(system))
    }

    async fn desk(&self, login: &str) -> anyhow::Result<Api> {
        self.0.sign_in(login).await
    }

    /// A neighbour reports, and the dispatcher confirms the breaker; gives the incident.
    async fn fault(&self) -> anyhow::Result<String> {
        let agent = self.desk("agent").await?;
        let body = json!({ "danger": false, "account": "S-4", "channel": "hotline" });
        let report = text(&agent.post("/api/v1/reports", body).await?, "report_id")?;
        let incident = until("the report is in an incident", async || {
            let report = agent.get(&format!("/api/v1/reports/{report}")).await?;
            Ok(Some(text(&report, "incident_id")?).filter(|id| !id.is_empty()))
        })
        .await?;
        assert!(self.warnings().await?.is_empty(), "a guess is told to nobody");
        let path = format!("/api/v1/incidents/{incident}/confirm");
        self.desk("dispatcher")
            .await?
            .post(&path, json!({ "device_id": "CB1" }))
            .await?;
        Ok(incident)
    }

    async fn warnings(&self) -> anyhow::Result<Vec<Value>> {
        let list = self
            .desk("manager")
            .await?
            .get("/api/v1/reliability-warnings")
            .await?;
        list["items"].as_array().cloned().context("a list")
    }

    /// The only warning, once it is so.
    async fn warning(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        until(what, async || {
            let all = self.warnings().await?;
            anyhow::ensure!(all.len() < 2, "one warning: {all:?}");
            Ok(all.into_iter().next().filter(&is_so))
        })
        .await
    }
}

#[tokio::test]
async fn the_works_is_told_of_the_fault_and_its_silence_climbs_until_it_answers() -> anyhow::Result<()> {
    let mut street = Street::open().await?;
    let incident = street.fault().await?;
    let one = street
        .warning("the works has the text", |one| !one["served_at"].is_null())
        .await?;
    assert_eq!(
        (&one["kind"], &one["basis_id"]),
        (&json!("fault"), &json!(incident))
    );
    let number = text(&one, "number")?;
    let phone = small::phone(1).trim_start_matches('+').to_owned();
    let all = street.0.smsc.texts().all();
    let told: Vec<_> = all.iter().filter(|sms| sms.text.contains(&number)).collect();
    assert!(
        told.len() == 1 && told[0].destination == phone && told[0].text.contains("POWER FAILURE"),
        "{told:?}"
    );

    street
        .0
        .clock_to(instant(&one["told_at"])? + TimeDelta::minutes(15))?;
    street
        .warning("silence climbs", |one| one["escalated_to"] == "account_manager")
        .await?;
    let alarms = street
        .desk("manager")
        .await?
        .get("/api/v1/outage-alarms?open=true")
        .await?
        .to_string();
    assert!(
        alarms.contains("\"fault\"") && alarms.contains("call them"),
        "{alarms}"
    );
    let path = format!(
        "/api/v1/reliability-warnings/{}/acknowledgement",
        text(&one, "warning_id")?
    );
    let answer = json!({ "text": "on our generator", "channel": "call" });
    let answered = street.desk("agent").await?.post(&path, answer).await?;
    assert_eq!(answered["text"], "on our generator");
    street.0.stop().await
}
