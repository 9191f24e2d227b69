//! Positions on a real Redis: the stream into the index, the thinned track, and what is rebuilt from it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::Context;
use chrono::{DateTime, Utc};
use prost::Message;
use relight_common::{Db, wire::timestamp};
use relight_dispatch::{live::Live, positions};
use relight_proto::{common::v1::Point, dispatch::v1::PositionFix};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{given::*, then};

struct Stream {
    source: positions::Source,
    connection: redis::aio::MultiplexedConnection,
}

impl Stream {
    async fn new() -> anyhow::Result<Self> {
        let url = std::env::var("RELIGHT_TEST_REDIS_URL")
            .context("RELIGHT_TEST_REDIS_URL is not set: run the tests with `cargo xtask test`")?;
        let redis = redis::Client::open(url)?;
        let connection = redis.get_multiplexed_async_connection().await?;
        let namespace = format!("t{}", Uuid::now_v7().simple());
        Ok(Self {
            source: positions::Source { redis, namespace },
            connection,
        })
    }

    async fn add(&mut self, entry: Vec<u8>) -> anyhow::Result<()> {
        let key = positions::stream_key(&self.source.namespace);
        Ok(redis::cmd("XADD")
            .arg(key)
            .arg("*")
            .arg("p")
            .arg(entry)
            .query_async(&mut self.connection)
            .await?)
    }

    async fn end(&mut self) -> anyhow::Result<()> {
        let key = positions::stream_key(&self.source.namespace);
        Ok(redis::cmd("DEL")
            .arg(key)
            .query_async(&mut self.connection)
            .await?)
    }
}

fn fix(n: u8, at: DateTime<Utc>, lat: f64) -> Vec<u8> {
    let position = Some(Point { lon: WORK.lon, lat });
    PositionFix {
        crew_id: crew(n).to_string(),
        position,
        at: Some(timestamp(at)),
        heading_deg: 45.0,
        ..Default::default()
    }
    .encode_to_vec()
}

/// Waits until the index shows the crew at `lat`.
async fn shows(live: &Live, n: u8, lat: f64) -> anyhow::Result<()> {
    let mut batches = live.batches();
    let is_there = |_: &u64| {
        live.read()
            .known(crew(n))
            .and_then(|known| known.fix)
            .is_some_and(|fix| fix.place.lat == lat)
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), batches.wait_for(is_there)).await;
    waited.with_context(|| format!("crew {n} never came to {lat}"))??;
    Ok(())
}

#[tokio::test]
async fn every_replica_tails_the_stream_and_bad_entries_are_passed_over() -> anyhow::Result<()> {
    let house = house().await?;
    let mut stream = Stream::new().await?;
    stream.add(fix(1, t0(), 30.1)).await?;
    stream.add(b"no fix at all".to_vec()).await?;
    stream.add(fix(1, t0() + minutes(60), 31.0)).await?;
    stream.add(fix(1, t0(), 95.0)).await?;
    let stop = CancellationToken::new();
    let replicas: Vec<_> = (0..2)
        .map(|_| Arc::new(Live::new(Db::clone(&house.db))))
        .collect();
    let tails: Vec<_> = replicas
        .iter()
        .map(|live| {
            tokio::spawn(positions::tail(
                stream.source.clone(),
                live.clone(),
                house.clock.clone(),
                stop.clone(),
            ))
        })
        .collect();
    for live in &replicas {
        shows(live, 1, 30.1).await?;
    }
    stream.add(fix(2, t0() + seconds(5), 30.2)).await?;
    stream.add(fix(1, t0() - seconds(5), 30.9)).await?;
    stream.add(fix(1, t0() + seconds(5), 30.3)).await?;
    for live in &replicas {
        shows(live, 1, 30.3).await?;
        shows(live, 2, 30.2).await?;
    }
    stop.cancel();
    for tail in tails {
        tail.await?;
    }
    stream.end().await
}

#[tokio::test]
async fn the_track_keeps_one_position_per_half_minute_and_a_new_replica_starts_from_it() -> anyhow::Result<()>
{
    let house = house().await?;
    let mut written = HashMap::new();
    for second in 0..=60 {
        house.clock.advance(seconds(1));
        house.stand(1, f64::from(second));
        positions::thin_once(&house.db, &house.live, &mut written).await?;
    }
    assert_eq!(
        then::count(&house.db, "select count(*) from crew_position").await?,
        3
    );
    let fresh = Live::new(Db::clone(&house.db));
    positions::load(&house.db, &fresh, house.now()).await?;
    let at = fresh
        .read()
        .known(crew(1))
        .and_then(|known| known.fix)
        .map(|fix| fix.at);
    assert_eq!(at, Some(t0() + seconds(61)));
    fresh.refresh(house.now()).await?;
    assert!(
        fresh
            .read()
            .known(crew(4))
            .is_some_and(|known| known.crew.is_some() && known.fix.is_none())
    );
    Ok(())
}
