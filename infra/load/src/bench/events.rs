//! From the commit of a report to the commit of its effect in a consumer (the message of notify), by the server's own
//! commit times: both are read from the one clock of Postgres, nothing is polled.

use std::time::Duration;

use sqlx::PgConnection;

use super::{
    Options, Row,
    desks::{Callers, Desks},
};
use crate::{
    house::House,
    lag,
    server::{Ask, Given, Starter},
    statistics::{ms, percentile},
};

/// Reports per second.
const RATE: f64 = 50.0;
const DRAIN_MAX: Duration = Duration::from_secs(60);

/// Paced reports with texts switched off, so that a message row stays as its creation left it.
pub(super) async fn measure(given: &Given, options: &Options, starter: &Starter) -> anyhow::Result<Row> {
    track_commits(given, starter).await?;
    let house = House::build(given, "bench_events").await?;
    let county = house.populate(1).await?;
    let relight = house.program.up(&house.log("up")).await?;
    let tokens = house.sign_in(&relight.address, 4).await?;
    let callers = Callers::new(county.accounts);
    let mut desks = Desks::new(&relight.address, &tokens, 8);
    let mut conn = house.connect().await?;
    let time = options.round() * 3;
    desks.open(&callers, RATE, time).await?;
    lag::drain(&mut conn, DRAIN_MAX).await?;
    let times = latencies(&mut conn).await?;
    anyhow::ensure!(!times.is_empty(), "no message came of {} reports", callers.used());
    anyhow::ensure!(
        relight.stop().await?.success(),
        "relight did not stop in good order"
    );
    Ok(Row::new(
        &format!(
            "event: commit -> effect in the consumer, {RATE:.0} reports/s, {} events",
            times.len()
        ),
        "-",
        format!(
            "p50 {}, p99 {}, max {}",
            ms(percentile(&times, 50.0)),
            ms(percentile(&times, 99.0)),
            ms(percentile(&times, 100.0))
        ),
        "-",
        "p99 < 100 ms",
    ))
}

/// Commit times are kept only when the server was started so.
pub(super) async fn track_commits(given: &Given, starter: &Starter) -> anyhow::Result<()> {
    let mut admin = given.admin().await?;
    let shown: String = sqlx::query_scalar("show track_commit_timestamp")
        .fetch_one(&mut admin)
        .await?;
    if shown == "on" {
        return Ok(());
    }
    anyhow::ensure!(
        starter.is_there(),
        "start Postgres with track_commit_timestamp=on"
    );
    sqlx::query("alter system set track_commit_timestamp = on")
        .execute(&mut admin)
        .await?;
    drop(admin);
    starter.ask(Ask::PostgresRestart).await
}

async fn latencies(conn: &mut PgConnection) -> anyhow::Result<Vec<Duration>> {
    let seconds: Vec<f64> = sqlx::query_scalar(
        "select distinct on (r.id)
             extract(epoch from pg_xact_commit_timestamp(m.xmin) - pg_xact_commit_timestamp(r.xmin))::float8
         from intake.report r join notify.message m on m.subject = r.id and m.purpose = 'accepted' order by r.id",
    )
    .fetch_all(conn)
    .await?;
    Ok(seconds
        .into_iter()
        .map(|s| Duration::from_secs_f64(s.max(0.0)))
        .collect())
}
