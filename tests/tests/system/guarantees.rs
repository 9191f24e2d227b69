//! The promises on whole processes: killed without warning, Redis emptied, Postgres' connections cut, while reports
//! come in; and two processes that decide about one crew at the same instant.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use relight_load::{
    checks::{self, Acknowledged, Told},
    county::{self, County},
    report::Receipt,
};
use relight_tests::{Api, System, process::Process};
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

use crate::{
    ask::{event, text, until},
    town::{self, Staff},
};

/// Reports in the storm of faults.
const REPORTS: usize = 400;
/// Clients that send them.
const CLIENTS: usize = 8;

/// Blows in the storm; one of every kind twice.
const BLOWS: usize = 6;

/// SIGKILL, an emptied Redis and cut connections at random moments while eight clients report. The clients are the
/// counter outside: they send each command until it is acknowledged, with the same id.
#[tokio::test]
async fn nothing_acknowledged_is_lost_and_nothing_is_done_twice() -> anyhow::Result<()> {
    let mut system = System::prepare().await?;
    let county = county::write(1, &system.home().join("county"))?;
    let pack = system.home().join("county").display().to_string();
    system.verb(&["import", "--pack", &pack]).await?;
    system.account("teller", "agent", &[]).await?;
    system.start().await?;
    let address = Arc::new(Mutex::new(system.gateway()?));
    let counted = watch::Sender::new(0);
    let mut clients = tokio::task::JoinSet::new();
    for share in county.accounts[..REPORTS].chunks(REPORTS / CLIENTS) {
        clients.spawn(report_all(address.clone(), share.to_vec(), counted.clone()));
    }
    for (nth, moment) in moments().into_iter().enumerate() {
        let seen = counted
            .subscribe()
            .wait_for(|count| *count >= moment)
            .await?
            .to_owned();
        assert!(seen < REPORTS, "blow {nth} came too late, after {seen} reports");
        make_trouble(&mut system, nth).await?;
        *address.lock().await = system.gateway()?;
    }
    let mut acknowledged = Acknowledged::default();
    while let Some(done) = clients.join_next().await {
        done??.into_iter().for_each(|receipt| acknowledged.put(receipt));
    }
    assert_eq!(acknowledged.count(), REPORTS);
    let checks = settled(&system, &acknowledged, &county).await?;
    assert!(
        checks.iter().all(checks::Check::is_kept),
        "{}",
        checks::table(&checks)
    );
    system.stop().await
}

/// After how many acknowledged reports each blow comes: anywhere in a stretch of its own, so that every blow has
/// acknowledged reports before it and clients at work after it.
fn moments() -> Vec<usize> {
    let seed = rand::random();
    println!("the moments are those of seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let stretch = (REPORTS - 6 * CLIENTS) / BLOWS;
    (0..BLOWS)
        .map(|nth| nth * stretch + random.random_range(1..stretch))
        .collect()
}

/// Kill, empty Redis, cut the connections, and again.
async fn make_trouble(system: &mut System, round: usize) -> anyhow::Result<()> {
    match round % 3 {
        0 => system.kill_and_start().await,
        1 => system.lose_redis().await,
        _ => system.cut_connections().await,
    }
}

/// Every promise looked at once nothing is left to do.
async fn settled(
    system: &System,
    acknowledged: &Acknowledged,
    county: &County,
) -> anyhow::Result<Vec<checks::Check>> {
    let mut database = system.database.connect().await?;
    until("nothing is left to do", async || {
        let left = relight_load::lag::left(&mut database).await?;
        Ok(left.is_empty().then_some(()))
    })
    .await?;
    let told = Told::of(&system.smsc, &system.smtp);
    let mut found = checks::all(&mut database, acknowledged).await?;
    found.extend(
        checks::messages(&mut database, acknowledged, &county.reach, &told)
            .await?
            .0,
    );
    found.push(checks::chains(&system.database.options()).await?);
    Ok(found)
}

/// Sends each report until it is acknowledged.
async fn report_all(
    address: Arc<Mutex<String>>,
    accounts: Vec<String>,
    counted: watch::Sender<usize>,
) -> anyhow::Result<Vec<Receipt>> {
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
        counted.send_modify(|count| *count += 1);
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
