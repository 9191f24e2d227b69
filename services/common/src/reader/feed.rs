//! The loop of one reader: wait on Redis, notice gaps, pull from the owner, hand contiguous runs to `apply`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use prost::Message;
use redis::{
    AsyncConnectionConfig,
    aio::MultiplexedConnection,
    streams::{StreamReadOptions, StreamReadReply},
};
use relight_proto::events::v1::Event;
use tokio_util::sync::CancellationToken;

use super::{
    Consumer, Source,
    apply::{Runs, apply_runs},
    parked, position,
};
use crate::{
    db::{Db, PARTITIONS},
    error::{Error, chain},
    lease::pause,
    relay::stream_key,
};

/// Longest wait for Redis before looking around.
const BLOCK: Duration = Duration::from_millis(1_000);
/// The owner's head is asked this often, so that a flushed and then silent Redis is noticed.
const HEAD_EVERY: Duration = Duration::from_secs(5);
/// Events taken from Redis or from the owner at once.
const COUNT: usize = 500;
const RETRY: Duration = Duration::from_millis(250);
/// From one batch to the next, so that under load a batch is of what came meanwhile and not of one event. What comes
/// after a rest is read at once.
const GATHER: Duration = Duration::from_millis(40);

pub(super) async fn run<C: Consumer>(db: Db, source: Source, consumer: Arc<C>, ended: CancellationToken) {
    let mut feed = Feed {
        db,
        source,
        consumer,
        positions: Vec::new(),
        redis: None,
        asked_at: None,
    };
    while !ended.is_cancelled() {
        if let Err(error) = feed.round(&ended).await {
            tracing::warn!(service = feed.db.service(), source = feed.source.name, error = %chain(&error), "the reader has to wait");
            feed.redis = None;
            feed.positions.clear();
            pause(&ended, RETRY).await;
        }
    }
}

struct Feed<C> {
    db: Db,
    source: Source,
    consumer: Arc<C>,
    /// Last applied seq per partition; empty until loaded.
    positions: Vec<i64>,
    /// A connection of its own: a blocking read holds everything behind it.
    redis: Option<MultiplexedConnection>,
    asked_at: Option<Instant>,
}

impl<C: Consumer> Feed<C> {
    async fn round(&mut self, ended: &CancellationToken) -> Result<(), Error> {
        if self.positions.is_empty() {
            self.positions = position::positions(&self.db, self.source.name).await?;
        }
        if self.asked_at.is_none_or(|at| at.elapsed() >= HEAD_EVERY) {
            self.look_after(ended).await;
        }
        let read = tokio::select! {
            () = ended.cancelled() => return Ok(()),
            read = self.read_redis() => match read {
                Ok(read) => read,
                Err(error) => return self.without_redis(error, ended).await,
            },
        };
        if read.is_empty() {
            return Ok(());
        }
        let (began, before) = (Instant::now(), self.positions.clone());
        self.take(read, ended).await?;
        // Entries nobody can use, and the owner has no others: Redis would hand them over again at once.
        let rest = if self.positions == before { RETRY } else { GATHER };
        pause(ended, rest.saturating_sub(began.elapsed())).await;
        Ok(())
    }

    /// What is due every few seconds. The owner being away does not keep us from what Redis has.
    async fn look_after(&mut self, ended: &CancellationToken) {
        let looked = async {
            self.catch_up(ended).await?;
            parked::retry_asked(&self.db, self.source.name, &*self.consumer, ended).await
        };
        match looked.await {
            Ok(()) => self.asked_at = Some(Instant::now()),
            Err(error) => {
                tracing::warn!(service = self.db.service(), source = self.source.name, error = %chain(&error), "could not compare with the owner");
            }
        }
    }

    /// Redis is away: go on with the owner alone, at the pace of the head checks.
    async fn without_redis(&mut self, error: Error, ended: &CancellationToken) -> Result<(), Error> {
        tracing::warn!(source = self.source.name, error = %chain(&error), "Redis does not answer; pulling from the owner");
        self.redis = None;
        pause(ended, RETRY).await;
        self.catch_up(ended).await
    }

    /// Pulls whatever the owner has beyond our positions.
    async fn catch_up(&mut self, ended: &CancellationToken) -> Result<(), Error> {
        for (partition, head) in self.source.owner.heads().await? {
            let at = self.position(partition)?;
            if head > at {
                self.pull(partition, ended).await?;
            } else if head < at {
                tracing::error!(
                    source = self.source.name,
                    partition,
                    position = at,
                    head,
                    "the owner's events are behind what was read: its database lost some"
                );
            }
        }
        Ok(())
    }

