//! Whom a device puts out, ours against a recursive query over the same edges in Postgres. Both are asked about the same
//! devices, one after the other, over and over: each in its own steady state, the sum of its times against the sum of theirs.

use std::{
    collections::HashSet,
    hint::black_box,
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use relight_grid::{DeviceIx, Grid};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _, postgres::PgConnectOptions};

use super::{Options, Row, grid::FEEDER};
use crate::statistics::{median, ms, percentile};

/// Devices that both are asked about in a round.
const ASKED: usize = 100;
/// How often ours goes over them in a round: a hundred answers take less than one of Postgres.
const PASSES: u32 = 200;
/// Customers of a feeder that is about as large.
const LARGE: RangeInclusive<u64> = 2_500..=3_500;
/// Devices spread over the whole province.
const SPREAD: usize = 20_000;

const BELOW: &str = "with recursive below (bus) as (select down from edge where device = $1 \
                     union all select edge.down from edge join below on edge.up = below.bus)";

/// One of the two questions.
struct Question {
    what: &'static str,
    aim: &'static str,
    /// What Postgres is told behind [`BELOW`].
    select: &'static str,
    /// Customers in our answer.
    ours: fn(&Grid, DeviceIx) -> u64,
}

const QUESTIONS: [Question; 2] = [
    Question {
        what: "count",
        aim: "p99 < 1 ms, 100x",
        select: "select coalesce(sum(customers), 0)::bigint from below join load using (bus)",
        ours: |grid, device| grid.affected_count(device).customers,
    },
    Question {
        what: "list of loads",
        aim: "p99 < 10 ms, 100x",
        select: "select id, customers::bigint from below join load using (bus)",
        ours: |grid, device| black_box(grid.affected(device)).customers,
    },
];

/// Counts and lists of a large feeder's devices, and of devices anywhere.
pub(super) async fn measure(
    database: &PgConnectOptions,
    options: &Options,
    grid: &Grid,
) -> anyhow::Result<Vec<Row>> {
    let prefix = format!("{FEEDER}-");
    let feeder: Vec<DeviceIx> = grid
        .devices()
        .filter(|&device| grid.device_id(device).starts_with(&prefix))
        .collect();
    let mut conn = PgConnection::connect_with(database).await?;
    let mut rows = Vec::new();
    for question in &QUESTIONS {
        rows.push(compared(&mut conn, options, grid, &feeder, question).await?);
    }
    let (feeders, large) = of_large_feeders(grid);
    for question in &QUESTIONS {
        rows.push(Row::new(
            &format!(
                "the same, {}, every one of {} devices of all {feeders} feeders of 2,500 to 3,500 customers",
                question.what,
                large.len()
            ),
            "-",
            figures(&times(grid, &large, question.ours)),
            "-",
            question.aim.split(',').next().unwrap_or_default(),
        ));
    }
    let every = grid.devices().len() / SPREAD;
    let spread: Vec<DeviceIx> = grid.devices().step_by(every.max(1)).collect();
    rows.push(Row::new(
        &format!(
            "the same, list, {} devices spread over the province",
            spread.len()
        ),
        "-",
        figures(&times(grid, &spread, QUESTIONS[1].ours)),
        "-",
        "p99 < 1 ms",
    ));
    Ok(rows)
}

/// How many feeders are about as large as the one that is compared, and all their devices.
fn of_large_feeders(grid: &Grid) -> (usize, Vec<DeviceIx>) {
    let feeder_of = |device: DeviceIx| grid.device_id(device).split_once('-').map(|(feeder, _)| feeder);
    let breakers = grid
        .devices()
        .filter(|&device| grid.device_id(device).ends_with("-CB"));
    let large: HashSet<&str> = breakers
        .filter(|&breaker| LARGE.contains(&grid.affected_count(breaker).customers))
        .filter_map(feeder_of)
        .collect();
    let theirs = grid
        .devices()
        .filter(|&device| feeder_of(device).is_some_and(|feeder| large.contains(feeder)));
    (large.len(), theirs.collect())
}

