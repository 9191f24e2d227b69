//! What goes wrong meanwhile: one disturbance after the other at random moments, counted.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context;
use rand::{Rng, rngs::StdRng};
use relight_testkit::smsc::Smsc;
use sqlx::Connection;
use tokio::time::{Instant, sleep, sleep_until};

use super::pair::{BOTH, Pair};
use crate::{
    house::House,
    server::{Ask, Given, Starter},
    table::Table,
};

/// Between two disturbances, milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 500..5_000;

/// A disturbance and how often it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    Kill,
    Terminate,
    Flush,
    RedisAway,
    PostgresRestart,
    PostgresCrash,
    Sessions,
    Provider,
}

const BLOWS: [(Blow, u32, &str); 8] = [
    (Blow::Kill, 35, "SIGKILL of one of two processes"),
    (Blow::Terminate, 10, "SIGTERM of one of two processes"),
    (Blow::Flush, 20, "FLUSHALL"),
    (Blow::RedisAway, 10, "Redis killed, back after seconds"),
    (Blow::PostgresRestart, 5, "Postgres restarted"),
    (Blow::PostgresCrash, 5, "Postgres crashed, recovers from its log"),
    (Blow::Sessions, 10, "database sessions cut"),
    (Blow::Provider, 5, "SMS provider's connections cut"),
];

/// Who disturbs.
pub(super) struct Chaos {
    given: Given,
    house: House,
    pair: Arc<Pair>,
    smsc: Arc<Smsc>,
    starter: Starter,
    counts: BTreeMap<&'static str, u32>,
    unclean: u32,
}

impl Chaos {
    pub(super) fn new(
        given: &Given,
        house: &House,
        pair: Arc<Pair>,
        smsc: Arc<Smsc>,
        starter: Starter,
    ) -> Self {
        Self {
            given: given.clone(),
            house: house.clone(),
            pair,
            smsc,
            starter,
            counts: BTreeMap::new(),
            unclean: 0,
        }
    }

    /// Disturbs until `end`.
    pub(super) async fn run(&mut self, mut random: StdRng, end: Instant) -> anyhow::Result<()> {
        loop {
            let pause = Duration::from_millis(random.random_range(PAUSE_MS));
            if Instant::now() + pause >= end {
                sleep_until(end).await;
                return Ok(());
            }
            sleep(pause).await;
            let (blow, words) = self.draw(&mut random);
            self.strike(blow, &mut random).await.context(words)?;
            *self.counts.entry(words).or_default() += 1;
            for n in 0..BOTH {
                anyhow::ensure!(
                    !self.pair.ended(n).await?,
                    "a process ended by itself after: {words}; see its log"
                );
            }
        }
    }

    /// Everything the run needs again is there.
    pub(super) async fn put_right(&mut self) -> anyhow::Result<()> {
        for n in 0..BOTH {
            if self.pair.address(n).is_none() {
                self.pair.start_one(n).await?;
            }
        }
        Ok(())
    }

    /// What was done.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new(&["disturbance", "times"]);
        for (_, _, words) in BLOWS {
            table.row([words.to_owned(), self.counts.get(words).unwrap_or(&0).to_string()]);
        }
        table.row([
            "SIGTERM that did not end with exit code 0".to_owned(),
            self.unclean.to_string(),
        ]);
        table.to_string()
    }

    fn draw(&self, random: &mut StdRng) -> (Blow, &'static str) {
        let is_possible = |blow: Blow| {
            let asks = matches!(
                blow,
                Blow::RedisAway | Blow::PostgresRestart | Blow::PostgresCrash
            );
            !asks || self.starter.is_there()
        };
        let possible: Vec<_> = BLOWS.into_iter().filter(|blow| is_possible(blow.0)).collect();
        let mut at = random.random_range(0..possible.iter().map(|blow| blow.1).sum());
        for (blow, weight, words) in possible {
            if at < weight {
                return (blow, words);
            }
            at -= weight;
        }
        unreachable!("the draw is below the sum of the weights")
    }

    async fn strike(&mut self, blow: Blow, random: &mut StdRng) -> anyhow::Result<()> {
        let (n, short) = (random.random_range(0..BOTH), random.random_range(100..3_000));
        let pause = Duration::from_millis(short);
        match blow {
            Blow::Kill => {
                self.pair.kill_one(n).await?;
                sleep(pause).await;
                self.pair.start_one(n).await
            }
            Blow::Terminate => {
                self.unclean += u32::from(!self.pair.stop_one(n).await?);
                self.pair.start_one(n).await
            }
            Blow::Flush => self.flush().await,
            Blow::RedisAway => {
                self.starter.ask(Ask::RedisStop).await?;
                sleep(2 * pause).await;
                self.starter.ask(Ask::RedisStart).await
            }
            Blow::PostgresRestart => self.starter.ask(Ask::PostgresRestart).await,
            Blow::PostgresCrash => self.starter.ask(Ask::PostgresCrash).await,
            Blow::Sessions => self.cut_sessions().await,
            Blow::Provider => {
                self.smsc.cut();
                Ok(())
            }
        }
    }

    async fn flush(&self) -> anyhow::Result<()> {
        let client = redis::Client::open(self.given.redis_url.as_str())?;
        let mut redis = client.get_multiplexed_async_connection().await?;
        Ok(redis::cmd("FLUSHALL").exec_async(&mut redis).await?)
    }

    /// About a third of the sessions.
    async fn cut_sessions(&self) -> anyhow::Result<()> {
        let mut conn = self.house.connect().await?;
        sqlx::query(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid() and random() < 0.3",
        )
        .execute(&mut conn)
        .await?;
        Ok(conn.close().await?)
    }
}
