//! The beginning of a real storm lived through again, far faster than it was: nothing acknowledged is lost. The whole of it:
//! `cargo xtask bench -- --only storm`.

use anyhow::Context;
use relight_load::{
    checks::{self, Check},
    storm::{Storm, replay},
};
use relight_testkit::outside;
use relight_tests::{Api, System, system::PASSWORD};
use serde_json::json;

use crate::ask::until;

const FILE: &str = "incidents/storm-2024-02.jsonl.gz";
/// Outages of the storm's beginning, more than the map showed at its first look, and all that became of them.
const OUTAGES: usize = 900;
/// Four days in ten seconds.
const SPEED: f64 = 36_000.0;
const CALLERS: usize = 6;

#[tokio::test]
async fn nothing_of_a_real_storm_is_lost() -> anyhow::Result<()> {
    let Some(file) = outside(FILE) else {
        return Ok(());
    };
    let mut system = System::prepare().await?;
    system.verb(&["demo", "town"]).await?;
    for (login, role) in [("teller", "agent"), ("desk", "dispatcher")] {
        system.account(login, role, &[]).await?;
    }
    system.start().await?;
    let mut database = system.database.connect().await?;
    let accounts: Vec<String> = sqlx::query_scalar("select account from registry.customer order by account")
        .fetch_all(&mut database)
        .await?;
    let storm = Storm::read(&file, OUTAGES, &accounts)?.context("the file was there")?;
    assert!(
        storm.moments.iter().any(|moment| !moment.is_off),
        "some of it ends"
    );
    let address = system.gateway()?;
    let mut tellers = Vec::new();
    for _ in 0..CALLERS {
        tellers.push(token(&address, "teller").await?);
    }
    let desk = token(&address, "desk").await?;

    let lived = replay(&address, (&tellers, &desk), &storm, SPEED).await?;

    until("everything told is applied", async || {
        let lag = relight_load::lag::look(&mut database).await?;
        Ok((lag.total() == 0).then_some(()))
    })
    .await?;
    let found = storm.promises(&mut database, &lived).await?;
    assert!(found.iter().all(Check::is_kept), "{}", checks::table(&found));
    system.stop().await
}

async fn token(address: &str, login: &str) -> anyhow::Result<String> {
    let body = json!({ "login": login, "password": PASSWORD });
    let session = Api::anybody(address).post("/api/v1/sessions", body).await?;
    Ok(session["token"].as_str().context("a token")?.to_owned())
}
