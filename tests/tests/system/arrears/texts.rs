//! What the provider says of texts about a debt, and what those who got them answer (operations.md O15).

use anyhow::Context;
use chrono::TimeDelta;
use relight_testkit::smsc::Sms;
use relight_tests::pack::ORG;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    after,
    house::{Debt, House},
    leave,
};
use crate::{ask::until, small};

impl House {
    /// Texts to the n-th customer that say this.
    fn said(&self, n: usize, words: &str) -> usize {
        let to = small::phone(n);
        let is_it = |sms: &Sms| is_to(sms, &to) && sms.text.contains(words);
        self.system
            .smsc
            .texts()
            .all()
            .iter()
            .filter(|sms| is_it(sms))
            .count()
    }

    /// A message of this kind of a case, once notify told that this became of it.
    async fn became(&self, debt: &Debt, kind: &str, result: &str) -> anyhow::Result<Value> {
        let what = format!("the text {kind} of the case is {result}");
        until(&what, async || {
            let case = self.case(debt).await?;
            let messages = case["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
            let is_it = |message: &&Value| message["kind"] == kind && message["result"] == result;
            Ok(messages.iter().find(is_it).cloned())
        })
        .await
    }

    /// The number of the customer at registry.
    async fn number(&self, debt: &Debt) -> anyhow::Result<String> {
        let customer = self.case(debt).await?["customer_id"]
            .as_str()
            .context("a customer")?
            .to_owned();
        let path = format!("/api/v1/customers/{customer}/numbers");
        let numbers = self.officer("li").await?.get(&path).await?;
        let first = numbers["items"][0]["contact_id"].as_str();
        Ok(first.with_context(|| format!("a number: {numbers}"))?.to_owned())
    }

    /// To ten in the morning at the place: nobody is written to about a debt at night.
    fn to_the_morning(&self) -> anyhow::Result<()> {
        let local = self.system.now() + TimeDelta::hours(8);
        let ten = local
            .date_naive()
            .succ_opt()
            .and_then(|day| day.and_hms_opt(2, 0, 0));
        self.system.clock_to(ten.context("a morning")?.and_utc())
    }
}

fn is_to(sms: &Sms, phone: &str) -> bool {
    sms.destination.trim_start_matches('+') == phone.trim_start_matches('+')
}

fn at_the_number(kind: &str, number: &str, house: &House) -> Value {
    json!({
        "type": kind, "method": "recorded_call", "served_at": house.system.now(), "received_by": "Customer 1",
        "record": "recording 5", "call": { "contact_id": number, "adult": true },
    })
}

/// The provider's receipt reaches the case and is shown there. It is evidence of reminding; of serving it is none: said as
/// service it is refused, and the notice lapses.
#[tokio::test]
async fn the_receipt_of_a_text_reaches_its_case_and_serves_no_notice() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    house.to_the_morning()?;
    let debt = house.billed("S-2").await?;
    house
        .act(&debt, json!({ "type": "tell", "kind": "reminder" }))
        .await?;
    let told = house.became(&debt, "reminder", "delivered").await?;
    anyhow::ensure!(told["channel"] == "sms" && !told["result_at"].is_null(), "{told}");
    anyhow::ensure!(house.said(2, "overdue since") == 1, "once, to the customer");
    anyhow::ensure!(house.case(&debt).await?["state"] == "reminded");

    let debt = house.noticed(debt).await?;
    house.time_to_serve(&debt)?;
    let paper = json!({ "type": "serve", "method": "delivered_sms", "served_at": house.system.now(),
        "received_by": "Customer 2", "record": "the receipt" });
    let refused = house.act(&debt, paper).await;
    anyhow::ensure!(
        refused
            .as_ref()
            .is_err_and(|e| e.to_string().contains("not service")),
        "{refused:?}"
    );
    house.past_serving(&debt)?;
    anyhow::ensure!(house.comes_to(&debt, "expired", 20).await?, "nobody served it");
    house.system.stop().await
}

