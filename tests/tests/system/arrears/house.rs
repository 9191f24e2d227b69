//! An arrears desk on a street with six customers: people, the feed, and the way of a debt to its last warning.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context;
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use relight_tests::{Api, System, pack::ORG, photo::sha256, system::PASSWORD};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::small;

/// What everybody owes, hundredths.
const DEBT: i64 = 50_000;
/// Shanghai.
const ZONE: FixedOffset = FixedOffset::east_opt(8 * 3600).expect("a third of a day");

/// The system and who works at its arrears desk.
pub struct House {
    /// The system.
    pub system: System,
    /// The unit that has the crew.
    pub unit: Uuid,
    /// The crew.
    pub crew: Uuid,
    sessions: Mutex<BTreeMap<&'static str, (DateTime<Utc>, Api)>>,
}

/// A case and the moments of its notice.
pub struct Debt {
    /// Id of the case.
    pub id: String,
    account: String,
    /// When supply is to stop.
    pub stop_at: DateTime<Utc>,
    serve_by: DateTime<Utc>,
}

impl Debt {
    /// Number of the picture its visit takes: one proves one case.
    pub fn visit(&self) -> u8 {
        100 + self.account.bytes().last().map_or(0, |digit| digit - b'0')
    }

    /// Number of the picture of its last warning at the door.
    pub fn door(&self) -> u8 {
        self.visit() + 20
    }

    /// Its photos.
    pub fn photos(&self) -> String {
        format!("/api/v1/photos?case_id={}", self.id)
    }

    /// The page of its photos.
    pub fn photos_page(&self) -> String {
        format!("/photos?case_id={}", self.id)
    }

    /// Where one of its photos is looked at.
    pub fn photo(&self, sha256: &str) -> String {
        format!("/api/v1/photos/{sha256}?case_id={}", self.id)
    }

    /// Where steps of the desk go.
    pub fn events(&self) -> String {
        format!("/api/v1/arrears/cases/{}/events", self.id)
    }

    /// A path of the crew edge.
    pub fn mobile(&self, what: &str) -> String {
        format!("/m/v1/arrears/cases/{}/{what}", self.id)
    }
}

/// So many seconds later.
pub fn after(at: DateTime<Utc>, seconds: i64) -> DateTime<Utc> {
    at + TimeDelta::seconds(seconds)
}

impl House {
    /// Meters have numbers, the sixth customer lives on a machine; an agent, a manager, billing and a crew.
    pub async fn open() -> anyhow::Result<Self> {
        Self::with(str::to_owned).await
    }

    /// The same, where `change` was made to the list of customers.
    pub async fn with(change: fn(&str) -> String) -> anyhow::Result<Self> {
        let mut system = System::prepare().await?;
        let folder = system.home().join("pack");
        small::write(&folder)?;
        for (name, change) in [
            ("service_point.csv", numbered as fn(&str) -> String),
            ("customer.csv", dependent),
            ("customer.csv", change),
        ] {
            let text = std::fs::read_to_string(folder.join(name))?;
            std::fs::write(folder.join(name), change(&text))?;
        }
        system
            .verb(&["import", "--pack", &folder.display().to_string()])
            .await?;
        system.with_clock()?;
        system.start().await?;
        let at = ["--org-path", ORG];
        system.account("admin", "admin", &[]).await?;
        system.account("li", "agent", &at).await?;
        system.account("hu", "manager", &at).await?;
        let (unit, crew) = (Uuid::now_v7(), Uuid::now_v7());
        let crew_of = crew.to_string();
        system
            .account("crew", "crew", &[&at[..], &["--crew", &crew_of]].concat())
            .await?;
        system.account("dispatcher", "dispatcher", &at).await?;
        let unit_of = unit.to_string();
        system
            .account("desk", "unit_desk", &[&at[..], &["--unit", &unit_of]].concat())
            .await?;
        let house = Self {
            system,
            unit,
            crew,
            sessions: Mutex::default(),
        };
        let body = json!({ "name": "North unit", "org_path": ORG, "area_org_paths": [ORG] });
        house
            .as_one("admin")
            .await?
            .put(&format!("/api/v1/units/{unit}"), body)
            .await?;
        Ok(house)
    }

