//! Who can be at the work first, of 10,000 crews of whom half have the skill: in process, through gRPC with mTLS, and
//! PostGIS on the same machine. Ours checks shift, rest, qualification, position and order as well; PostGIS the skill.

use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng, SeedableRng, rngs::StdRng};
use relight_common::claims::Role;
use relight_dispatch::domain::{
    crew::{Crew, Fix, Shift},
    ids::{CrewId, UnitId},
    index::Index,
    place::Place,
    recommend::{Job, Most, recommend},
    rules::Need,
    skill::{Qualified, Skills},
};
use relight_policy::AreaClass;
use relight_proto::{
    common::v1::Point,
    dispatch::v1::{self as wire, dispatch_client::DispatchClient},
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{
    Options, Row, positions,
    postgis::Peer,
    remote::{self, CALLERS},
    served::{Served, signed},
};
use crate::{
    house::House,
    lag,
    line::Line,
    report,
    server::Given,
    statistics::{median, per_s},
};

const FAULT_REPAIR: &str = "fault_repair";
/// Crews in the index.
const CREWS: usize = 10_000;
/// Candidates asked for.
pub(super) const K: usize = 10;
/// Crews put at one time.
const PUTS: usize = 8;
/// Orders the calls go round.
const ORDERS: usize = 40;
/// The demo town with its hills: west, south, east, north.
const AREA: [f64; 4] = [119.95, 29.95, 120.05, 30.05];
const SEED: u64 = 42;
const DRAIN_MAX: Duration = Duration::from_secs(60);

/// A crew as all three know it.
pub(super) struct Spot {
    pub(super) lon: f64,
    pub(super) lat: f64,
    pub(super) skills: Vec<&'static str>,
}

fn spots() -> Vec<Spot> {
    let mut random = StdRng::seed_from_u64(SEED);
    (0..CREWS)
        .map(|n| Spot {
            lon: random.random_range(AREA[0]..AREA[2]),
            lat: random.random_range(AREA[1]..AREA[3]),
            skills: if n % 2 == 0 {
                vec![FAULT_REPAIR]
            } else {
                vec!["meter_work"]
            },
        })
        .collect()
}

/// Rounds in turn with the peer, then positions in the same house.
pub(super) async fn measure(given: &Given, options: &Options) -> anyhow::Result<Vec<Row>> {
    let spots = spots();
    let peer = Peer::load(given, &spots, AREA).await?;
    let mut house = House::build(given, "bench_recommend").await?;
    let county = house.populate(1).await?;
    let served = Served::start(given, &mut house).await?;
    let orders = orders(&house, &served, county.accounts).await?;
    let crews = put_crews(&served, &spots).await?;
    positions::put(given, &house, &crews, &spots).await?;
    wait_for_candidates(&served, &orders).await?;

    let index = index(&spots, Utc::now());
    let mut measured = Measured::default();
    for n in 1..=options.rounds {
        let rate = peer.queries_per_s(options.round()).await?.unwrap_or(f64::NAN);
        let one = on_one_thread(&index, options.round(), SEED + 1);
        let all = on_all_processors(&index, options.round());
        let remote = remote::recommendations_per_s(&served, &orders, options.round()).await?;
        let empty = remote::empty_calls_per_s(&served, options.round()).await?;
        println!(
            "recommend, round {n}: PostGIS {rate:.0}/s, one thread {one:.0}/s, all processors {all:.0}/s, gRPC {remote:.0}/s, \
             an empty call {empty:.0}/s"
        );
        measured.peer.push(rate);
        measured.one.push(one);
        measured.all.push(all);
        measured.remote.push(remote);
        measured.empty.push(empty);
    }
    let mut rows = rows(&peer, &measured);
    rows.push(positions::measure(given, options, &house, &served, &crews).await?);
    anyhow::ensure!(
        served.relight.stop().await?.success(),
        "relight did not stop in good order"
    );
    Ok(rows)
}

/// Recommendations per second, round by round.
#[derive(Default)]
struct Measured {
    peer: Vec<f64>,
    one: Vec<f64>,
    all: Vec<f64>,
    remote: Vec<f64>,
    empty: Vec<f64>,
}

fn rows(peer: &Peer, measured: &Measured) -> Vec<Row> {
    let words = peer.words(median(&measured.peer));
    let ratio = |rates: &[f64]| {
        let ratios: Vec<_> = rates
            .iter()
            .zip(&measured.peer)
            .map(|(rate, peer)| rate / peer)
            .collect();
        if ratios.iter().all(|ratio| ratio.is_finite()) {
            format!("{:.1}", median(&ratios))
        } else {
            "-".to_owned()
        }
    };
    let what = format!("recommendation, {CREWS} crews, k = {K}, skill filter");
    let row = |how: &str, rates: &[f64], aim| {
        let measured = format!("{:.0}/s", median(rates));
        Row::new(
            &format!("{what}, {how}"),
            words.clone(),
            measured,
            ratio(rates),
            aim,
        )
    };
    let remote = format!(
        "gRPC with mTLS, {CALLERS} callers (an empty call: {:.0}/s)",
        median(&measured.empty)
    );
    vec![
        row("in process, one thread", &measured.one, "-"),
        row("in process, all processors", &measured.all, ">= 20"),
        row(&remote, &measured.remote, ">= 2"),
    ]
}

/// The same crews in an index of our own.
fn index(spots: &[Spot], now: DateTime<Utc>) -> Index {
    let shift = Shift {
        starts_at: now - TimeDelta::hours(1),
        ends_at: now + TimeDelta::hours(7),
        rest_before: None,
    };
    Index::of(spots.iter().enumerate().map(|(n, spot)| {
        let crew = Crew {
            id: CrewId::from_uuid(Uuid::from_u128(n as u128 + 1)),
            name: format!("crew {n}"),
            unit: UnitId::from_uuid(Uuid::from_u128(1)),
            skills: Skills::of(spot.skills.iter().copied()),
            qualified: Qualified::of(
                spot.skills
                    .iter()
                    .map(|skill| (*skill, now + TimeDelta::days(90))),
            ),
            shift: Some(shift),
            active: None,
            orders_this_shift: 0,
        };
        let place = Place {
            lon: spot.lon,
            lat: spot.lat,
        };
        (
            crew,
            Some(Fix {
                place,
                at: now,
                heading_deg: 0.0,
            }),
        )
    }))
}

/// One thread for each processor, all over one index, as the calls of a server are: PostGIS has all processors too.
fn on_all_processors(index: &Index, time: Duration) -> f64 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=processors as u64)
            .map(|n| scope.spawn(move || on_one_thread(index, time, SEED + n)))
            .collect();
        let rates = threads
            .into_iter()
            .map(|thread| thread.join().expect("a thread that only counts"));
        rates.sum()
    })
}

