//! A small running system with one open fault, and everybody's sessions.

use std::collections::BTreeMap;

use anyhow::Context;
use relight_tests::{System, pack::ORG, system::PASSWORD};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    books::{self, Books},
    wire::{Answer, Case},
};
use crate::{ask::until, small};

/// The system under test.
pub struct House {
    /// The running system.
    pub system: System,
    http: reqwest::Client,
    gateway: String,
    mobile: String,
    tokens: BTreeMap<&'static str, String>,
    /// A unit, a crew of it, a crew of another unit.
    pub unit: Uuid,
    /// The crew of `crew`.
    pub crew: Uuid,
    /// The open fault.
    pub incident: String,
    /// Its order.
    pub order: String,
    /// Its first report.
    pub report: String,
}

/// Account of the customer who has a session.
pub const OWN_ACCOUNT: &str = "S-1";

impl House {
    /// Starts it.
    ///
    /// # Errors
    /// When the system refuses what is right.
    pub async fn open() -> anyhow::Result<Self> {
        let mut system = System::prepare().await?;
        for (name, value) in [
            ("MOBILE__PUBLIC_PER_S", "5000"),
            ("MOBILE__PUBLIC_BURST", "5000"),
            ("MOBILE__SESSION_PER_S", "5000"),
            ("MOBILE__SESSION_BURST", "5000"),
            ("TELEMETRY__FORMAT", "json"),
        ] {
            system.set(name, value);
        }
        let folder = system.home().join("pack");
        small::write(&folder)?;
        system
            .verb(&["import", "--pack", &folder.display().to_string()])
            .await?;
        system.start().await?;
        let (unit, crew) = (Uuid::now_v7(), Uuid::now_v7());
        let mut house = Self {
            http: reqwest::Client::new(),
            gateway: system.gateway()?,
            mobile: system.mobile()?,
            tokens: BTreeMap::new(),
            unit,
            crew,
            incident: String::new(),
            order: String::new(),
            report: String::new(),
            system,
        };
        house.staff().await?;
        house.fault().await?;
        Ok(house)
    }

    async fn staff(&mut self) -> anyhow::Result<()> {
        let (unit, crew) = (self.unit.to_string(), self.crew.to_string());
        let (other_unit, other_crew) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
        let people: [(&str, &str, Vec<&str>); 7] = [
            ("admin", "admin", vec![]),
            ("dispatcher", "dispatcher", vec!["--org-path", ORG]),
            ("elsewhere", "dispatcher", vec!["--org-path", "test/city/south"]),
            ("agent", "agent", vec!["--org-path", ORG]),
            ("desk", "unit_desk", vec!["--org-path", ORG, "--unit", &unit]),
            (
                "other-desk",
                "unit_desk",
                vec!["--org-path", ORG, "--unit", &other_unit],
            ),
            (
                "other-crew",
                "crew",
                vec!["--org-path", ORG, "--crew", &other_crew],
            ),
        ];
        for (login, role, more) in people {
            self.system.account(login, role, &more).await?;
            self.sign_in(login, "/api/v1/sessions").await?;
        }
        let more = ["--org-path", ORG, "--crew", &crew];
        self.system.account("crew", "crew", &more).await?;
        self.sign_in("crew", "/m/v1/session").await?;
        let body = json!({ "name": "North unit", "org_path": ORG, "area_org_paths": [ORG] });
        self.good(&Case::put("admin", format!("/api/v1/units/{unit}"), &body))
            .await?;
        let body = json!({ "name": "Crew", "unit_id": unit, "org_path": ORG, "skills": ["fault_repair"] });
        self.good(&Case::put("admin", format!("/api/v1/crews/{crew}"), &body))
            .await?;
        self.everything().await?;
        self.customer().await
    }

    /// Somebody with every role of the staff, so that broken requests get as deep as they can.
    async fn everything(&mut self) -> anyhow::Result<()> {
        let roles = [
            "admin",
            "dispatcher",
            "agent",
            "unit_desk",
            "crew",
            "planner",
            "manager",
            "control_room",
            "scada",
        ];
        let grants: Vec<Value> = roles
            .iter()
            .map(|role| json!({ "role": role, "org_path": "" }))
            .collect();
        let body = json!({ "login": "everything", "display_name": "Everything", "grants": grants,
            "unit_id": self.unit, "crew_id": self.crew, "password": PASSWORD });
        let path = format!("/api/v1/accounts/{}", Uuid::now_v7());
        self.good(&Case::put("admin", path, &body)).await?;
        self.sign_in("everything", "/api/v1/sessions").await
    }

    /// The customer signs in with the code of the message.
    async fn customer(&mut self) -> anyhow::Result<()> {
        let body = json!({ "account": OWN_ACCOUNT, "phone": small::phone(1) });
        self.good(&Case::post("", "/api/v1/codes", &body)).await?;
        let texts = self.system.smsc.texts();
        let code = |text: &str| {
            let mut runs = text.split(|c: char| !c.is_ascii_digit());
            runs.find(|run| run.len() == 6).map(str::to_owned)
        };
        let found = texts
            .wait_for(|all| all.iter().any(|sms| code(&sms.text).is_some()))
            .await?;
        let code = found.iter().find_map(|sms| code(&sms.text)).context("a code")?;
        let body = json!({ "account": OWN_ACCOUNT, "code": code });
        let session = self.good(&Case::post("", "/api/v1/codes/confirm", &body)).await?;
        self.keep("customer", &session)
    }

    async fn sign_in(&mut self, login: &'static str, path: &str) -> anyhow::Result<()> {
        let body = json!({ "login": login, "password": PASSWORD });
        let session = self.good(&Case::post("", path, &body)).await?;
        self.keep(login, &session)
    }

