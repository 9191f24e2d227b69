//! Customers in arrears on the live system, from day 1 to reconnection. Time is moved by the one clock; no rule is
//! shortened.

mod classes;
mod house;
mod orders;
mod photos;
mod texts;
mod told;
mod unplaced;

use relight_tests::Api;
use serde_json::json;
use uuid::Uuid;

use house::{Debt, House, after};

/// Paid one minute before the crew would have cut: the leave it holds is void, nobody is switched off.
#[tokio::test]
async fn a_payment_at_the_last_minute_stops_the_crew() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    let debt = house.owed("S-1").await?;
    house.warned(&debt).await?;
    let phone = house.phone().await?;
    house.system.clock_to(debt.stop_at)?;
    house.confirm(&debt).await?;
    let release = leave(&phone, &debt, "M-1").await?;

    house.pay(&debt).await?;
    let case = house.case(&debt).await?;
    anyhow::ensure!(case["state"] == "settled_before", "{case}");
    let path = debt.mobile("cut");
    let (status, problem) = phone
        .try_post(Uuid::now_v7(), &path, house.cut(&release, "M-1", false))
        .await?;
    anyhow::ensure!(!status.is_success(), "{status}: {problem}");
    let refused = leave(&phone, &debt, "M-1").await;
    anyhow::ensure!(refused.is_err(), "leave for a debt that is paid");
    anyhow::ensure!(house.case(&debt).await?["off_at"].is_null());
    house.system.stop().await
}

/// The whole way with a real cut and supply back in time, and what is refused on it.
#[tokio::test]
async fn a_debt_from_day_one_to_reconnection() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    let debt = house.owed("S-2").await?;
    house.warned(&debt).await?;
    let phone = house.phone().await?;
    house.system.clock_to(debt.stop_at)?;
    let stale = leave(&phone, &debt, "M-2").await;
    anyhow::ensure!(
        stale.as_ref().is_err_and(|e| e.to_string().contains("balance")),
        "{stale:?}"
    );
    house.confirm(&debt).await?;
    let wrong = leave(&phone, &debt, "M-1").await;
    anyhow::ensure!(
        wrong
            .as_ref()
            .is_err_and(|e| e.to_string().contains("not the meter")),
        "{wrong:?}"
    );

    // A leave five minutes old is none.
    let old = leave(&phone, &debt, "M-2").await?;
    house.system.clock_to(after(debt.stop_at, 6 * 60))?;
    house.confirm(&debt).await?;
    let path = debt.mobile("cut");
    let (status, problem) = phone
        .try_post(Uuid::now_v7(), &path, house.cut(&old, "M-2", false))
        .await?;
    anyhow::ensure!(
        !status.is_success() && problem.to_string().contains("expired"),
        "{status}: {problem}"
    );

    let release = leave(&phone, &debt, "M-2").await?;
    let (status, problem) = phone
        .try_post(Uuid::now_v7(), &path, house.cut(&release, "M-2", false))
        .await?;
    anyhow::ensure!(
        status == 400 && problem.to_string().contains("upload the photo first"),
        "{status}: {problem}"
    );
    phone.bring("/m/v1", 2).await?;
    let off = phone.post(&path, house.cut(&release, "M-2", true)).await?;
    anyhow::ensure!(
        off["state"] == "disconnected" && off["wrongful"] == false,
        "{off}"
    );

    photos::shown(&house, &debt, &phone).await?;

    house.system.clock_to(after(debt.stop_at, 20 * 3600))?;
    house.pay(&debt).await?;
    let ordered = house.case(&debt).await?;
    anyhow::ensure!(
        ordered["state"] == "reconnect_ordered" && !ordered["reconnect_by"].is_null(),
        "{ordered}"
    );
    house.system.clock_to(after(debt.stop_at, 22 * 3600))?;
    let phone = house.phone().await?;
    let told = json!({ "id": Uuid::now_v7(), "customer_told": true });
    let on = phone.post(&debt.mobile("reconnect"), told).await?;
    anyhow::ensure!(on["state"] == "reconnected", "{on}");
    house.act(&debt, json!({ "type": "close" })).await?;

    let case = house.case(&debt).await?;
    let steps = case["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let states: Vec<&str> = steps.iter().filter_map(|step| step["state"].as_str()).collect();
    anyhow::ensure!(
        states.ends_with(&[
            "pre_noticed",
            "disconnected",
            "paid",
            "reconnect_ordered",
            "reconnected",
            "closed"
        ]),
        "{states:?}"
    );
    house.system.stop().await
}

