//! A street with a planned outage: six customers behind one breaker. The first is important, the second has a generator,
//! the last has no phone and no mail.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use relight_tests::{Api, System, pack, photo::sha256};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    ask::{instant, text, until},
    small,
};

/// The street, its system and one outage.
pub struct Street {
    pub system: System,
    pub outage: Uuid,
    /// Supply ends, as drafted.
    pub off_at: DateTime<Utc>,
    /// Whose plan it is.
    pub author: &'static str,
    files: Vec<(&'static str, String)>,
}

/// Customers with a phone.
pub const PHONES: usize = 5;
/// Why it is done although the plan collides.
pub const WHY: &str = "the important customer has one line only";

pub fn h(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}

pub fn min(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

impl Street {
    /// A running system; nothing is planned yet. The outage will begin `ahead` from now.
    pub async fn begin(ahead: TimeDelta) -> anyhow::Result<Self> {
        Self::of(ahead, |_, _| {}).await
    }

    /// The same, where `change` was made to each file of the network.
    pub async fn of(ahead: TimeDelta, change: impl Fn(&str, &mut String)) -> anyhow::Result<Self> {
        let mut system = System::prepare().await?;
        system.with_clock()?;
        let mut files = files(&pack::noon_zone(Utc::now()));
        files.iter_mut().for_each(|(name, text)| change(name, text));
        let mut street = Self {
            outage: Uuid::now_v7(),
            off_at: (system.now() + ahead).trunc_subsecs(0),
            author: "planner",
            system,
            files,
        };
        street.import(&[]).await?;
        street.system.start().await?;
        let at = ["--org-path", pack::ORG];
        for role in ["planner", "manager", "dispatcher", "agent"] {
            street.system.account(role, role, &at).await?;
        }
        Ok(street)
    }

    async fn import(&self, more: &[&str]) -> anyhow::Result<()> {
        let folder = self.system.home().join("street");
        std::fs::create_dir_all(&folder)?;
        for (name, text) in &self.files {
            std::fs::write(folder.join(name), text)?;
        }
        let folder = folder.display().to_string();
        let verb = [&["import", "--pack", &folder], more].concat();
        self.system.verb(&verb).await.map(drop)
    }

    /// The network is another one from now on.
    pub async fn rebuilt(&mut self, change: impl Fn(&str, &mut String)) -> anyhow::Result<()> {
        self.files.iter_mut().for_each(|(name, text)| change(name, text));
        self.import(&["--yes"]).await
    }

    /// Somebody with the number 7 moves in where customer 5 lived.
    pub async fn somebody_moves_in(&mut self) -> anyhow::Result<()> {
        self.somebody_moves_in_among(0).await
    }

    /// The same in an import that brings so many other customers.
    pub async fn somebody_moves_in_among(&mut self, others: usize) -> anyhow::Result<()> {
        for (name, text) in &mut self.files {
            match *name {
                "customer.csv" => {
                    text.push_str("S-7,Customer 7,en,ordinary,no,no\n");
                    text.extend((0..others).map(|n| format!("X-{n},Somebody {n},en,ordinary,no,no\n")));
                }
                "contact.csv" => text.push_str(&format!("S-7,sms,{},en\n", small::phone(7))),
                "service_point.csv" => *text = text.replace(",S-5,", ",S-7,"),
                _ => {}
            }
        }
        self.import(&[]).await
    }

    /// A fresh session: those before a jump of the clock have ended.
    pub async fn who(&self, role: &str) -> anyhow::Result<Api> {
        self.system.sign_in(role).await
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/planned-outages/{}{rest}", self.outage)
    }

    pub async fn read(&self) -> anyhow::Result<Value> {
        self.who("planner").await?.get(&self.path("")).await
    }

    pub async fn gate(&self) -> anyhow::Result<Value> {
        self.part("gate").await
    }

    /// What hangs on the outage under this name.
    pub async fn part(&self, name: &str) -> anyhow::Result<Value> {
        self.who("planner")
            .await?
            .get(&self.path(&format!("/{name}")))
            .await
    }

    /// Does it, which must work.
    pub async fn act(&self, role: &str, event: Value) -> anyhow::Result<Value> {
        let body = json!({ "event": event });
        self.who(role).await?.post(&self.path("/events"), body).await
    }

    /// Does it, which must be refused; gives the words.
    pub async fn refused(&self, role: &str, event: Value) -> anyhow::Result<String> {
        let (api, body) = (self.who(role).await?, json!({ "event": event }));
        let (status, problem) = api.try_post(Uuid::now_v7(), &self.path("/events"), body).await?;
        anyhow::ensure!(status.is_client_error(), "it was let through: {problem}");
        Ok(problem.to_string())
    }

    pub fn window(&self, later: TimeDelta) -> Value {
        let off_at = self.off_at + later;
        json!({ "off_at": off_at, "on_at": off_at + h(6) })
    }

    /// Drafts this outage of the whole street in `window`.
    pub async fn drafted(&self, outage: Uuid, window: Value) -> anyhow::Result<Value> {
        let (api, command) = (self.who(self.author).await?, Uuid::now_v7());
        let body = draft(outage, window);
        // On a busy machine the registry may still be loading its network: the same command is sent again.
        until("the draft is taken", async || {
            let (status, draft) = api
                .try_post(command, "/api/v1/planned-outages", body.clone())
                .await?;
            anyhow::ensure!(status.is_success() || status == 503, "{status}: {draft}");
            Ok(status.is_success().then_some(draft))
        })
        .await
    }

    /// From the draft to the comparison; gives the number.
    pub async fn balanced(&self) -> anyhow::Result<String> {
        let draft = self.drafted(self.outage, self.window(h(0))).await?;
        assert_eq!(draft["affected_count"], 6, "{draft}");
        self.considered().await?;
        self.act(self.author, json!({ "type": "submit" })).await?;
        self.act(self.author, json!({ "type": "balance", "justification": WHY }))
            .await?;
        text(&draft, "number")
    }

    /// From the draft to the approval; gives the number.
    pub async fn approved(&self) -> anyhow::Result<String> {
        let number = self.balanced().await?;
        let approve = json!({ "type": "approve", "justification": WHY });
        let words = self.refused("manager", approve.clone()).await?;
        assert!(words.contains("not countersigned by: dispatch"), "{words}");
        self.countersigned().await?;
        self.act("manager", approve).await?;
        Ok(number)
    }

    /// Why it has to be switched off; nothing is handed in without.
    pub async fn considered(&self) -> anyhow::Result<()> {
        let words = self.refused("planner", json!({ "type": "submit" })).await?;
        assert!(words.contains("live_work, transfer, generator_truck"), "{words}");
        let kinds = ["live_work", "transfer", "generator_truck"];
        let all = kinds.map(|kind| json!({ "kind": kind, "reason": "one breaker feeds the street" }));
        let body = json!({ "alternatives": all });
        let form = self
            .who("planner")
            .await?
            .post(&self.path("/alternatives"), body)
            .await?;
        assert_eq!(form["not_considered"], json!([]), "{form}");
        Ok(())
    }

    /// Sent to every department, and each agrees.
    pub async fn countersigned(&self) -> anyhow::Result<()> {
        let path = self.path("/countersigns");
        let sent = json!({ "step": { "type": "send" } });
        self.who("planner").await?.post(&path, sent).await?;
        for (role, department) in [
            ("dispatcher", "dispatch"),
            ("manager", "equipment"),
            ("agent", "marketing"),
        ] {
            let sign = json!({ "type": "sign", "department": department, "verdict": "agreed" });
            self.who(role).await?.post(&path, json!({ "step": sign })).await?;
        }
        let form = self.who("agent").await?.get(&self.path("/form")).await?;
        assert_eq!(form["not_signed"], json!([]), "{form}");
        Ok(())
    }

    /// Waits until everybody who must be told is proven to be.
    pub async fn served(&self, required: u64) -> anyhow::Result<Value> {
        until("the individual notices are proven", async || {
            let outage = self.read().await?;
            Ok((outage["coverage"]["served"] == required).then_some(outage))
        })
        .await
    }

    pub async fn state(&self, state: &str) -> anyhow::Result<Value> {
        until(state, async || {
            let outage = self.read().await?;
            Ok((outage["state"] == state).then_some(outage))
        })
        .await
    }

    /// Ids of the recipients of a list.
    pub async fn recipients(&self, which: &str) -> anyhow::Result<Vec<Value>> {
        let list = self
            .who("planner")
            .await?
            .get(&self.path(&format!("/recipients?which={which}")))
            .await?;
        Ok(list["items"].as_array().context("items")?.clone())
    }

    /// The one of whom this is true in the end: what proves a notice is told after its receipt has come.
    pub async fn only(&self, which: &str) -> anyhow::Result<Value> {
        until(&format!("one is {which}"), async || {
            let all = self.recipients(which).await?;
            Ok(<[Value; 1]>::try_from(all).ok().map(|[only]| only))
        })
        .await
    }

    /// The last customer has no phone: somebody goes there.
    pub async fn visited(&self) -> anyhow::Result<()> {
        let customer = text(&self.only("unreached").await?, "customer_id")?;
        let visit = json!({ "type": "evidence", "customer_id": customer, "channel": "visit", "at": self.system.now(),
            "note": "handed over at the door" });
        let words = self.refused("agent", visit.clone()).await?;
        assert!(words.contains("photo_sha256"), "a visit without a photo: {words}");
        let mut proven = visit;
        proven["photo_sha256"] = json!(sha256(7));
        let words = self.refused("agent", proven.clone()).await?;
        assert!(
            words.contains("upload the photo first"),
            "a hash without bytes: {words}"
        );
        self.who("agent").await?.bring("/api/v1", 7).await?;
        self.act("agent", proven).await.map(drop)
    }

    pub async fn acknowledged(&self) -> anyhow::Result<()> {
        let customer = text(&self.only("unacknowledged").await?, "customer_id")?;
        let call = self.called(&customer).await?;
        let answer = json!({ "type": "acknowledge", "customer_id": customer, "text": "we start our own supply at eight",
            "call": call });
        self.act("planner", answer).await?;
        let path = self.path(&format!("/calls?customer_id={customer}"));
        let calls = self.who("agent").await?.get(&path).await?;
        assert_eq!(calls["items"][0]["contact_id"], call["contact_id"], "{calls}");
        assert_eq!(calls["items"][0]["purpose"], "acknowledgement", "{calls}");
        Ok(())
    }

    /// The number at which a customer was reached; a call that names none is no proof.
    async fn called(&self, customer: &str) -> anyhow::Result<Value> {
        let bare = json!({ "type": "evidence", "customer_id": customer, "channel": "call", "at": self.system.now(),
            "note": "spoke with the watch" });
        let words = self.refused("agent", bare).await?;
        assert!(words.contains("which number"), "{words}");
        let path = format!("/api/v1/customers/{customer}/numbers");
        let numbers = self.who("planner").await?.get(&path).await?;
        let number = &numbers["items"][0];
        assert_eq!(number["masked"], "***0001", "{numbers}");
        Ok(json!({ "contact_id": number["contact_id"], "outcome": "reached" }))
    }

    /// Texts about this outage at each phone, once there are `count` of them in all.
    pub async fn texts(&self, number: &str, count: usize) -> anyhow::Result<BTreeMap<String, usize>> {
        let about = |text: &str| text.contains(number);
        let all = self.system.smsc.texts();
        let enough =
            |seen: &[relight_testkit::smsc::Sms]| seen.iter().filter(|sms| about(&sms.text)).count() >= count;
        let all = all.wait_for(enough).await.with_context(|| {
            let seen = self.system.smsc.texts().all();
            let told: Vec<_> = seen.iter().map(|sms| (&sms.destination, &sms.text)).collect();
            format!("{count} texts about {number}, not {told:#?}")
        })?;
        let mut phones = BTreeMap::new();
        for sms in all.iter().filter(|sms| about(&sms.text)) {
            *phones.entry(sms.destination.clone()).or_default() += 1;
        }
        Ok(phones)
    }

    /// Just after `before` the start.
    pub fn until(&self, before: TimeDelta) -> anyhow::Result<()> {
        self.system.clock_to(self.off_at - before)
    }

    /// (open, closed) records of the ledger that are planned.
    pub async fn ledger(&self) -> anyhow::Result<(i64, i64)> {
        let mut database = self.system.database.connect().await?;
        let counts = "select (select count(*) from insight.interruption_open),
             (select count(*) from insight.interruption where on_at is not null)";
        Ok(sqlx::query_as(counts).fetch_one(&mut database).await?)
    }

    /// Accounts that are off in the ledger, sorted.
    pub async fn accounts_off(&self) -> anyhow::Result<Vec<String>> {
        let mut database = self.system.database.connect().await?;
        let accounts = "select c.account from insight.interruption_open o
             join registry.customer c on c.id = o.customer_id order by 1";
        Ok(sqlx::query_scalar(accounts).fetch_all(&mut database).await?)
    }

    pub async fn ledger_shows(&self, open: i64) -> anyhow::Result<()> {
        until(&format!("{open} are off in the ledger"), async || {
            Ok((self.ledger().await?.0 == open).then_some(()))
        })
        .await
    }
}

/// The body of a draft of the whole street.
pub fn draft(outage: Uuid, window: Value) -> Value {
    let words = json!({ "line": "10 kV CB1", "reason_zh": "更换开关", "reason_en": "a new switch" });
    json!({ "outage_id": outage, "device_ids": ["CB1"], "window": window, "words": words })
}

/// The files of the street, in a zone where it is noon.
fn files(zone: &str) -> Vec<(&'static str, String)> {
    let mut files = small::files();
    for (name, text) in &mut files {
        *text = match *name {
            "customer.csv" => text.replace("S-1,Customer 1,en,ordinary", "S-1,Customer 1,en,important"),
            "service_point.csv" => text
                .replace("Asia/Shanghai", zone)
                .replace("2 Small Street,none", "2 Small Street,diesel"),
            "contact.csv" => text.replace(&format!("S-6,sms,{},en\n", small::phone(6)), ""),
            _ => continue,
        };
    }
    files
}

/// An instant of the answer.
pub fn at(value: &Value) -> anyhow::Result<DateTime<Utc>> {
    instant(value)
}