    /// A seventh customer moves into the street.
    pub async fn another_customer(&self) -> anyhow::Result<()> {
        let folder = self.system.home().join("pack");
        for (name, row) in [
            (
                "service_point.csv",
                format!(
                    "P-7,LV2,123,S-7,M-7,120.07,30.0,urban,Asia/Shanghai,{ORG},小街7号,7 Small Street,none,yes\n"
                ),
            ),
            ("customer.csv", "S-7,Customer 7,en,ordinary,no,no\n".to_owned()),
        ] {
            let text = std::fs::read_to_string(folder.join(name))?;
            std::fs::write(folder.join(name), text + &row)?;
        }
        let folder = folder.display().to_string();
        self.system.verb(&["import", "--pack", &folder]).await.map(drop)
    }

    /// The session of somebody; another one when the clock has moved on by hours.
    async fn as_one(&self, login: &'static str) -> anyhow::Result<Api> {
        let now = self.system.now();
        let mut sessions = self.sessions.lock().await;
        if let Some((since, api)) = sessions.get(login)
            && now - *since < TimeDelta::minutes(10)
        {
            return Ok(api.clone());
        }
        let api = self.system.sign_in(login).await?;
        sessions.insert(login, (now, api.clone()));
        Ok(api)
    }

    /// The crew's phone.
    pub async fn phone(&self) -> anyhow::Result<Api> {
        self.system.phone("crew").await
    }

    /// The session of an officer of the desk.
    pub async fn officer(&self, login: &'static str) -> anyhow::Result<Api> {
        self.as_one(login).await
    }

    /// Sends lines of billing, each with an id of its own. What became of each.
    pub async fn lines(&self, mut lines: Vec<Value>) -> anyhow::Result<Vec<Value>> {
        for line in &mut lines {
            line["external_id"] = json!(Uuid::now_v7());
        }
        let body = json!({ "source": "billing", "lines": lines });
        let fed = self
            .as_one("admin")
            .await?
            .post("/api/v1/arrears/feed", body)
            .await?;
        Ok(fed["results"].as_array().cloned().unwrap_or_default())
    }

    async fn feed(&self, line: Value) -> anyhow::Result<Value> {
        let result = self.lines(vec![line]).await?.pop().context("a result")?;
        anyhow::ensure!(result["outcome"] == "taken", "{result}");
        Ok(result)
    }

    async fn balance(&self, account: &str) -> anyhow::Result<Value> {
        let due_on = (Utc::now().with_timezone(&ZONE).date_naive() - TimeDelta::days(1)).to_string();
        let bill = json!({ "period": "2026-05", "amount_cents": DEBT, "due_on": due_on });
        self.feed(json!({
            "account": account,
            "balance": { "balance_cents": DEBT, "as_of": self.system.now(), "due_on": due_on, "bills": [bill] },
        }))
        .await
    }

    /// Billing says again what is owed.
    pub async fn confirm(&self, debt: &Debt) -> anyhow::Result<()> {
        self.balance(&debt.account).await.map(drop)
    }

    /// All of it is paid.
    pub async fn pay(&self, debt: &Debt) -> anyhow::Result<()> {
        let line = json!({
            "account": debt.account,
            "payment": { "amount_cents": DEBT, "paid_at": self.system.now() },
        });
        self.feed(line).await.map(drop)
    }

    /// The case with its steps.
    pub async fn case(&self, debt: &Debt) -> anyhow::Result<Value> {
        let desk = self.as_one("li").await?;
        desk.get(&format!("/api/v1/arrears/cases/{}", debt.id)).await
    }

    /// A step of the desk.
    pub async fn act(&self, debt: &Debt, event: Value) -> anyhow::Result<Value> {
        let desk = self.as_one("li").await?;
        desk.post(&debt.events(), json!({ "event": event })).await
    }