fn on_one_thread(index: &Index, time: Duration, seed: u64) -> f64 {
    let mut random = StdRng::seed_from_u64(seed);
    let (begun, now) = (Instant::now(), Utc::now());
    let mut count = 0;
    while begun.elapsed() < time {
        let place = Place {
            lon: random.random_range(AREA[0]..AREA[2]),
            lat: random.random_range(AREA[1]..AREA[3]),
        };
        let need = Need {
            skills: &[Skills::FAULT_REPAIR],
            unit: None,
        };
        let job = Job {
            place: Some(place),
            area: AreaClass::Urban,
            need,
        };
        let found = recommend(index, &job, Most::candidates(K), now);
        assert_eq!(std::hint::black_box(found).candidates.len(), K, "5,000 crews may");
        count += 1;
    }
    per_s(count, begun.elapsed())
}

/// Work orders at places all over the town, each of a report entered late: calls that came hours apart are faults apart.
async fn orders(house: &House, served: &Served, accounts: Vec<String>) -> anyhow::Result<Vec<String>> {
    let tokens = house.sign_in(&served.gateway, 1).await?;
    let step = (accounts.len() / ORDERS).max(1);
    let mut line = Line::to(&served.gateway);
    line.sign(tokens.first().context("a token")?);
    let mut count = 0;
    for account in accounts.iter().step_by(step) {
        count += 1;
        let body = report::late_body(account, Utc::now() - TimeDelta::hours(2 * count));
        let answer = line.post(report::PATH, Uuid::now_v7(), body).await?;
        anyhow::ensure!(answer.status.is_success(), "a report: {}", answer.status);
    }
    let mut conn = house.connect().await?;
    lag::drain(&mut conn, DRAIN_MAX).await?;
    let orders: Vec<Uuid> = sqlx::query_scalar(
        "select o.id from dispatch.work_order o join dispatch.incident i on i.id = o.incident_id
         where i.lon is not null",
    )
    .fetch_all(&mut conn)
    .await?;
    anyhow::ensure!(!orders.is_empty(), "no order came of {count} reports");
    Ok(orders.iter().map(Uuid::to_string).collect())
}