/// Unserved, too early, by somebody whose life depends on it, without a signal: each is refused or written down.
#[tokio::test]
async fn nobody_is_cut_before_everything_is_proven() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    let life = house.overdue("S-6").await?;
    let debt = house.owed("S-3").await?;
    let case = house.case(&life).await?;
    anyhow::ensure!(
        case["state"] == "reminded" && case["class"] == "life_support",
        "a month later it is still no case for a cut: {case}"
    );
    let refused = house
        .act(&life, json!({ "type": "classify", "class": "ordinary" }))
        .await;
    anyhow::ensure!(refused.is_err(), "life support is not decided on a case");

    // Written, not served.
    let phone = house.phone().await?;
    anyhow::ensure!(leave(&phone, &debt, "M-3").await.is_err(), "unserved");
    let paper = json!({ "type": "serve", "method": "delivered_sms", "served_at": house.system.now() });
    let refused = house.act(&debt, paper).await;
    anyhow::ensure!(
        refused
            .as_ref()
            .is_err_and(|e| e.to_string().contains("not service")),
        "{refused:?}"
    );
    let mut proof = house.proof();
    proof["photo_sha256"] = json!("");
    let refused = house.act(&debt, proof).await;
    anyhow::ensure!(
        refused
            .as_ref()
            .is_err_and(|e| e.to_string().contains("photo_sha256")),
        "{refused:?}"
    );

    house.served(&debt).await?;
    let phone = house.phone().await?;
    anyhow::ensure!(leave(&phone, &debt, "M-3").await.is_err(), "too early");

    // Cut all the same, without a signal, and told an hour later.
    let mut done = house.cut("0000000000", "M-3", true);
    done["done_at"] = json!(after(house.system.now(), -3600));
    let off = phone.post(&debt.mobile("cut"), done).await?;
    anyhow::ensure!(off["state"] == "wrongful" && off["wrongful"] == true, "{off}");
    house.system.stop().await
}

async fn leave(phone: &Api, debt: &Debt, meter_no: &str) -> anyhow::Result<String> {
    let body = json!({ "id": Uuid::now_v7(), "scanned_meter_no": meter_no });
    let leave = phone.post(&debt.mobile("release"), body).await?;
    Ok(leave["release"].as_str().unwrap_or_default().to_owned())
}

/// Anybody may check the paper; nothing of the debt is told. The paper itself is for staff and for its customer.
#[tokio::test]
async fn anybody_can_check_a_notice_and_nobody_sees_the_debt() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    let debt = house.owed("S-4").await?;
    let number = house.case(&debt).await?["notice_number"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let gateway = house.system.gateway()?;
    let page = |number: &str| format!("{gateway}/check-notice?lang=en&number={number}");
    let genuine = reqwest::get(page(&number)).await?.text().await?;
    anyhow::ensure!(
        genuine.contains("it stands") && genuine.contains(&number),
        "{genuine}"
    );
    anyhow::ensure!(
        !genuine.contains("Customer 4") && !genuine.contains("500"),
        "{genuine}"
    );
    let made_up = reqwest::get(page("T-20200101-0001")).await?.text().await?;
    anyhow::ensure!(made_up.contains("never issued"), "{made_up}");

    let stranger = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let paper = format!("{gateway}/notices/{number}?lang=en");
    let sent_away = stranger.get(&paper).send().await?;
    anyhow::ensure!(sent_away.status() == 303, "{}", sent_away.status());
    let seen = house.page(&paper).await?;
    for part in [
        "Customer 4",
        "CNY 500.00",
        "4 Small Street",
        "12398",
        "<svg",
        &number,
    ] {
        anyhow::ensure!(seen.contains(part), "{part} is not in {seen}");
    }
    house.served(&debt).await?;
    for (language, words) in [
        ("en", "Left at the door before a witness"),
        ("zh-CN", "留置送达（有见证人）"),
    ] {
        let seen = house
            .page(&format!("{gateway}/notices/{number}?lang={language}"))
            .await?;
        let photo = relight_tests::photo::sha256(debt.visit());
        for part in [
            words,
            "nobody at home",
            "zhou",
            "30.00000, 120.01000",
            photo.as_str(),
        ] {
            anyhow::ensure!(seen.contains(part), "{part} is not in {seen}");
        }
    }
    house.system.stop().await
}