    /// Entries as they came: what was applied before is dropped, a gap is pulled.
    async fn take(&mut self, read: Vec<(i16, Read)>, ended: &CancellationToken) -> Result<(), Error> {
        let (mut runs, mut gaps) = (Runs::new(), Vec::new());
        for (partition, read) in read {
            let (events, gap) = contiguous(read, self.position(partition)?);
            runs.insert(partition, events);
            gaps.extend(gap.then_some(partition));
        }
        self.apply(runs, ended).await?;
        for partition in gaps {
            metrics::counter!("relight_reader_gaps_total", "service" => self.db.service(), "source" => self.source.name).increment(1);
            self.pull(partition, ended).await?;
        }
        Ok(())
    }

    async fn pull(&mut self, partition: i16, ended: &CancellationToken) -> Result<(), Error> {
        while !ended.is_cancelled() {
            let at = self.position(partition)?;
            let kept = self.source.owner.read(partition, at, COUNT).await?;
            if kept.next() > at + 1 {
                position::skip_to(&self.db, self.source.name, partition, kept.next() - 1).await?;
                self.positions = position::positions(&self.db, self.source.name).await?;
                continue;
            }
            if kept.events.is_empty() {
                return Ok(());
            }
            self.apply(Runs::from([(partition, kept.events)]), ended).await?;
        }
        Ok(())
    }

    async fn apply(&mut self, mut runs: Runs, ended: &CancellationToken) -> Result<(), Error> {
        runs.retain(|_, events| !events.is_empty());
        if runs.is_empty() {
            return Ok(());
        }
        let (db, source) = (&self.db, self.source.name);
        for (partition, reached) in apply_runs(db, source, &runs, &*self.consumer, ended).await? {
            let known = usize::try_from(partition)
                .ok()
                .and_then(|p| self.positions.get_mut(p));
            if let Some(position) = known {
                *position = reached;
            }
        }
        Ok(())
    }

    fn position(&self, partition: i16) -> Result<i64, Error> {
        usize::try_from(partition)
            .ok()
            .and_then(|p| self.positions.get(p).copied())
            .ok_or_else(|| {
                Error::LeaseLost(format!(
                    "reader:{} (position of partition {partition})",
                    self.source.name
                ))
            })
    }

    async fn read_redis(&mut self) -> Result<Vec<(i16, Read)>, Error> {
        let keys: Vec<String> = (0..PARTITIONS)
            .map(|p| stream_key(&self.source.namespace, self.source.name, p))
            .collect();
        let ids: Vec<String> = self.positions.iter().map(|seq| format!("{seq}-0")).collect();
        let options = StreamReadOptions::default()
            .block(usize::try_from(BLOCK.as_millis()).expect("a second fits"))
            .count(COUNT);
        let connection = self.connection().await?;
        let reply: Option<StreamReadReply> =
            redis::AsyncCommands::xread_options(connection, &keys, &ids, &options)
                .await
                .map_err(Error::redis("read a stream"))?;
        let mut found = Vec::new();
        for stream in reply.unwrap_or_default().keys {
            let Some(partition) = keys.iter().position(|key| *key == stream.key) else {
                continue;
            };
            let events: Vec<Event> = stream.ids.iter().filter_map(decode).collect();
            let damaged = events.len() < stream.ids.len();
            found.push((
                i16::try_from(partition).expect("few partitions"),
                Read { events, damaged },
            ));
        }
        Ok(found)
    }

    async fn connection(&mut self) -> Result<&mut MultiplexedConnection, Error> {
        if self.redis.is_none() {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(Duration::from_secs(2)))
                .set_response_timeout(Some(BLOCK + Duration::from_secs(2)));
            let connection = self
                .source
                .redis
                .get_multiplexed_async_connection_with_config(&config)
                .await;
            self.redis = Some(connection.map_err(Error::redis("connect to Redis"))?);
        }
        Ok(self.redis.as_mut().expect("just set"))
    }
}

/// What a stream had.
struct Read {
    events: Vec<Event>,
    /// Some entries could not be decoded: the owner's copy is pulled.
    damaged: bool,
}

/// The events that follow `at` without a gap, and whether there is more to pull.
fn contiguous(read: Read, at: i64) -> (Vec<Event>, bool) {
    let mut events = read.events;
    events.retain(|event| seq_of(event) > at);
    events.sort_by_key(|event| event.seq);
    events.dedup_by_key(|event| event.seq);
    let contiguous = events
        .iter()
        .zip(at + 1..)
        .take_while(|(event, seq)| seq_of(event) == *seq)
        .count();
    let gap = read.damaged || contiguous < events.len();
    events.truncate(contiguous);
    (events, gap)
}

fn decode(entry: &redis::streams::StreamId) -> Option<Event> {
    let bytes: Vec<u8> = entry.get("e")?;
    let event = Event::decode(bytes.as_slice()).ok()?;
    entry
        .id
        .strip_suffix("-0")?
        .parse::<u64>()
        .ok()
        .filter(|seq| *seq == event.seq)?;
    Some(event)
}

pub(super) fn seq_of(event: &Event) -> i64 {
    i64::try_from(event.seq).unwrap_or(i64::MAX)
}