async fn compared(
    conn: &mut PgConnection,
    options: &Options,
    grid: &Grid,
    feeder: &[DeviceIx],
    question: &Question,
) -> anyhow::Result<Row> {
    let every = feeder.len().div_ceil(ASKED);
    let sample: Vec<DeviceIx> = feeder.iter().copied().step_by(every).collect();
    let query = format!("{BELOW} {}", question.select);
    // Before anything counts: the answers agree, the statement is prepared, its rows are in memory.
    theirs(conn, &query, grid, &sample, question).await?;
    let (mut sql, mut cold, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let asked = theirs(conn, &query, grid, &sample, question).await?;
        let theirs: Duration = asked.iter().map(|(theirs, _)| theirs).sum();
        ratios.push(theirs.as_secs_f64() / ours_s(grid, &sample, question));
        sql.extend(asked.iter().map(|(theirs, _)| *theirs));
        cold.extend(asked.iter().map(|(_, ours)| *ours));
    }
    let warm = times(grid, feeder, question.ours);
    let in_turn = sql.iter().sum::<Duration>().as_secs_f64() / cold.iter().sum::<Duration>().as_secs_f64();
    Ok(Row::new(
        &format!(
            "whom a device puts out, {}: {} devices of a feeder of 3,000 customers",
            question.what,
            feeder.len()
        ),
        format!(
            "recursive SQL, p50 {} p99 {}",
            ms(percentile(&sql, 50.0)),
            ms(percentile(&sql, 99.0))
        ),
        format!(
            "{}; when each comes just after its SQL {}, {in_turn:.0}x",
            figures(&warm),
            figures(&cold)
        ),
        format!("{:.0}x", median(&ratios)),
        question.aim,
    ))
}

/// Each device by SQL, and ours just after it, with its memory as cold as the other left it: both times, and they agree.
async fn theirs(
    conn: &mut PgConnection,
    query: &str,
    grid: &Grid,
    sample: &[DeviceIx],
    question: &Question,
) -> anyhow::Result<Vec<(Duration, Duration)>> {
    let mut asked = Vec::with_capacity(sample.len());
    for &device in sample {
        let begun = Instant::now();
        let customers = by_sql(conn, query, grid.device_id(device)).await?;
        let theirs = begun.elapsed();
        let begun = Instant::now();
        let count = (question.ours)(grid, device);
        asked.push((theirs, begun.elapsed()));
        anyhow::ensure!(
            customers == count,
            "{}: {customers} by SQL, {count}",
            grid.device_id(device)
        );
    }
    Ok(asked)
}

/// Seconds that one pass over the devices takes ours.
fn ours_s(grid: &Grid, sample: &[DeviceIx], question: &Question) -> f64 {
    let begun = Instant::now();
    for _ in 0..PASSES {
        for &device in sample {
            black_box((question.ours)(grid, device));
        }
    }
    begun.elapsed().as_secs_f64() / f64::from(PASSES)
}

fn times(grid: &Grid, devices: &[DeviceIx], ask: fn(&Grid, DeviceIx) -> u64) -> Vec<Duration> {
    let timed = |&device: &DeviceIx| {
        let begun = Instant::now();
        black_box(ask(grid, device));
        begun.elapsed()
    };
    devices.iter().map(timed).collect()
}

fn figures(times: &[Duration]) -> String {
    format!(
        "p50 {} p99 {}",
        us(percentile(times, 50.0)),
        us(percentile(times, 99.0))
    )
}

fn us(time: Duration) -> String {
    format!("{:.1} us", time.as_secs_f64() * 1e6)
}

/// Customers in the answer: the only row of a count, or the sum over a list. The statement is prepared once a connection.
async fn by_sql(conn: &mut PgConnection, query: &str, device: &str) -> anyhow::Result<u64> {
    let rows = sqlx::query(AssertSqlSafe(query.to_owned()))
        .bind(device)
        .fetch_all(conn)
        .await?;
    let last = |row: &sqlx::postgres::PgRow| row.try_get::<i64, _>(row.len() - 1);
    let mut sum = 0;
    for row in &rows {
        sum += last(row)?;
    }
    Ok(u64::try_from(sum)?)
}
