//! The promises on whole processes: killed without warning, Redis emptied, Postgres' connections cut, while reports
//! come in; and two processes that decide about one crew at the same instant.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use relight_load::{
    checks::{self, Acknowledged},
    report::Receipt,
};
use relight_tests::{Api, System, process::Process};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    ask::{event, text, until},
    town::{self, Staff},
};

/// Reports in the storm of faults.
const REPORTS: usize = 400;
/// Clients that send them.
const CLIENTS: usize = 8;

/// SIGKILL, an emptied Redis and cut connections while eight clients report. The clients are the counter outside: they
/// send each command until it is acknowledged, with the same id.
#[tokio::test]
async fn nothing_acknowledged_is_lost_and_nothing_is_done_twice() -> anyhow::Result<()> {
    let mut system = System::prepare().await?;
    system.verb(&["demo", "town"]).await?;
    system.account("teller", "agent", &[]).await?;
    system.start().await?;
    let address = Arc::new(Mutex::new(system.gateway()?));
    let accounts = accounts(&system).await?;
    let mut clients = tokio::task::JoinSet::new();
    for share in accounts.chunks(REPORTS / CLIENTS) {
        clients.spawn(report_all(address.clone(), share.to_vec()));
    }
    let mut acknowledged = Acknowledged::default();
    let mut trouble = tokio::time::interval(Duration::from_millis(1_500));
    let mut round = 0;
    while !clients.is_empty() {
        tokio::select! {
            Some(done) = clients.join_next() => done??.into_iter().for_each(|receipt| acknowledged.put(receipt)),
            _ = trouble.tick(), if round < 6 => {
                make_trouble(&mut system, round).await?;
                *address.lock().await = system.gateway()?;
                round += 1;
            }
        }
    }
    assert_eq!(acknowledged.count(), REPORTS);
    drained(&system).await?;
    let checks = checks::all(&mut system.database.connect().await?, &acknowledged).await?;
    assert!(
        checks.iter().all(checks::Check::is_kept),
        "{}",
        checks::table(&checks)
    );
    system.stop().await
}

async fn accounts(system: &System) -> anyhow::Result<Vec<String>> {
    let mut database = system.database.connect().await?;
    let accounts = sqlx::query_scalar("select account from registry.customer order by account limit $1")
        .bind(i64::try_from(REPORTS)?)
        .fetch_all(&mut database)
        .await?;
    Ok(accounts)
}

/// Kill, empty Redis, cut the connections, and again.
async fn make_trouble(system: &mut System, round: usize) -> anyhow::Result<()> {
    match round % 3 {
        0 => system.kill_and_start().await,
        1 => system.lose_redis().await,
        _ => system.cut_connections().await,
    }
}

/// Sends each report until it is acknowledged.
async fn report_all(address: Arc<Mutex<String>>, accounts: Vec<String>) -> anyhow::Result<Vec<Receipt>> {
    let mut receipts = Vec::new();
    let mut client = Client { address, api: None };
    let mut again = tokio::time::interval(Duration::from_millis(50));
    for account in accounts {
        let id = Uuid::now_v7();
        let body = json!({ "danger": false, "account": account, "channel": "hotline" });
        let receipt = loop {
            if let Some(answer) = client.report(id, body.clone()).await {
                break serde_json::from_value(answer)?;
            }
            again.tick().await;
        };
        receipts.push(receipt);
    }
    Ok(receipts)
}

/// A client program that signs in again when its connection broke.
struct Client {
    address: Arc<Mutex<String>>,
    api: Option<Api>,
}

impl Client {
    /// The acknowledgement, or nothing when the platform broke off or asked to send again.
    async fn report(&mut self, id: Uuid, body: Value) -> Option<Value> {
        let api = match self.api.take() {
            Some(api) => api,
            None => {
                let base = self.address.lock().await.clone();
                Api::sign_in(
                    &base,
                    "/api/v1/sessions",
                    "teller",
                    relight_tests::system::PASSWORD,
                )
                .await
                .ok()?
            }
        };
        let (status, answer) = api.try_post(id, "/api/v1/reports", body).await.ok()?;
        assert!(
            status.is_success() || status.is_server_error(),
            "{status}: {answer}"
        );
        self.api = status.is_success().then_some(api);
        status.is_success().then_some(answer)
    }
}

/// Waits until every reader has what every owner told, and every report is in an incident.
async fn drained(system: &System) -> anyhow::Result<()> {
    let mut database = system.database.connect().await?;
    until("everything told is applied", async || {
        let lag = relight_load::lag::look(&mut database).await?;
        Ok((lag.total() == 0).then_some(()))
    })
    .await
}

/// Two whole processes on one database; each is asked to give the same crew another order, at the same instant.
#[tokio::test]
async fn of_two_processes_that_assign_one_crew_exactly_one_wins() -> anyhow::Result<()> {
    let mut system = System::prepare().await?;
    system.start().await?;
    let staff = town::staff(&system).await?;
    let other = Process::up(&system.environment, &system.home().join("other.log")).await?;
    let desk_there = Api::sign_in(
        &other.gateway,
        "/api/v1/sessions",
        "desk",
        relight_tests::system::PASSWORD,
    )
    .await?;
    let orders = two_per_crew(&staff).await?;
    for (crew, pair) in staff.crews.iter().zip(orders.chunks(2)) {
        let [here, there] = pair else {
            anyhow::bail!("two orders per crew")
        };
        let assign = json!({ "event": { "type": "assign", "crew_id": crew } });
        let path = |order: &str| format!("/api/v1/orders/{order}/events");
        let (first, second) = (path(here), path(there));
        let (one, another) = tokio::join!(
            staff.desk.try_post(Uuid::now_v7(), &first, assign.clone()),
            desk_there.try_post(Uuid::now_v7(), &second, assign.clone()),
        );
        let statuses = [one?.0.as_u16(), another?.0.as_u16()];
        let won = statuses.iter().filter(|status| **status == 200).count();
        let refused = statuses.iter().filter(|status| **status == 409).count();
        assert_eq!(
            (won, refused),
            (1, 1),
            "one wins, the other is told why: {statuses:?}"
        );
    }
    other.stop().await?;
    system.stop().await
}

/// Two orders for every crew, taken by the unit: far apart, so that each report is an incident of its own.
async fn two_per_crew(staff: &Staff) -> anyhow::Result<Vec<String>> {
    let count = staff.crews.len() * 2;
    for n in 0..count {
        let place = json!({ "lon": 119.0 + 0.2 * f64::from(u32::try_from(n)?), "lat": 30.0 });
        let body = json!({
            "danger": false, "reporter_name": "Somebody", "reporter_phone": "+8619900001111",
            "address": format!("Street {n}"), "position": place, "channel": "hotline",
        });
        staff.agent.post("/api/v1/reports", body).await?;
    }
    let orders = until("every report has its order", async || {
        let listed = staff.everywhere.get("/api/v1/orders").await?;
        let orders: Vec<Value> = listed["items"].as_array().context("items")?.clone();
        Ok((orders.len() == count).then_some(orders))
    })
    .await?;
    let mut taken = Vec::new();
    for order in orders {
        let order = text(&order, "order_id")?;
        event(
            &staff.everywhere,
            &order,
            json!({ "type": "dispatch", "unit_id": staff.unit }),
        )
        .await?;
        event(&staff.desk, &order, json!({ "type": "unit_take" })).await?;
        taken.push(order);
    }
    Ok(taken)
}
