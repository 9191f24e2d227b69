//! Position fixes: from the Redis stream into the R-tree of a replica, as phones would send them all at once.

use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use prost::Message;
use rand::{Rng, SeedableRng, rngs::StdRng};
use redis::aio::MultiplexedConnection;
use relight_common::{claims::Role, wire::timestamp};
use relight_dispatch::domain::{crew::Fix, ids::CrewId, index::Index, place::Place};
use relight_proto::{
    common::v1::{PageRequest, Point},
    dispatch::v1::{ListCrewsRequest, PositionFix, dispatch_client::DispatchClient},
};
use uuid::Uuid;

use super::{
    Options, Row,
    recommend::Spot,
    served::{Served, signed},
};
use crate::{
    house::House,
    server::Given,
    statistics::{median, per_s},
};

/// Fixes of one round.
const FIXES: usize = 200_000;
/// Sent in one pipeline.
const BATCH: usize = 1_000;
const LIMIT: Duration = Duration::from_secs(120);

/// First positions of all crews.
pub(super) async fn put(
    given: &Given,
    house: &House,
    crews: &[String],
    spots: &[Spot],
) -> anyhow::Result<()> {
    let mut redis = connect(given).await?;
    let fixes: Vec<_> = crews
        .iter()
        .zip(spots)
        .map(|(crew, spot)| fix(crew, spot.lon, spot.lat, Utc::now()))
        .collect();
    for batch in fixes.chunks(BATCH) {
        add(&mut redis, house, batch).await?;
    }
    Ok(())
}

/// Floods the stream and waits until the last fix shows; the R-tree alone is the peer.
pub(super) async fn measure(
    given: &Given,
    options: &Options,
    house: &House,
    served: &Served,
    crews: &[String],
) -> anyhow::Result<Row> {
    let (mut alone, mut rates, mut per_core) = (Vec::new(), Vec::new(), Vec::new());
    for n in 1..=options.rounds {
        alone.push(tree_alone(crews.len()));
        let before = served.relight.processor_time()?;
        let begun = Instant::now();
        flood(given, house, served, crews, u64::from(n)).await?;
        rates.push(per_s(FIXES, begun.elapsed()));
        let used = served.relight.processor_time()?.saturating_sub(before);
        per_core.push(per_s(FIXES, used));
        println!(
            "positions, round {n}: R-tree alone {:.0}/s, stream to R-tree {:.0}/s",
            alone[alone.len() - 1],
            rates[rates.len() - 1]
        );
    }
    let ratios: Vec<_> = rates
        .iter()
        .zip(&alone)
        .map(|(rate, alone)| rate / alone)
        .collect();
    Ok(Row::new(
        &format!("position fixes, stream -> R-tree, {} crews", crews.len()),
        format!("the R-tree alone: {:.0} moves/s", median(&alone)),
        format!(
            "{:.0}/s; {:.0} per second of processor time",
            median(&rates),
            median(&per_core)
        ),
        format!("{:.2}", median(&ratios)),
        "20,000/s on one core",
    ))
}

async fn flood(
    given: &Given,
    house: &House,
    served: &Served,
    crews: &[String],
    round: u64,
) -> anyhow::Result<()> {
    let mut redis = connect(given).await?;
    let mut random = StdRng::seed_from_u64(round);
    // Fixes grow by a millisecond each and end now: a fix that is not later than the last one is left out.
    // Whole milliseconds, so that the last one reads as it was written.
    let from =
        Utc::now().trunc_subsecs(3) - TimeDelta::milliseconds(i64::try_from(FIXES / crews.len())? * 10);
    let mut last = from;
    for batch in 0..FIXES / BATCH {
        let fixes: Vec<_> = (0..BATCH)
            .map(|n| {
                let at = batch * BATCH + n;
                let turn = i64::try_from(at / crews.len()).expect("few turns");
                last = from + TimeDelta::milliseconds(10 * (turn + 1));
                let (lon, lat) = (
                    random.random_range(119.95..120.05),
                    random.random_range(29.95..30.05),
                );
                fix(&crews[at % crews.len()], lon, lat, last)
            })
            .collect();
        add(&mut redis, house, &fixes).await?;
    }
    let crew = &crews[(FIXES - 1) % crews.len()];
    wait_for(served, crew, last).await
}

/// Asks until the replica knows the crew, the first on the list, at its last place.
async fn wait_for(served: &Served, crew: &str, at: DateTime<Utc>) -> anyhow::Result<()> {
    let mut client = DispatchClient::new(served.peers.to("dispatch"));
    let (begun, wanted) = (Instant::now(), timestamp(at));
    loop {
        let token = served.token(Role::Dispatcher)?;
        let page = PageRequest {
            cursor: String::new(),
            size: 1,
        };
        let request = ListCrewsRequest {
            page: Some(page),
            unit_id: String::new(),
        };
        let crews = client
            .list_crews(signed(request, &token))
            .await?
            .into_inner()
            .crews;
        let first = crews.first().context("crews were put")?;
        anyhow::ensure!(first.crew_id == crew, "the list begins with another crew");
        if first
            .position_at
            .is_some_and(|known| (known.seconds, known.nanos) >= (wanted.seconds, wanted.nanos))
        {
            return Ok(());
        }
        anyhow::ensure!(
            begun.elapsed() < LIMIT,
            "the last fix did not show within {} s",
            LIMIT.as_secs()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn fix(crew: &str, lon: f64, lat: f64, at: DateTime<Utc>) -> Vec<u8> {
    PositionFix {
        crew_id: crew.to_owned(),
        position: Some(Point { lon, lat }),
        at: Some(timestamp(at)),
        heading_deg: 0.0,
        speed_mps: 9.0,
        accuracy_m: 8.0,
    }
    .encode_to_vec()
}

async fn connect(given: &Given) -> anyhow::Result<MultiplexedConnection> {
    let client = redis::Client::open(given.redis_url.as_str())?;
    client
        .get_multiplexed_async_connection()
        .await
        .context("Redis does not answer")
}

/// No MAXLEN here: a trimmed fix would count as done.
async fn add(redis: &mut MultiplexedConnection, house: &House, fixes: &[Vec<u8>]) -> anyhow::Result<()> {
    let mut pipe = redis::pipe();
    for fix in fixes {
        pipe.xadd(
            format!("{}:positions", house.namespace),
            "*",
            &[("p", fix.as_slice())],
        )
        .ignore();
    }
    Ok(pipe.query_async(redis).await?)
}

/// Moves per second of the index without stream and decoding.
fn tree_alone(crews: usize) -> f64 {
    let mut random = StdRng::seed_from_u64(7);
    let (mut index, from) = (Index::default(), Utc::now());
    let ids: Vec<_> = (0..crews)
        .map(|n| CrewId::from_uuid(Uuid::from_u128(n as u128 + 1)))
        .collect();
    let begun = Instant::now();
    for n in 0..FIXES {
        let place = Place {
            lon: random.random_range(119.95..120.05),
            lat: random.random_range(29.95..30.05),
        };
        let at = from + TimeDelta::microseconds(i64::try_from(n).expect("fewer than 2^63"));
        index.put_fix(
            ids[n % crews],
            Fix {
                place,
                at,
                heading_deg: 0.0,
            },
        );
    }
    per_s(FIXES, begun.elapsed())
}