/// Puts a unit and all crews through gRPC, as a loader would.
async fn put_crews(served: &Served, spots: &[Spot]) -> anyhow::Result<Vec<String>> {
    let unit_id = Uuid::now_v7().to_string();
    let unit = wire::Unit {
        unit_id: unit_id.clone(),
        name: "bench".to_owned(),
        org_path: "demo/city/east".to_owned(),
        area_org_paths: vec!["demo".to_owned()],
    };
    let request = wire::PutUnitRequest {
        command_id: Uuid::now_v7().to_string(),
        unit: Some(unit),
    };
    let mut client = DispatchClient::new(served.peers.to("dispatch"));
    client
        .put_unit(signed(request, &served.token(Role::Admin)?))
        .await?;
    let mut ids = Vec::new();
    for (n, batch) in spots.chunks(500).enumerate() {
        let token = served.token(Role::Admin)?;
        let mut puts = JoinSet::new();
        for (m, spot) in batch.iter().enumerate() {
            let crew = crew(n * 500 + m, spot, &unit_id);
            ids.push(crew.crew_id.clone());
            let request = wire::PutCrewRequest {
                command_id: Uuid::now_v7().to_string(),
                crew: Some(crew),
            };
            let (mut client, request) = (client.clone(), signed(request, &token));
            puts.spawn(async move { client.put_crew(request).await });
            // A window, not 500 calls at one time: each has 2 s.
            if puts.len() >= PUTS
                && let Some(put) = puts.join_next().await
            {
                put??;
            }
        }
        while let Some(put) = puts.join_next().await {
            put??;
        }
    }
    Ok(ids)
}

fn crew(n: usize, spot: &Spot, unit_id: &str) -> wire::Crew {
    let at = |hours: i64| {
        Some(relight_common::wire::timestamp(
            Utc::now() + TimeDelta::hours(hours),
        ))
    };
    let qualifications = spot.skills.iter().map(|skill| wire::Qualification {
        skill: (*skill).to_owned(),
        valid_until: at(24 * 90),
    });
    wire::Crew {
        crew_id: Uuid::now_v7().to_string(),
        // The last crew comes first on the list, where the positions look for it.
        name: format!("crew {:05}", CREWS - 1 - n),
        unit_id: unit_id.to_owned(),
        org_path: "demo/city/east".to_owned(),
        skills: spot.skills.iter().map(|skill| (*skill).to_owned()).collect(),
        members: vec![wire::Member {
            person_id: Uuid::now_v7().to_string(),
            name: format!("leader {n:05}"),
            leader: true,
            qualifications: qualifications.collect(),
        }],
        shift_start_at: at(-1),
        shift_end_at: at(7),
        position: Some(Point {
            lon: spot.lon,
            lat: spot.lat,
        }),
        ..wire::Crew::default()
    }
}

/// The index of a replica follows the tables and the stream; asks until it knows the crews.
async fn wait_for_candidates(served: &Served, orders: &[String]) -> anyhow::Result<()> {
    let mut client = DispatchClient::new(served.peers.to("dispatch"));
    let begun = Instant::now();
    loop {
        let token = served.token(Role::Dispatcher)?;
        let request = wire::RecommendRequest {
            order_id: orders[0].clone(),
            k: 10,
            refused: None,
        };
        let found = client.recommend(signed(request, &token)).await?.into_inner();
        if found.candidates.len() == K {
            return Ok(());
        }
        anyhow::ensure!(
            begun.elapsed() < Duration::from_secs(45),
            "{} of {K} candidates among {CREWS} crews; refused: {:?}",
            found.candidates.len(),
            found.refused.first()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