/// Two officers press at the same moment on the same version: one step is taken, the other officer reads again.
#[tokio::test]
async fn two_officers_on_one_case_take_one_step() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    let debt = house.owed("S-1").await?;
    let version = house.case(&debt).await?["version"].clone();
    let hold = |kind: &str| {
        json!({
            "expected_version": version,
            "event": { "type": "hold", "kind": kind, "reason": "said on the phone" },
        })
    };
    let (one, other) = (house.officer("li").await?, house.officer("hu").await?);
    let path = debt.events();
    let (first, second) = tokio::join!(
        one.try_post(Uuid::now_v7(), &path, hold("dispute")),
        other.try_post(Uuid::now_v7(), &path, hold("plan"))
    );
    let mut answers = [first?.0.as_u16(), second?.0.as_u16()];
    answers.sort_unstable();
    anyhow::ensure!(answers == [200, 409], "{answers:?}");
    let case = house.case(&debt).await?;
    let held = case["holds"].as_array().map_or(0, Vec::len);
    anyhow::ensure!(held == 1, "{case}");
    let phone = house.phone().await?;
    anyhow::ensure!(leave(&phone, &debt, "M-1").await.is_err(), "a held case");
    house.system.stop().await
}

/// What billing says wrongly is answered line by line, changes nothing and loses nothing that is right beside it.
#[tokio::test]
async fn wrong_lines_of_billing_are_told_one_by_one() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    let debt = house.overdue("S-5").await?;
    let (now, before) = (house.system.now(), house.case(&debt).await?);
    let payment =
        |account: &str, at| json!({ "account": account, "payment": { "amount_cents": 100, "paid_at": at } });
    let owes = |at| json!({ "account": "S-5", "balance": { "balance_cents": 1, "as_of": at, "due_on": "2026-01-01" } });
    let told = house
        .lines(vec![
            payment("S-99", now),
            owes(after(now, -24 * 3600)),
            owes(after(now, 3600)),
            payment("S-5", after(now, 3600)),
            payment("S-5", now),
        ])
        .await?;
    let outcome = |n: usize| told[n]["outcome"].as_str().unwrap_or_default();
    let outcomes: Vec<&str> = (0..5).map(outcome).collect();
    anyhow::ensure!(
        outcomes == ["kept", "older", "refused", "refused", "taken"],
        "{told:?}"
    );
    for (n, word) in [(0, "not known"), (2, "future"), (3, "future")] {
        anyhow::ensure!(
            told[n]["reason"].as_str().is_some_and(|why| why.contains(word)),
            "{told:?}"
        );
    }
    let case = house.case(&debt).await?;
    anyhow::ensure!(
        case["state"] == before["state"] && case["balance_cents"] == 49_900,
        "only the payment that is right counts: {case}"
    );
    house.system.stop().await
}

/// The clock jumps two days ahead and comes back: a leave that was good is not good again, nobody is cut.
#[tokio::test]
async fn a_clock_that_jumps_cuts_nobody() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    let debt = house.owed("S-2").await?;
    house.warned(&debt).await?;
    house.system.clock_to(debt.stop_at)?;
    house.confirm(&debt).await?;
    let phone = house.phone().await?;
    let release = leave(&phone, &debt, "M-2").await?;
    let path = debt.mobile("cut");
    // Back before the notified stop, then far ahead until the notice has lapsed, then where it was.
    for (seconds, state) in [
        (-2 * 3600, "pre_noticed"),
        (2 * 24 * 3600, "expired"),
        (60, "expired"),
    ] {
        house.system.clock_to(after(debt.stop_at, seconds))?;
        anyhow::ensure!(house.comes_to(&debt, state, 20).await?, "{seconds} s");
        let phone = house.phone().await?;
        let (status, problem) = phone
            .try_post(Uuid::now_v7(), &path, house.cut(&release, "M-2", false))
            .await?;
        anyhow::ensure!(!status.is_success(), "{seconds} s: {problem}");
        let off_at = house.case(&debt).await?["off_at"].clone();
        anyhow::ensure!(off_at.is_null(), "{seconds} s: {off_at}");
    }
    house.system.stop().await
}
