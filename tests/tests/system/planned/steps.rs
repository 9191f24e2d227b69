//! The lawful way in long strides, for tests of what happens beside it.

use chrono::TimeDelta;
use relight_tests::Api;
use serde_json::{Value, json};
use uuid::Uuid;

use super::street::{PHONES, Street, h, min};
use crate::ask::text;

impl Street {
    /// Announced, told and answered; gives the number. One text at every phone.
    pub async fn noticed(&self) -> anyhow::Result<String> {
        let number = self.approved().await?;
        self.act("planner", json!({ "type": "announce" })).await?;
        self.state("noticed").await?;
        self.texts(&number, PHONES).await?;
        self.visited().await?;
        self.acknowledged().await?;
        Ok(number)
    }

    /// Through the last gate; gives the number. Two texts at every phone.
    pub async fn ready(&self) -> anyhow::Result<String> {
        let number = self.noticed().await?;
        self.until(h(24) - min(1))?;
        self.texts(&number, 2 * PHONES).await?;
        self.until(h(4) - min(1))?;
        self.state("ready").await?;
        Ok(number)
    }

    /// The control room's leave, read back; gives its id.
    pub async fn permitted(&self) -> anyhow::Result<String> {
        let permit = json!({ "type": "permit", "number": "D-77", "read_back": true });
        text(&self.act("dispatcher", permit).await?, "permit_id")
    }

    /// Switched off `later` than drafted, under a fresh permit.
    pub async fn off(&self, later: TimeDelta) -> anyhow::Result<Value> {
        self.until(min(1) - later)?;
        let permit = self.permitted().await?;
        self.until(-later - TimeDelta::seconds(1))?;
        let off = json!({ "type": "switch_off", "permit_id": permit });
        let outage = self.act("dispatcher", off).await?;
        self.ledger_shows(6).await?;
        Ok(outage)
    }

    /// Nobody is at work, the owner of the generator was called: supply comes back to everybody.
    pub async fn back(&self) -> anyhow::Result<Value> {
        let customer = text(&self.only("backfeed").await?, "customer_id")?;
        let told = json!({ "type": "isolate", "customer_id": customer, "step": "told" });
        self.act("dispatcher", told).await?;
        self.act("dispatcher", json!({ "type": "start_restoring" }))
            .await?;
        let all = json!({ "type": "restore", "all": true, "verified_by": "meter" });
        self.act("dispatcher", all).await
    }

    /// What is announced to the public, as anybody reads it.
    pub async fn public(&self) -> anyhow::Result<Vec<Value>> {
        let all = Api::anybody(&self.system.gateway()?)
            .get("/api/v1/announcements")
            .await?;
        Ok(all["items"].as_array().cloned().unwrap_or_default())
    }

    /// The last texts about this outage, one for each phone, all with these words.
    pub async fn all_hear(&self, number: &str, count: usize, words: &str) -> anyhow::Result<()> {
        let phones = self.texts(number, count).await?;
        let each = count / PHONES;
        anyhow::ensure!(
            phones.len() == PHONES && phones.values().all(|got| *got == each),
            "{each} at each of {PHONES} phones: {phones:?}"
        );
        let all = self.system.smsc.texts().all();
        let said = all
            .iter()
            .filter(|sms| sms.text.contains(number) && sms.text.contains(words));
        anyhow::ensure!(said.count() == PHONES, "{words}: {all:?}");
        Ok(())
    }

    /// Open alarms of this kind.
    pub async fn alarms(&self, what: &str) -> anyhow::Result<Vec<Value>> {
        let open = self
            .who("manager")
            .await?
            .get("/api/v1/outage-alarms?open=true")
            .await?;
        let all = open["items"].as_array().cloned().unwrap_or_default();
        Ok(all.into_iter().filter(|one| one["what"] == what).collect())
    }

    /// What becomes of a call from somebody in the street.
    pub async fn called_in(&self, account: &str) -> anyhow::Result<Value> {
        let body = json!({ "danger": false, "account": account, "channel": "hotline" });
        self.who("agent").await?.post("/api/v1/reports", body).await
    }

    /// Sends an event for a version; gives status and answer.
    pub async fn at_version(
        &self,
        role: &str,
        version: &Value,
        event: Value,
    ) -> anyhow::Result<(u16, Value)> {
        let body = json!({ "event": event, "expected_version": version });
        let api = self.who(role).await?;
        let (status, answer) = api.try_post(Uuid::now_v7(), &self.path("/events"), body).await?;
        Ok((status.as_u16(), answer))
    }
}
