//! The whole chain of a switching (domain.md 5.5 no. 13, operations.md O7): a network comes as a pack, a fault is confirmed, a tie feeds a
//! part of its customers another way, by telemetry and by the seat of the control room; the ledger ends their records at that moment, they
//! are told once, and are off again when the tie opens.

use anyhow::Context;
use chrono::Utc;
use relight_testkit::smsc::Sms;
use relight_tests::{Api, System, pack};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    ask::{text, until},
    small,
};

/// The small street with a second breaker for its second transformer and a tie between the two: customers 1 to 3 hang on CB1, 4 to 6 on
/// CB2.
struct Street {
    system: System,
    incident: String,
}

fn files() -> Vec<(&'static str, String)> {
    let zone = pack::noon_zone(Utc::now());
    let mut files = small::files();
    for (name, text) in &mut files {
        match *name {
            "bus.csv" => text.push_str("MV2,120.04,30.0\n"),
            "switch.csv" => {
                text.push_str("CB2,breaker,SUB,123,MV2,123,yes,no\nTIE,switch,MV,123,MV2,123,yes,yes\n")
            }
            "transformer.csv" => *text = text.replace("T2,MV:123", "T2,MV2:123"),
            "service_point.csv" => *text = text.replace("Asia/Shanghai", &zone),
            _ => {}
        }
    }
    files
}

impl Street {
    /// Somebody reported, and the dispatcher confirmed the breaker: its customers are off.
    async fn dark() -> anyhow::Result<Self> {
        let mut system = System::prepare().await?;
        let folder = system.home().join("street");
        std::fs::create_dir_all(&folder)?;
        for (name, text) in files() {
            std::fs::write(folder.join(name), text)?;
        }
        let folder = folder.display().to_string();
        system.verb(&["import", "--pack", &folder]).await?;
        system.start().await?;
        for (login, role) in [
            ("agent", "agent"),
            ("dispatcher", "dispatcher"),
            ("scada", "scada"),
            ("seat-1", "control_room"),
            ("seat-2", "control_room"),
        ] {
            system.account(login, role, &["--org-path", pack::ORG]).await?;
        }
        let mut street = Self {
            system,
            incident: String::new(),
        };
        street.fault().await?;
        Ok(street)
    }

    async fn desk(&self, login: &str) -> anyhow::Result<Api> {
        self.system.sign_in(login).await
    }

    async fn fault(&mut self) -> anyhow::Result<()> {
        let agent = self.desk("agent").await?;
        let body = json!({ "danger": false, "account": "S-1", "channel": "hotline" });
        let report = text(&agent.post("/api/v1/reports", body).await?, "report_id")?;
        self.incident = until("the report is in an incident", async || {
            let report = agent.get(&format!("/api/v1/reports/{report}")).await?;
            Ok(Some(text(&report, "incident_id")?).filter(|id| !id.is_empty()))
        })
        .await?;
        let path = format!("/api/v1/incidents/{}/confirm", self.incident);
        let dispatcher = self.desk("dispatcher").await?;
        dispatcher.post(&path, json!({ "device_id": "CB1" })).await?;
        self.off("everybody below the breaker", 3).await.map(drop)
    }

    /// Who was affected, once so many of them are off.
    async fn off(&self, what: &str, count: usize) -> anyhow::Result<Vec<Value>> {
        let dispatcher = self.desk("dispatcher").await?;
        until(what, async || {
            let page = dispatcher
                .get(&format!("/api/v1/ledger/affected/{}", self.incident))
                .await?;
            let rows = page["items"].as_array().cloned().unwrap_or_default();
            let off = rows.iter().filter(|row| row["on_at"].is_null()).count();
            Ok((rows.len() == 3 && off == count).then_some(rows))
        })
        .await
    }

    /// Telemetry sees the tie, and nobody had asked for it.
    async fn seen(&self, closed: bool) -> anyhow::Result<Value> {
        let said = json!({ "telemetry": [{ "device_id": "TIE", "closed": closed, "at": Utc::now() }] });
        let scada = self.desk("scada").await?;
        let taken = scada.post("/api/v1/switching/telemetry", said.clone()).await?;
        anyhow::ensure!(taken["switched"] == json!(["TIE"]), "{taken}");
        Ok(said["telemetry"][0]["at"].clone())
    }

    /// To whom texts went that say that the cut is theirs no more.
    fn released(&self) -> Vec<String> {
        let all: Vec<Sms> = self.system.smsc.texts().all();
        let about = all
            .iter()
            .filter(|sms| sms.text.contains("no longer affects you"));
        let mut to: Vec<String> = about.map(|sms| sms.destination.clone()).collect();
        to.sort_unstable();
        to
    }
}

fn phones(of: std::ops::RangeInclusive<usize>) -> Vec<String> {
    of.map(|n| small::phone(n).trim_start_matches('+').to_owned())
        .collect()
}

#[tokio::test]
async fn who_is_fed_by_a_tie_is_on_in_the_ledger_told_once_and_off_again_when_it_opens() -> anyhow::Result<()>
{
    let mut street = Street::dark().await?;
    let closed_at = street.seen(true).await?;
    let rows = street.off("all are fed another way", 0).await?;
    let at = |value: &Value| crate::ask::instant(value).map(|at| at.timestamp_micros());
    for row in &rows {
        assert_eq!(
            at(&row["on_at"])?,
            at(&closed_at)?,
            "the moment of the switching: {row}"
        );
    }
    until("everybody is told", async || {
        Ok((street.released().len() >= 3).then_some(()))
    })
    .await?;
    let incident = street
        .desk("dispatcher")
        .await?
        .get(&format!("/api/v1/incidents/{}", street.incident))
        .await?;
    assert_eq!(
        (&incident["state"], &incident["affected_count"]),
        (&json!("open"), &json!(0))
    );
    street.seen(false).await?;
    street.off("off again", 3).await?;
    assert_eq!(street.released(), phones(1..=3), "each once, and nobody else");
    street.system.stop().await
}

/// The same by the control room's own seat, for the incident.
#[tokio::test]
async fn the_control_room_feeds_them_another_way_and_they_are_told() -> anyhow::Result<()> {
    let mut street = Street::dark().await?;
    let (first, second) = (street.desk("seat-1").await?, street.desk("seat-2").await?);
    let id = Uuid::now_v7();
    let wish = json!({
        "switching_id": id, "device_id": "TIE", "close": true, "basis_kind": "incident",
        "basis_id": street.incident, "reason": "feed them from the other side",
    });
    first.post("/api/v1/switching", wish).await?;
    for (seat, event) in [
        (&first, json!({ "type": "acknowledge" })),
        (
            &first,
            json!({ "type": "permit", "name": "Zhao", "number": "P-17", "read_back": true }),
        ),
        (&first, json!({ "type": "execute", "at": null })),
        (&second, json!({ "type": "confirm" })),
    ] {
        seat.post(
            &format!("/api/v1/switching/{id}/events"),
            json!({ "event": event }),
        )
        .await
        .with_context(|| event.to_string())?;
    }
    street.off("all are fed another way", 0).await?;
    until("everybody is told", async || {
        Ok((street.released().len() >= 3).then_some(()))
    })
    .await?;
    assert_eq!(street.released(), phones(1..=3));
    street.system.stop().await
}
