//! From the built binary to the first accepted report, on an empty and on a filled database, and memory at rest.

use std::{path::Path, time::Duration};

use hyper::StatusCode;
use relight_grid::demo;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{Options, Row};
use crate::{house::House, line::Line, process::Process, report, server::Given, statistics::median};

const LIMIT: Duration = Duration::from_secs(120);

/// A database of its own for each round; the last one stays up for the memory.
pub(super) async fn measure(given: &Given, options: &Options) -> anyhow::Result<Vec<Row>> {
    let accounts: Vec<_> = demo::town(42).customers.into_iter().map(|c| c.account).collect();
    let (mut fresh, mut again) = (Vec::new(), Vec::new());
    let mut last = None;
    for n in 0..usize::from(options.rounds) {
        let house = House::empty(given, "bench_start").await?;
        let log = house.log("up");
        let begun = Instant::now();
        house.program.run(&["migrate"], "").await?;
        house.program.run(&["demo", "town"], "").await?;
        let relight = first_report(&house, &log, &accounts[2 * n]).await?;
        fresh.push(begun.elapsed().as_secs_f64());
        relight.stop().await?;
        let begun = Instant::now();
        let relight = first_report(&house, &log, &accounts[2 * n + 1]).await?;
        again.push(begun.elapsed().as_secs_f64());
        println!(
            "start, round {}: {:.1} s fresh, {:.1} s again",
            n + 1,
            fresh[n],
            again[n]
        );
        last = Some(relight);
    }
    let relight = last.expect("at least one round");
    sleep(Duration::from_secs(options.idle_s)).await;
    let megabytes = relight.memory_bytes()? as f64 / 1e6;
    relight.stop().await?;
    Ok(vec![
        Row::new(
            "built binary, empty database -> migrate, demo town, up, first report accepted",
            "-",
            format!("{:.1} s", median(&fresh)),
            "-",
            "< 10 s",
        ),
        Row::new(
            "built binary, filled database -> first report accepted",
            "-",
            format!("{:.1} s", median(&again)),
            "-",
            "< 10 s",
        ),
        Row::new(
            &format!(
                "memory of `relight up` with the demo town after {} s at rest",
                options.idle_s
            ),
            "-",
            format!("{megabytes:.0} MB"),
            "-",
            "< 300 MB",
        ),
    ])
}

/// Starts it and reports as the public until that is accepted.
async fn first_report(house: &House, log: &Path, account: &str) -> anyhow::Result<Process> {
    let begun = Instant::now();
    let relight = house.program.up(log).await?;
    let mut line = Line::to(&relight.address);
    let id = Uuid::now_v7();
    loop {
        let answer = line.post(report::PATH, id, report::public_body(account)).await?;
        match answer.status {
            StatusCode::CREATED => return Ok(relight),
            StatusCode::SERVICE_UNAVAILABLE if begun.elapsed() < LIMIT => {
                sleep(Duration::from_millis(20)).await
            }
            status => anyhow::bail!(
                "the first report: {status}: {}",
                String::from_utf8_lossy(&answer.body)
            ),
        }
    }
}