    /// A page as the signed-in desk sees it.
    pub async fn page(&self, url: &str) -> anyhow::Result<String> {
        let session = self
            .li_session()
            .await?
            .get(url)
            .send()
            .await?
            .error_for_status()?;
        Ok(session.text().await?)
    }

    async fn li_session(&self) -> anyhow::Result<reqwest::Client> {
        let path = format!("{}/api/v1/sessions", self.system.gateway()?);
        let answer: Value = reqwest::Client::new()
            .post(path)
            .header("Idempotency-Key", Uuid::now_v7().to_string())
            .json(&json!({ "login": "li", "password": PASSWORD }))
            .send()
            .await?
            .json()
            .await?;
        let token = answer["token"].as_str().context("a token")?;
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("cookie", format!("relight_session={token}").parse()?);
        Ok(reqwest::Client::builder().default_headers(headers).build()?)
    }

    /// A debt on its first day.
    pub async fn billed(&self, account: &str) -> anyhow::Result<Debt> {
        let told = self.balance(account).await?;
        Ok(Debt {
            id: told["case_id"].as_str().context("a case")?.to_owned(),
            account: account.to_owned(),
            stop_at: self.system.now(),
            serve_by: self.system.now(),
        })
    }

    /// A debt on its first day, reminded by post.
    pub async fn overdue(&self, account: &str) -> anyhow::Result<Debt> {
        let debt = self.billed(account).await?;
        let early = self
            .act(&debt, json!({ "type": "propose", "reason": "at once" }))
            .await;
        anyhow::ensure!(early.is_err(), "a disconnection proposed on day 1");
        let remind = json!({ "type": "remind", "reminded_at": self.system.now(), "channel": "post", "record": "letter 17" });
        self.act(&debt, remind).await?;
        Ok(debt)
    }

    /// A debt whose notice is written: more than 30 days later, proposed by one, allowed by another.
    pub async fn owed(&self, account: &str) -> anyhow::Result<Debt> {
        let debt = self.overdue(account).await?;
        self.noticed(debt).await
    }

    /// The notice of a debt that was reminded of.
    pub async fn noticed(&self, mut debt: Debt) -> anyhow::Result<Debt> {
        let began = self.system.now();
        for days in 31..60 {
            self.system.clock_to(began + TimeDelta::days(days))?;
            if self.comes_to(&debt, "eligible", 2).await? {
                break;
            }
        }
        self.act(
            &debt,
            json!({ "type": "propose", "reason": "reminded, not paid" }),
        )
        .await?;
        let approve = json!({ "event": { "type": "approve" } });
        let own = self.act(&debt, approve["event"].clone()).await;
        anyhow::ensure!(own.is_err(), "the author allowed the own proposal");
        let manager = self.as_one("hu").await?;
        manager.post(&debt.events(), approve).await?;
        self.issued(&mut debt).await?;
        Ok(debt)
    }

    /// The notice of a case that was approved.
    pub async fn issued(&self, debt: &mut Debt) -> anyhow::Result<()> {
        // The first day on which it is lawful: no rest day, no eve of one.
        let today = self.system.now().with_timezone(&ZONE).date_naive();
        for days in 8..30 {
            let day = (today + TimeDelta::days(days))
                .and_hms_opt(10, 0, 0)
                .context("a time")?;
            let stop_at = day.and_local_timezone(ZONE).single().context("no gap")?.to_utc();
            let issued = self
                .act(debt, json!({ "type": "issue", "stop_at": stop_at }))
                .await;
            if let Ok(case) = issued {
                debt.stop_at = stop_at;
                debt.serve_by = case["serve_by"].as_str().context("a moment")?.parse()?;
                return Ok(());
            }
        }
        anyhow::bail!("no lawful day in three weeks")
    }

    /// Proof of service by a visit, now.
    pub fn proof(&self) -> Value {
        json!({
            "type": "serve", "method": "posted_with_witness", "served_at": self.system.now(),
            "position": [120.01, 30.0], "photo_sha256": sha256(1), "witness": "zhou", "received_by": "nobody at home",
        })
    }

    /// To the last hours in which serving the notice is of use.
    pub fn time_to_serve(&self, debt: &Debt) -> anyhow::Result<()> {
        self.system.clock_to(debt.serve_by - TimeDelta::hours(2))
    }