    fn keep(&mut self, name: &'static str, session: &Value) -> anyhow::Result<()> {
        let token = session["token"].as_str().context("a token")?;
        self.tokens.insert(name, token.to_owned());
        Ok(())
    }

    /// A report, the incident it makes, and the order that follows.
    async fn fault(&mut self) -> anyhow::Result<()> {
        let body = json!({ "danger": false, "account": "S-2", "channel": "hotline" });
        let report = self.good(&Case::post("agent", "/api/v1/reports", &body)).await?;
        self.report = report["report_id"].as_str().context("an id")?.to_owned();
        let house = &*self;
        let (incident, order) = until("there is an order", async || {
            let orders = house.good(&Case::get("dispatcher", "/api/v1/orders")).await?;
            let order = &orders["items"][0];
            let ids = order["incident_id"].as_str().zip(order["order_id"].as_str());
            Ok(ids.map(|(incident, order)| (incident.to_owned(), order.to_owned())))
        })
        .await?;
        (self.incident, self.order) = (incident, order);
        Ok(())
    }

    /// The session of somebody.
    pub fn token(&self, who: &str) -> &str {
        &self.tokens[who]
    }

    /// Address of the gateway.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn send(&self, case: &Case) -> anyhow::Result<Answer> {
        let base = if case.path.starts_with("/m/") {
            &self.mobile
        } else {
            &self.gateway
        };
        let mut request = self
            .http
            .request(case.method.clone(), format!("{base}{}", case.path));
        if !case.who.is_empty() {
            request = request.bearer_auth(self.token(case.who));
        }
        for (name, value) in &case.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &case.body {
            request = request.body(body.clone());
        }
        let sent = request.send().await;
        Answer::of(sent.with_context(|| format!("{} {}", case.method, case.path))?).await
    }

    /// Sends a request that is right.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn good(&self, case: &Case) -> anyhow::Result<Value> {
        let answer = self.send(case).await?;
        let is_good = (200..300).contains(&answer.status);
        anyhow::ensure!(is_good, "{} {}: {answer:?}", case.method, case.path);
        Ok(answer.json())
    }

    /// Every case gets the refusal it should; all that do not are told together.
    ///
    /// # Errors
    /// With every case that went otherwise.
    pub async fn all_refused(&self, cases: &[Case]) -> anyhow::Result<()> {
        let mut faults = Vec::new();
        for case in cases {
            let answer = self.send(case).await?;
            if let Some(fault) = fault(case, &answer) {
                faults.push(format!("{fault}\n    {}\n    {}", shown(case), answer.text));
            }
        }
        anyhow::ensure!(
            faults.is_empty(),
            "{} of {} refusals are not as they should be:\n{}",
            faults.len(),
            cases.len(),
            faults.join("\n")
        );
        Ok(())
    }

    /// Row counts, once what set-up began has come to rest.
    ///
    /// # Errors
    /// When Postgres does not answer.
    pub async fn books(&self) -> anyhow::Result<Books> {
        let mut database = self.system.database.connect().await?;
        let mut last = books::read(&mut database).await?;
        let mut same = 0;
        until("nothing is written any more", async || {
            let now = books::read(&mut database).await?;
            same = if now == last { same + 1 } else { 0 };
            last = now;
            Ok((same == 10).then(|| last.clone()))
        })
        .await
    }

    /// No table has gained or lost a row.
    ///
    /// # Errors
    /// Names the tables that did.
    pub async fn same_books(&self, before: &Books) -> anyhow::Result<()> {
        let changed = books::differences(before, &self.books().await?);
        anyhow::ensure!(
            changed.is_empty(),
            "refused requests left rows: {}",
            changed.join(", ")
        );
        Ok(())
    }

    /// Stops, and looks into the log: no panic, no error, no parked event.
    ///
    /// # Errors
    /// With the lines found.
    pub async fn close(&mut self) -> anyhow::Result<()> {
        let parked: Vec<String> = parked(&self.system).await?;
        self.system.stop().await?;
        let log = std::fs::read_to_string(self.system.log())?;
        let bad: Vec<&str> = log.lines().filter(|line| is_alarming(line)).take(10).collect();
        anyhow::ensure!(bad.is_empty(), "the log has:\n{}", bad.join("\n"));
        anyhow::ensure!(parked.is_empty(), "events were parked: {parked:?}");
        Ok(())
    }
}

async fn parked(system: &System) -> anyhow::Result<Vec<String>> {
    let told = system.verb(&["events", "dead", "list", "--json"]).await?;
    Ok(told.lines().map(str::to_owned).collect())
}

/// Every line of the log is JSON; what is not comes from a panic.
pub fn is_alarming(line: &str) -> bool {
    let Ok(entry) = serde_json::from_str::<Value>(line) else {
        return true;
    };
    entry["level"] == "ERROR" || line.contains("panicked")
}

fn fault(case: &Case, answer: &Answer) -> Option<String> {
    if let Some(fault) = answer.fault() {
        return Some(fault);
    }
    if answer.status != case.status {
        return Some(format!("status {} instead of {}", answer.status, case.status));
    }
    let named = answer.fields();
    (!case.field.is_empty() && !named.contains(&case.field))
        .then(|| format!("names {named:?} instead of {}", case.field))
}

/// A request in one line, cut.
pub fn shown(case: &Case) -> String {
    let body = case
        .body
        .as_deref()
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    let body: String = body.chars().take(300).collect();
    format!(
        "{} as {:?}: {} {:?} {body}",
        case.method, case.who, case.path, case.headers
    )
}
