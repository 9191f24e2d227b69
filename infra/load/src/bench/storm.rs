//! A real storm lived through again at many times its speed, everything on: nothing acknowledged may be lost.

use std::time::Duration;

use relight_testkit::{smsc::Smsc, smtp::SmtpSink};
use sqlx::PgConnection;
use tokio::time::Instant;

use super::{Options, Row};
use crate::{
    checks::{self, Check},
    house::House,
    lag,
    server::Given,
    statistics::{ms, percentile},
    storm::{Storm, replay},
};

/// Towns whose customers are enough for the storm.
const TOWNS: usize = 4;
/// Longest wait until everything is read.
const DRAIN_MAX: Duration = Duration::from_secs(300);
const DESK: &str = "load-desk";

/// Lives through it and checks every promise about what was acknowledged.
pub(super) async fn measure(given: &Given, options: &Options) -> anyhow::Result<Vec<Row>> {
    let what = format!("a real storm at {}x", options.speed);
    if !options.storm.exists() {
        let absent = format!("absent: there is no {}", options.storm.display());
        return Ok(vec![Row::new(&what, "-", absent, "-", "nothing lost")]);
    }
    let mut house = House::build(given, "bench_storm").await?;
    let county = house.populate(TOWNS).await?;
    house.person(DESK, "dispatcher").await?;
    let Some(storm) = Storm::read(&options.storm, usize::MAX, &county.accounts)? else {
        anyhow::bail!("{} is gone", options.storm.display());
    };
    let (smsc, smtp) = (Smsc::start().await?, SmtpSink::start().await?);
    house.program.set("SMS__ADDRESS", smsc.addr());
    house.program.set("MAIL__ADDRESS", smtp.addr());
    let relight = house.program.up(&house.log("up")).await?;
    let tokens = house
        .sign_in(&relight.address, options.connections().min(32))
        .await?;
    let desk = house.sign_in_as(&relight.address, DESK, 1).await?;
    let begun = Instant::now();
    let lived = replay(
        &relight.address,
        (&tokens, &desk[0]),
        &storm,
        f64::from(options.speed),
    )
    .await?;
    let taken = begun.elapsed();
    let mut conn = house.connect().await?;
    let drained = lag::drain(&mut conn, DRAIN_MAX).await?;
    let found = storm.promises(&mut conn, &lived).await?;
    println!("\n{}", checks::table(&found));
    anyhow::ensure!(
        drained.is_some(),
        "events were not read within {DRAIN_MAX:?} after the storm"
    );
    anyhow::ensure!(found.iter().all(Check::is_kept), "a promise is broken");
    anyhow::ensure!(
        relight.stop().await?.success(),
        "relight did not stop in good order"
    );
    let of = made(&mut conn).await?;
    Ok(vec![Row::new(
        &format!(
            "{what}: {} reports, {} words of meters in {:.0} s",
            lived.acknowledged.count(),
            lived.signals,
            taken.as_secs_f64()
        ),
        "-",
        format!(
            "due to answer p50 {} p99 {}; all read {:.1} s after; {of}; lost 0",
            ms(percentile(&lived.times, 50.0)),
            ms(percentile(&lived.times, 99.0)),
            drained.unwrap_or_default().as_secs_f64()
        ),
        "-",
        "nothing lost",
    )])
}

async fn made(conn: &mut PgConnection) -> anyhow::Result<String> {
    let (incidents, lone, closed): (i64, i64, i64) = sqlx::query_as(
        "select count(*), count(*) filter (where n = 1), count(*) filter (where state <> 'open')
         from (select i.state, count(l.report_id) as n from intake.incident i
             left join intake.report_link l on l.incident_id = i.id group by i.id) as i",
    )
    .fetch_one(conn)
    .await?;
    Ok(format!(
        "{incidents} incidents, {lone} of one report, {closed} ended"
    ))
}