    /// To the moment after which serving it is of no use.
    pub fn past_serving(&self, debt: &Debt) -> anyhow::Result<()> {
        self.system.clock_to(debt.serve_by + TimeDelta::minutes(1))
    }

    /// Left at the door in time by the crew, who sees it first on its list.
    pub async fn served(&self, debt: &Debt) -> anyhow::Result<()> {
        self.time_to_serve(debt)?;
        let phone = self.phone().await?;
        let visits = phone.get("/m/v1/arrears/visits").await?;
        let first = &visits["cases"][0];
        anyhow::ensure!(
            first["case_id"] == debt.id.as_str() && !first["serve_by"].is_null(),
            "{visits}"
        );
        let photo = phone.bring("/m/v1", debt.visit()).await?;
        let mut proof = self.proof();
        proof["photo_sha256"] = json!(photo);
        let without = proof.as_object_mut().context("an object")?;
        without.remove("type");
        without.insert("id".to_owned(), json!(Uuid::now_v7()));
        without.insert("device_now".to_owned(), json!(self.system.now()));
        let served = phone.post(&debt.mobile("serve"), proof).await?;
        anyhow::ensure!(served["state"] == "notice_served", "{served}");
        Ok(())
    }

    /// Served, a week later in the lawful window, and warned at the door 40 minutes before the stop.
    pub async fn warned(&self, debt: &Debt) -> anyhow::Result<()> {
        self.served(debt).await?;
        self.window(debt).await?;
        self.confirm(debt).await?;
        let warning = json!({
            "type": "pre_notice", "warned_at": self.system.now(), "channel": "door", "record": "slip 90",
            "photo_sha256": sha256(debt.door()), "witness": "zhou",
        });
        let unseen = self.act(debt, warning.clone()).await;
        anyhow::ensure!(
            unseen
                .as_ref()
                .is_err_and(|e| e.to_string().contains("upload the photo first")),
            "{unseen:?}"
        );
        self.as_one("li").await?.bring("/api/v1", debt.door()).await?;
        let warned = self.act(debt, warning).await?;
        anyhow::ensure!(warned["state"] == "pre_noticed", "{warned}");
        Ok(())
    }

    /// Into the lawful window, 40 minutes before the stop.
    pub async fn window(&self, debt: &Debt) -> anyhow::Result<()> {
        self.system.clock_to(debt.stop_at - TimeDelta::minutes(40))?;
        anyhow::ensure!(
            self.comes_to(debt, "window_open", 20).await?,
            "{}",
            self.case(debt).await?
        );
        Ok(())
    }

    /// What the phone sends; with `is_done` the supply is off already.
    pub fn cut(&self, release: &str, meter_no: &str, is_done: bool) -> Value {
        let mut cut = json!({
            "id": Uuid::now_v7(), "release": release, "scanned_meter_no": meter_no, "second": "sun",
            "photo_before_sha256": sha256(2), "photo_after_sha256": sha256(3), "nobody_at_risk": true,
            "device_now": self.system.now(),
        });
        if is_done {
            cut["done_at"] = json!(self.system.now());
        }
        cut
    }

    /// Whether the case gets there by itself in so many seconds.
    pub async fn comes_to(&self, debt: &Debt, state: &str, seconds: u64) -> anyhow::Result<bool> {
        let desk = self.as_one("li").await?;
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        for _ in 0..seconds * 10 {
            ticks.tick().await;
            let case = desk.get(&format!("/api/v1/arrears/cases/{}", debt.id)).await?;
            if case["state"] == state {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Each meter gets the number of its customer.
fn numbered(points: &str) -> String {
    (1..=6).fold(points.to_owned(), |text, n| {
        text.replace(&format!(",S-{n},,"), &format!(",S-{n},M-{n},"))
    })
}

/// The sixth customer's life depends on supply.
fn dependent(customers: &str) -> String {
    customers.replace("S-6,Customer 6,en,ordinary,no", "S-6,Customer 6,en,ordinary,yes")
}
