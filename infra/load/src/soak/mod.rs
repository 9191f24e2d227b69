//! Load and chaos against two processes on one database, counted from outside, then every promise checked.

mod chaos;
mod client;
mod counter;
mod pair;
mod rest;

use std::{sync::Arc, time::Duration};

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use relight_testkit::{smsc::Smsc, smtp::SmtpSink};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    checks::{self, Check, Told},
    county::County,
    house::House,
    server::{Given, Starter},
};
use chaos::Chaos;
use client::Client;
use counter::Counter;
use pair::Pair;

/// Sessions the clients share.
const SESSIONS: usize = 4;
/// Customers of one town, fewer than there are.
const TOWN: f64 = 4_500.0;
/// After the last disturbance everything has to be acknowledged within this time.
const CALM_DOWN: Duration = Duration::from_secs(120);

/// Options of `soak`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Minutes of load and chaos.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub minutes: u64,
    /// Reports per second, repetitions not counted.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=500))]
    pub per_second: u64,
    /// Clients that send at one time.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub clients: u64,
    /// Seed of what the clients and the chaos draw; a random one when left out. When what happens is up to the machine.
    #[arg(long)]
    pub seed: Option<u64>,
}

/// Runs it and prints what was done and what was found. Whether every promise was kept.
///
/// # Errors
/// When it cannot be carried out.
pub async fn run(given: &Given, options: &Options) -> anyhow::Result<bool> {
    let seed = options.seed.unwrap_or_else(rand::random);
    println!(
        "soak: {} minutes, {} reports/s, seed {seed}",
        options.minutes, options.per_second
    );
    let (smsc, smtp) = (Arc::new(Smsc::start().await?), SmtpSink::start().await?);
    let mut house = House::build(given, "soak").await?;
    let county = house.populate(towns(options)).await?;
    house.program.set("SMS__ADDRESS", smsc.addr());
    house.program.set("MAIL__ADDRESS", smtp.addr());
    let pair = Arc::new(Pair::start(&house).await?);
    let counter = Arc::new(Counter::new(&given.dir.join("acknowledged.jsonl"))?);
    let chaos = Chaos::new(given, &house, pair.clone(), smsc.clone(), Starter::new(given));

    let clients = clients(options, seed, &house, &county, &pair, &counter).await?;
    let disturbed = storm(options, seed, clients, chaos).await?;
    let mut found = rest::settle(&house, &pair, &counter).await?;
    found.extend(rest::stop(&pair).await?);
    let told = Told::of(&smsc, &smtp);
    let (checks, unknown) = check(given, &house, &county, &counter, &told).await?;
    found.extend(checks);
    println!(
        "\n{disturbed}\n{}\n{}",
        counter.table(unknown),
        checks::table(&found)
    );
    let broken = found.iter().filter(|check| !check.is_kept()).count();
    println!(
        "{}",
        if broken == 0 {
            "every promise was kept".to_owned()
        } else {
            format!("{broken} promises are broken")
        }
    );
    Ok(broken == 0)
}

/// Enough people that nobody reports twice unless that is meant.
fn towns(options: &Options) -> usize {
    let reports = (options.minutes * 60 * options.per_second) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive number"
    )]
    let towns = (reports / TOWN).ceil() as usize;
    towns.max(1)
}

/// Clients and chaos until `end`, then the chaos puts right what it broke and the clients finish.
async fn storm(
    options: &Options,
    seed: u64,
    clients: Vec<(Client, Vec<String>)>,
    mut chaos: Chaos,
) -> anyhow::Result<String> {
    let end = Instant::now() + Duration::from_secs(60 * options.minutes);
    let every = Duration::from_secs_f64(options.clients as f64 / options.per_second as f64);
    let mut running = JoinSet::new();
    for (client, accounts) in clients {
        running.spawn(client.run(accounts, every, end, end + CALM_DOWN));
    }
    chaos.run(StdRng::seed_from_u64(seed), end).await?;
    chaos.put_right().await?;
    while let Some(client) = running.join_next().await {
        client?;
    }
    Ok(chaos.table())
}

/// The clients with those they report for.
async fn clients(
    options: &Options,
    seed: u64,
    house: &House,
    county: &County,
    pair: &Arc<Pair>,
    counter: &Arc<Counter>,
) -> anyhow::Result<Vec<(Client, Vec<String>)>> {
    let tokens = house.sign_in(&pair.any()?, SESSIONS).await?;
    let shares = shares(options, seed, county).into_iter().enumerate();
    let clients = shares.map(|(n, accounts)| {
        let token = &tokens[n % tokens.len()];
        (
            Client::new(seed.wrapping_add(n as u64), token, pair.clone(), counter.clone()),
            accounts,
        )
    });
    Ok(clients.collect())
}

/// Everybody in one random order, dealt out to the clients.
fn shares(options: &Options, seed: u64, county: &County) -> Vec<Vec<String>> {
    let mut accounts = county.accounts.clone();
    accounts.shuffle(&mut StdRng::seed_from_u64(seed));
    let clients = usize::try_from(options.clients).expect("at most 100");
    let mut shares = vec![Vec::new(); clients];
    for (n, account) in accounts.into_iter().enumerate() {
        shares[n % clients].push(account);
    }
    shares
}

async fn check(
    given: &Given,
    house: &House,
    county: &County,
    counter: &Counter,
    told: &Told,
) -> anyhow::Result<(Vec<Check>, u64)> {
    let acknowledged = counter.acknowledged();
    let mut conn = house.connect().await?;
    let mut found = counter.checks();
    found.extend(checks::all(&mut conn, &acknowledged).await?);
    let (messages, unknown) = checks::messages(&mut conn, &acknowledged, &county.reach, told).await?;
    found.extend(messages);
    found.push(checks::chains(&given.database(&house.database)?).await?);
    Ok((found, unknown))
}
