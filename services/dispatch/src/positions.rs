//! Positions: every replica tails the stream from its beginning into its index (no group), after loading the thinned
//! track; one of them, under a lease, thins the track. The stream is disposable: losing it costs freshness only.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use redis::{
    AsyncConnectionConfig,
    aio::MultiplexedConnection,
    streams::{StreamId, StreamReadOptions, StreamReadReply},
};
use relight_common::{
    Clock, Db,
    error::chain,
    lease::{self, pause},
    wire,
};
use relight_proto::dispatch::v1::PositionFix;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    domain::{crew::Fix, ids::CrewId, place::Place},
    error::Error,
    live::Live,
    store::position,
};

const BATCH: usize = 1_000;
const BLOCK: Duration = Duration::from_secs(2);
/// The track keeps one position per crew and this long.
const THIN: TimeDelta = TimeDelta::seconds(30);
const THIN_EVERY: Duration = Duration::from_secs(10);
/// Phones' clocks may be ahead by this much; later positions are not believed.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(2);
/// Older positions say nothing at start.
const TRACK: TimeDelta = TimeDelta::hours(24);

/// Name of the stream mobile-api writes; entries carry a [`PositionFix`] in field `p`.
pub fn stream_key(namespace: &str) -> String {
    format!("{namespace}:positions")
}

/// Where positions come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Redis.
    pub redis: redis::Client,
    /// Prefix of its keys.
    pub namespace: String,
}

/// Loads the last known places from the track.
///
/// # Errors
/// [`Error::Common`].
pub async fn load(db: &Db, live: &Live, now: DateTime<Utc>) -> Result<(), Error> {
    live.put_fixes(position::latest(db.pool(), now - TRACK).await?);
    Ok(())
}

/// Tails the stream into `live` until `stop`.
pub async fn tail(source: Source, live: Arc<Live>, clock: Clock, stop: CancellationToken) {
    let mut after = "0".to_owned();
    let mut connection = None;
    while !stop.is_cancelled() {
        let read = tokio::select! {
            read = next(&source, &mut connection, &after) => read,
            () = stop.cancelled() => return,
        };
        match read {
            Ok(entries) => {
                after = entries.last().map_or(after, |entry| entry.id.clone());
                let now = clock.now();
                live.put_fixes(entries.iter().filter_map(|entry| fix_of(entry, now)));
            }
            Err(error) => {
                tracing::warn!(%error, "positions have to wait");
                connection = None;
                // A flushed Redis numbers from the beginning again; positions are idempotent.
                after = "0".to_owned();
                pause(&stop, Duration::from_secs(1)).await;
            }
        }
    }
}

async fn next(
    source: &Source,
    connection: &mut Option<MultiplexedConnection>,
    after: &str,
) -> Result<Vec<StreamId>, redis::RedisError> {
    if connection.is_none() {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(BLOCK + Duration::from_secs(2)));
        *connection = Some(
            source
                .redis
                .get_multiplexed_async_connection_with_config(&config)
                .await?,
        );
    }
    let open = connection.as_mut().expect("just opened");
    let options = StreamReadOptions::default()
        .count(BATCH)
        .block(usize::try_from(BLOCK.as_millis()).unwrap_or(2_000));
    let reply: Option<StreamReadReply> =
        redis::AsyncCommands::xread_options(open, &[stream_key(&source.namespace)], &[after], &options)
            .await?;
    Ok(reply
        .into_iter()
        .flat_map(|reply| reply.keys)
        .flat_map(|key| key.ids)
        .collect())
}

/// The position in an entry; none when it is damaged, impossible or too far ahead.
fn fix_of(entry: &StreamId, now: DateTime<Utc>) -> Option<(CrewId, Fix)> {
    let bytes: Vec<u8> = entry.get("p")?;
    let fix = PositionFix::decode(bytes.as_slice())
        .ok()
        .and_then(|said| read(said, now));
    if fix.is_none() {
        metrics::counter!("relight_positions_refused_total").increment(1);
    }
    fix
}

fn read(said: PositionFix, now: DateTime<Utc>) -> Option<(CrewId, Fix)> {
    let (lon, lat) = wire::point("position", said.position?).ok()?;
    let at = wire::instant("at", said.at)
        .ok()
        .filter(|at| *at <= now + AHEAD_MAX)?;
    let heading_deg = Some(said.heading_deg)
        .filter(|heading| heading.is_finite())
        .unwrap_or(0.0);
    Some((
        CrewId::parse(&said.crew_id).ok()?,
        Fix {
            place: Place { lon, lat },
            at,
            heading_deg,
        },
    ))
}

/// Writes the thinned track under a lease until `stop`.
pub async fn thin(db: Db, live: Arc<Live>, holder: Uuid, stop: CancellationToken) {
    let pool = db.pool().clone();
    lease::run_under(&pool, "track", holder, &stop, |_lease, ended| {
        let (db, live) = (db.clone(), live.clone());
        async move {
            let mut written = HashMap::new();
            while !ended.is_cancelled() {
                if let Err(error) = thin_once(&db, &live, &mut written).await {
                    tracing::warn!(error = %chain(&error), "the track has to wait");
                }
                pause(&ended, THIN_EVERY).await;
            }
        }
    })
    .await;
}

/// Appends the positions that are far enough in time from the last written one of their crew. Returns how many.
///
/// # Errors
/// [`Error::Common`].
pub async fn thin_once(
    db: &Db,
    live: &Live,
    written: &mut HashMap<CrewId, DateTime<Utc>>,
) -> Result<usize, Error> {
    let is_due = |id: &CrewId, fix: &Fix| written.get(id).is_none_or(|last| fix.at - *last >= THIN);
    let due: Vec<(CrewId, Fix)> = live
        .read()
        .all()
        .filter_map(|known| known.fix.map(|fix| (known.id, fix)))
        .filter(|(id, fix)| is_due(id, fix))
        .collect();
    for chunk in due.chunks(BATCH) {
        position::append(db.pool(), chunk).await?;
    }
    written.extend(due.iter().map(|(id, fix)| (*id, fix.at)));
    Ok(due.len())
}
