//! Follows the event streams in Redis, and pulls from the owner what Redis does not have.

use std::time::{Duration, Instant};

use prost::Message;
use redis::{
    AsyncConnectionConfig,
    aio::MultiplexedConnection,
    streams::{StreamReadOptions, StreamReadReply},
};
use relight_common::{
    Error, db::PARTITIONS, error::chain, grpc::EventsOwner, relay::stream_key, service::Host,
};
use relight_proto::events::v1::Event;

use super::{
    fact::item_of,
    hub::{Hub, Pushed, SOURCES, slot},
};

const BLOCK: Duration = Duration::from_secs(1);
const COUNT: usize = 500;
/// How often the owner is asked for its head: Redis may have lost everything and say nothing.
const ASK_EVERY: Duration = Duration::from_secs(5);
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Starts one follower per source.
pub(crate) fn tail(host: &Host, hub: Hub) {
    for (index, source) in SOURCES.into_iter().enumerate() {
        let follower = Follower {
            index,
            source,
            hub: hub.clone(),
            redis: host.redis.clone(),
            namespace: host.settings.redis.namespace.clone(),
            owner: host.peers.events_of(source),
            connection: None,
            asked_at: None,
        };
        let stop = host.stop.clone();
        host.tasks.spawn(async move {
            tokio::select! {
                () = follower.run() => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

struct Follower {
    index: usize,
    source: &'static str,
    hub: Hub,
    redis: redis::Client,
    namespace: String,
    owner: EventsOwner,
    connection: Option<MultiplexedConnection>,
    /// When the owner's heads were known last; `None` before the start.
    asked_at: Option<Instant>,
}

impl Follower {
    async fn run(mut self) {
        loop {
            match self.round().await {
                Ok(()) => self.hub.set_live(self.index, true),
                Err(error) => {
                    self.hub.set_live(self.index, false);
                    self.connection = None;
                    tracing::warn!(source = self.source, error = %chain(&error), "the stream has to wait");
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
        }
    }

    async fn round(&mut self) -> Result<(), Error> {
        if self.asked_at.is_none_or(|at| at.elapsed() >= ASK_EVERY) {
            self.catch_up().await?;
        }
        for (partition, events) in self.read().await? {
            self.take(partition, events).await?;
        }
        Ok(())
    }

    /// Starts at the owner's heads; later pulls what Redis did not bring.
    async fn catch_up(&mut self) -> Result<(), Error> {
        let starting = self.asked_at.is_none();
        for (partition, head) in self.owner.heads().await? {
            let (Some(slot), head) = (self.slot(partition), head.unsigned_abs()) else {
                continue;
            };
            if starting {
                self.hub.jump(slot, head);
            } else if head > self.hub.at(slot) {
                self.pull(partition, slot).await?;
            }
        }
        self.asked_at = Some(Instant::now());
        Ok(())
    }

    fn slot(&self, partition: i16) -> Option<usize> {
        slot(self.index, usize::try_from(partition).ok()?)
    }

    async fn take(&mut self, partition: i16, events: Vec<Event>) -> Result<(), Error> {
        let Some(slot) = self.slot(partition) else {
            return Ok(());
        };
        for event in events {
            if self.hub.push(item_of(slot, event)) == Pushed::Gap {
                return self.pull(partition, slot).await;
            }
        }
        Ok(())
    }

    /// From the owner, until there is nothing more.
    async fn pull(&mut self, partition: i16, slot: usize) -> Result<(), Error> {
        loop {
            let at = i64::try_from(self.hub.at(slot)).unwrap_or(i64::MAX);
            let events = self.owner.read(partition, at, COUNT).await?.events;
            let Some(first) = events.first() else {
                return Ok(());
            };
            if first.seq > at.unsigned_abs() + 1 {
                self.hub.jump(slot, first.seq - 1);
            }
            for event in events {
                self.hub.push(item_of(slot, event));
            }
        }
    }

    async fn read(&mut self) -> Result<Vec<(i16, Vec<Event>)>, Error> {
        let keys: Vec<String> = (0..PARTITIONS)
            .map(|partition| stream_key(&self.namespace, self.source, partition))
            .collect();
        let ids: Vec<String> = (0..PARTITIONS)
            .map(|partition| format!("{}-0", self.slot(partition).map_or(0, |slot| self.hub.at(slot))))
            .collect();
        let options = StreamReadOptions::default()
            .block(usize::try_from(BLOCK.as_millis()).expect("a second fits"))
            .count(COUNT);
        let connection = self.connection().await?;
        let reply: Option<StreamReadReply> =
            redis::AsyncCommands::xread_options(connection, &keys, &ids, &options)
                .await
                .map_err(Error::redis("read a stream"))?;
        let streams = reply.unwrap_or_default().keys.into_iter();
        Ok(streams
            .filter_map(|stream| {
                let partition = keys.iter().position(|key| *key == stream.key)?;
                let events = stream.ids.iter().filter_map(decode).collect();
                Some((i16::try_from(partition).ok()?, events))
            })
            .collect())
    }

    /// A connection of its own: redis-rs gives shared ones a response timeout below our block.
    async fn connection(&mut self) -> Result<&mut MultiplexedConnection, Error> {
        if self.connection.is_none() {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(Duration::from_secs(2)))
                .set_response_timeout(Some(BLOCK + Duration::from_secs(2)));
            let connection = self
                .redis
                .get_multiplexed_async_connection_with_config(&config)
                .await;
            self.connection = Some(connection.map_err(Error::redis("connect to Redis"))?);
        }
        Ok(self.connection.as_mut().expect("just set"))
    }
}

/// What cannot be decoded shows as a gap, and the owner's copy is pulled.
fn decode(entry: &redis::streams::StreamId) -> Option<Event> {
    let bytes: Vec<u8> = entry.get("e")?;
    Event::decode(bytes.as_slice()).ok()
}
