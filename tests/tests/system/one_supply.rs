//! An important customer with two supplies loses one: warned within minutes, asked to answer; silence climbs; the end is told
//! (operations.md O23).

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use relight_tests::{Api, System, pack};
use serde_json::{Value, json};

use crate::{
    ask::{instant, text, until},
    small,
};

/// A works with supplies from both breakers of a station; everybody else hangs on the first.
struct Works(System);

fn files() -> Vec<(&'static str, String)> {
    let zone = pack::noon_zone(Utc::now());
    let org = pack::ORG;
    let mut files = small::files();
    for (name, text) in &mut files {
        match *name {
            "bus.csv" => text.push_str("MV2,120.04,30.0\nLV9,120.05,30.0\n"),
            "switch.csv" => text.push_str("CB2,breaker,SUB,123,MV2,123,yes,no\n"),
            "transformer.csv" => text.push_str("T9,MV2:123 LV9:123,yes,no\n"),
            "customer.csv" => *text = text.replace("S-1,Customer 1,en,ordinary", "S-1,Works,en,important"),
            "service_point.csv" => {
                text.push_str(&format!(
                    "P-9,LV9,123,S-1,,120.05,30.0,urban,Asia/Shanghai,{org},大街9号,9 Great Street,none,yes\n"
                ));
                *text = text.replace("Asia/Shanghai", &zone);
            }
            _ => {}
        }
    }
    files
}

impl Works {
    async fn open() -> anyhow::Result<Self> {
        let mut system = System::prepare().await?;
        system.with_clock()?;
        let folder = system.home().join("works");
        std::fs::create_dir_all(&folder)?;
        for (name, text) in files() {
            std::fs::write(folder.join(name), text)?;
        }
        let folder = folder.display().to_string();
        system.verb(&["import", "--pack", &folder]).await?;
        system.start().await?;
        for role in ["scada", "planner", "manager"] {
            system.account(role, role, &["--org-path", pack::ORG]).await?;
        }
        Ok(Self(system))
    }

    async fn desk(&self, login: &str) -> anyhow::Result<Api> {
        self.0.sign_in(login).await
    }

    /// SCADA says so, and it is news.
    async fn scada(&self, device: &str, closed: bool) -> anyhow::Result<()> {
        let said = json!({ "telemetry": [{ "device_id": device, "closed": closed, "at": self.0.now() }] });
        let taken = self
            .desk("scada")
            .await?
            .post("/api/v1/switching/telemetry", said)
            .await?;
        anyhow::ensure!(taken["switched"] == json!([device]), "{taken}");
        Ok(())
    }

    async fn warnings(&self) -> anyhow::Result<Vec<Value>> {
        let list = self
            .desk("planner")
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

    /// To whom the texts went that name the warning and have these words.
    async fn told(&self, number: &str, words: &str) -> anyhow::Result<Vec<String>> {
        let about = |text: &str| text.contains(number) && text.contains(words);
        let all = self.0.smsc.texts();
        let seen = all
            .wait_for(|seen: &[relight_testkit::smsc::Sms]| seen.iter().any(|sms| about(&sms.text)))
            .await
            .with_context(|| format!("a text about {number} with {words}"))?;
        let to = seen.iter().filter(|sms| about(&sms.text));
        Ok(to.map(|sms| sms.destination.clone()).collect())
    }

    /// One of the two is gone since the moment that is given back, and the works was told of it.
    async fn down_to_one(&self) -> anyhow::Result<(Value, DateTime<Utc>)> {
        self.scada("CB1", false).await?;
        let one = self.warning("a warning", |_| true).await?;
        anyhow::ensure!(
            (&one["supplies"], &one["supplied"]) == (&json!(2), &json!(1)),
            "{one}"
        );
        anyhow::ensure!(one["told_at"].is_null(), "a transfer may take minutes: {one}");
        let since = instant(&one["since_at"])?;
        self.0.clock_to(since + TimeDelta::minutes(2))?;
        let one = self
            .warning("the works has the text", |one| !one["served_at"].is_null())
            .await?;
        Ok((one, since))
    }
}

#[tokio::test]
async fn who_answers_is_left_alone_and_hears_when_both_supplies_are_back() -> anyhow::Result<()> {
    let mut works = Works::open().await?;
    let (one, since) = works.down_to_one().await?;
    let number = text(&one, "number")?;
    // As the provider gets it.
    let phone = small::phone(1).trim_start_matches('+').to_owned();
    assert_eq!(
        works.told(&number, "RELIABILITY WARNING").await?,
        std::slice::from_ref(&phone)
    );

    let path = format!("/api/v1/reliability-warnings/{}", text(&one, "warning_id")?);
    let answer = json!({ "text": "the generator is ready", "channel": "call" });
    let planner = works.desk("planner").await?;
    let answered = planner.post(&format!("{path}/acknowledgement"), answer).await?;
    assert_eq!(answered["text"], "the generator is ready");

    works.0.clock_to(since + TimeDelta::hours(2))?;
    works.scada("CB1", true).await?;
    let over = works
        .warning("it is over", |one| one["ended_as"] == "restored")
        .await?;
    assert_eq!(over["escalated_to"], "", "nobody was silent: {over}");
    assert_eq!(works.told(&number, "is over").await?, [phone], "once");
    works.0.stop().await
}

#[tokio::test]
async fn silence_climbs_to_the_duty_manager_who_takes_it_on() -> anyhow::Result<()> {
    let mut works = Works::open().await?;
    let (one, _) = works.down_to_one().await?;
    let told = instant(&one["told_at"])?;
    for (minutes, rung) in [(15, "account_manager"), (30, "duty_manager")] {
        works.0.clock_to(told + TimeDelta::minutes(minutes))?;
        works.warning(rung, |one| one["escalated_to"] == rung).await?;
    }
    let alarms = works
        .desk("manager")
        .await?
        .get("/api/v1/outage-alarms?open=true")
        .await?;
    let alarms = alarms.to_string();
    assert!(alarms.contains("duty_manager"), "{alarms}");
    let path = format!("/api/v1/reliability-warnings/{}/close", text(&one, "warning_id")?);
    let manager = works.desk("manager").await?;
    let closed = manager.post(&path, json!({ "note": "sent a van" })).await?;
    assert_eq!(closed["note"], "sent a van");
    works.0.stop().await
}