/// Served by a call, summed up in a text that was delivered; then the text is answered with "wrong person": the number is
/// nobody's of ours at once, the service by it falls although a text was delivered, no leave is given, no call to it counts,
/// and no debt is told to it again.
#[tokio::test]
async fn who_answers_that_they_are_somebody_else_is_told_of_no_debt_again() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    let debt = house.owed("S-1").await?;
    house.time_to_serve(&debt)?;
    let number = house.number(&debt).await?;
    let served = house.act(&debt, at_the_number("serve", &number, &house)).await?;
    anyhow::ensure!(served["state"] == "notice_served", "{served}");
    house.became(&debt, "disconnection", "delivered").await?;
    anyhow::ensure!(house.said(1, "DISCONNECTION NOTICE") == 1);

    let from = small::phone(1);
    let smsc = &house.system.smsc;
    smsc.write_to_client(from.trim_start_matches('+'), "95598", "WRONG");
    anyhow::ensure!(
        house.comes_to(&debt, "notice_issued", 20).await?,
        "{}",
        house.case(&debt).await?
    );
    house.became(&debt, "disconnection", "wrong_person").await?;
    let again = house.act(&debt, at_the_number("serve", &number, &house)).await;
    anyhow::ensure!(
        again
            .as_ref()
            .is_err_and(|e| e.to_string().contains("somebody else's number")),
        "{again:?}"
    );
    let phone = house.phone().await?;
    anyhow::ensure!(leave(&phone, &debt, "M-1").await.is_err(), "nobody was served");

    // Served by a visit: what sums it up has nobody to go to.
    house.served(&debt).await?;
    house.became(&debt, "disconnection", "failed").await?;
    house.window(&debt).await?;
    house.system.clock_to(after(debt.stop_at, -34 * 60))?;
    house.confirm(&debt).await?;
    house.system.clock_to(after(debt.stop_at, -33 * 60))?;
    house.became(&debt, "pre_notice", "failed").await?;
    house.system.clock_to(debt.stop_at)?;
    house.confirm(&debt).await?;
    let phone = house.phone().await?;
    anyhow::ensure!(leave(&phone, &debt, "M-1").await.is_err(), "nobody was warned");
    anyhow::ensure!(house.case(&debt).await?["off_at"].is_null());
    anyhow::ensure!(
        house.said(1, "DISCONNECTION NOTICE") == 1 && house.said(1, "is to be cut") == 0,
        "{:?}",
        smsc.texts().all()
    );
    house.system.stop().await
}

/// The last warning goes out by itself, on a fresh balance, when the lock of an exam is lifted and not before; the provider's
/// receipt makes it the last warning.
#[tokio::test]
async fn the_last_warning_that_goes_out_by_itself_waits_for_a_lock() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    let debt = house.owed("S-4").await?;
    house.served(&debt).await?;
    house.window(&debt).await?;
    let lock = Uuid::now_v7();
    let body = json!({
        "lock_id": lock, "kind": "event", "org_path": ORG, "reason": "entrance exam",
        "from_at": after(debt.stop_at, -3600), "until_at": after(debt.stop_at, 6 * 3600),
    });
    let manager = house.officer("hu").await?;
    manager.post("/api/v1/work-locks", body).await?;
    house.system.clock_to(after(debt.stop_at, -36 * 60))?;
    house.confirm(&debt).await?;
    house.system.clock_to(after(debt.stop_at, -35 * 60))?;
    let put_off = after(debt.stop_at, -35 * 60);
    until("the warning was looked at and put off", async || {
        let next: Option<chrono::DateTime<chrono::Utc>> = sqlx::query_scalar(
            "select due_at from arrears.timer where kind = 'case.warn' and subject = $1::uuid",
        )
        .bind(&debt.id)
        .fetch_optional(&mut house.system.database.connect().await?)
        .await?;
        Ok(next.filter(|next| *next > put_off))
    })
    .await?;
    anyhow::ensure!(house.case(&debt).await?["messages"].as_array().map(Vec::len) == Some(1));

    let lift = format!("/api/v1/work-locks/{lock}/lift");
    manager
        .post(&lift, json!({ "reason": "the exam was moved" }))
        .await?;
    house.system.clock_to(after(debt.stop_at, -32 * 60))?;
    anyhow::ensure!(
        house.comes_to(&debt, "pre_noticed", 20).await?,
        "{}",
        house.case(&debt).await?
    );
    anyhow::ensure!(house.said(4, "is to be cut") == 1, "once");
    house.became(&debt, "pre_notice", "delivered").await?;
    house.system.stop().await
}

/// domain.md 4.1, 5.5 no. 15: of two proofs the better one is the proof, the first one begins the days; one that falls leaves the other.
#[tokio::test]
async fn of_two_proofs_of_service_the_better_holds_and_one_that_falls_leaves_the_other() -> anyhow::Result<()>
{
    let mut house = House::open().await?;
    let debt = house.owed("S-1").await?;
    house.served(&debt).await?;
    let first = house.case(&debt).await?;
    let number = house.number(&debt).await?;
    let later = house.system.now() + TimeDelta::minutes(20);
    house.system.clock_to(later)?;
    let case = house.act(&debt, at_the_number("serve", &number, &house)).await?;
    let methods = |case: &Value| -> Vec<String> {
        let all = case["services"].as_array().cloned().unwrap_or_default();
        let words = all.iter().filter_map(|one| one["method"].as_str());
        words.map(str::to_owned).collect()
    };
    anyhow::ensure!(
        methods(&case) == ["recorded_call", "posted_with_witness"],
        "{case}"
    );
    anyhow::ensure!(
        case["served_at"] == first["served_at"] && case["window_opens_at"] == first["window_opens_at"],
        "the first counts: {case}"
    );
    house.became(&debt, "disconnection", "delivered").await?;
    let from = small::phone(1);
    let smsc = &house.system.smsc;
    smsc.write_to_client(from.trim_start_matches('+'), "95598", "WRONG");
    let left = until("the call proves nothing any more", async || {
        let case = house.case(&debt).await?;
        Ok((methods(&case) == ["posted_with_witness"]).then_some(case))
    })
    .await?;
    anyhow::ensure!(
        left["state"] == "notice_served" && left["served_at"] == first["served_at"],
        "the door stands: {left}"
    );
    house.system.stop().await
}
