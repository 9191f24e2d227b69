//! Durable fault reports through the gateway, consumers on, against `pgbench -N -c 16`.

use std::time::Duration;

use relight_testkit::{smsc::Smsc, smtp::SmtpSink};
use sqlx::PgConnection;
use tokio::{
    task::JoinHandle,
    time::{Instant, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    Options, Row,
    desks::{Callers, Desks, Round},
    pgbench,
};
use crate::{
    house::House,
    lag::{self, Lag},
    server::Given,
    statistics::{median, ms, per_s, percentile},
};

const PEER: &str = "bench_peer";
/// Longest wait until everything is read.
const DRAIN_MAX: Duration = Duration::from_secs(120);
/// Lag that grows by less than this share of the rate is noise of the sampling.
const GROWTH_NOISE: f64 = 0.05;
/// Before the first round: connections, plans and caches.
const WARM_UP: Duration = Duration::from_secs(2);

/// What one round of reports brought.
struct Measured {
    peer: f64,
    rate: f64,
    growth: f64,
    drained: Duration,
    through: f64,
}

/// Rounds in turn with the peer, then half the rate.
pub(super) async fn measure(given: &Given, options: &Options) -> anyhow::Result<Vec<Row>> {
    let mut house = House::build(given, "bench_reports").await?;
    let county = house.populate(options.towns()).await?;
    pgbench::prepare(given, PEER).await?;
    let (smsc, smtp) = (Smsc::start().await?, SmtpSink::start().await?);
    house.program.set("SMS__ADDRESS", smsc.addr());
    house.program.set("MAIL__ADDRESS", smtp.addr());
    let relight = house.program.up(&house.log("up")).await?;
    let tokens = house
        .sign_in(&relight.address, options.connections().min(32))
        .await?;
    let callers = Callers::new(county.accounts);
    let mut desks = Desks::new(&relight.address, &tokens, options.connections());
    let mut conn = house.connect().await?;

    desks.closed(&callers, WARM_UP).await?;
    let mut rounds = Vec::new();
    for n in 1..=options.rounds {
        let peer = pgbench::commits_per_s(given, PEER, options.round()).await?;
        let round = one_round(&house, &mut desks, &callers, &mut conn, options.round(), peer).await?;
        println!(
            "reports, round {n}: pgbench {peer:.0}/s, accepted {:.0}/s, lag {:+.0}/s, all read {:.1} s later",
            round.rate,
            round.growth,
            round.drained.as_secs_f64()
        );
        rounds.push(round);
    }
    let half = middle(&rounds, |round| round.rate) / 2.0;
    let mut desks = Desks::new(&relight.address, &tokens, 2 * options.connections());
    let paced = desks.open(&callers, half, options.round()).await?;
    lag::drain(&mut conn, DRAIN_MAX).await?;
    let counts = counts(&mut conn, &callers).await?;
    println!(
        "reports: {counts}; {} texts and {} mails reached the providers",
        smsc.texts().all().len(),
        smtp.mails().all().len()
    );
    anyhow::ensure!(
        relight.stop().await?.success(),
        "relight did not stop in good order"
    );
    Ok(rows(options, &rounds, half, &paced))
}

async fn one_round(
    house: &House,
    desks: &mut Desks,
    callers: &Callers,
    conn: &mut PgConnection,
    time: Duration,
    peer: f64,
) -> anyhow::Result<Measured> {
    let watch = Watch::start(house.connect().await?);
    let round = desks.closed(callers, time).await?;
    let growth = watch.growth().await?;
    let begun = Instant::now();
    let drained = lag::drain(conn, DRAIN_MAX).await?;
    anyhow::ensure!(
        drained.is_some(),
        "events were not read within {DRAIN_MAX:?} after the load"
    );
    let drained = begun.elapsed();
    Ok(Measured {
        peer,
        rate: per_s(round.times.len(), round.elapsed),
        growth,
        drained,
        through: per_s(round.times.len(), round.elapsed + drained),
    })
}

fn rows(options: &Options, rounds: &[Measured], half: f64, paced: &Round) -> Vec<Row> {
    let (peer, rate) = (middle(rounds, |r| r.peer), middle(rounds, |r| r.rate));
    let growth = middle(rounds, |r| r.growth);
    let through = middle(rounds, |r| r.through);
    let ratio = |of: fn(&Measured) -> f64| middle(rounds, |r| of(r) / r.peer);
    let grows = if growth > GROWTH_NOISE * rate {
        "grows"
    } else {
        "does not grow"
    };
    let what = format!(
        "durable reports through the gateway, {} connections",
        options.connections
    );
    let peer = format!("pgbench -N -c {}: {peer:.0} commits/s", pgbench::CLIENTS);
    vec![
        Row::new(
            &what,
            peer.clone(),
            format!("{rate:.0}/s; lag {growth:+.0}/s: {grows}"),
            format!("{:.2}", ratio(|r| r.rate)),
            ">= 0.25, stretch 0.5, lag not growing",
        ),
        Row::new(
            "the same, until every consumer has read it",
            peer,
            format!(
                "{through:.0}/s; {:.1} s after the last report",
                middle(rounds, |r| r.drained.as_secs_f64())
            ),
            format!("{:.2}", ratio(|r| r.through)),
            "(what lasts for ever)",
        ),
        Row::new(
            &format!("answer to a report at half of that, {half:.0}/s, open loop"),
            "-",
            format!(
                "p50 {}, p99 {}",
                ms(percentile(&paced.times, 50.0)),
                ms(percentile(&paced.times, 99.0))
            ),
            "-",
            "p99 < 50 ms",
        ),
    ]
}

fn middle(rounds: &[Measured], of: impl Fn(&Measured) -> f64) -> f64 {
    median(&rounds.iter().map(of).collect::<Vec<_>>())
}

/// What came of the load, so that a driver that sends nothing shows.
async fn counts(conn: &mut PgConnection, callers: &Callers) -> anyhow::Result<String> {
    let (reports, incidents, off, messages): (i64, i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from intake.report), (select count(*) from intake.incident where state = 'open'),
                (select count(*) from insight.interruption_open), (select count(*) from notify.message)",
    )
    .fetch_one(conn)
    .await?;
    anyhow::ensure!(
        usize::try_from(reports)? == callers.used(),
        "{} reports sent, {reports} stored",
        callers.used()
    );
    Ok(format!(
        "{reports} reports, {incidents} open incidents, {off} customers off in the ledger, {messages} messages"
    ))
}

/// Looks at the lag while the load runs.
struct Watch {
    stop: CancellationToken,
    task: JoinHandle<sqlx::Result<Vec<(Instant, Lag)>>>,
}

impl Watch {
    fn start(mut conn: PgConnection) -> Self {
        let stop = CancellationToken::new();
        let until = stop.clone();
        let task = tokio::spawn(async move {
            let (mut seen, mut ticks) = (Vec::new(), interval(Duration::from_millis(250)));
            while !until.is_cancelled() {
                ticks.tick().await;
                seen.push((Instant::now(), lag::look(&mut conn).await?));
            }
            Ok(seen)
        });
        Self { stop, task }
    }

    /// Events per second by which the lag grew over the second half.
    async fn growth(self) -> anyhow::Result<f64> {
        self.stop.cancel();
        let seen = self.task.await??;
        let late = &seen[seen.len() / 2..];
        Ok(slope(late))
    }
}

/// Least squares.
fn slope(seen: &[(Instant, Lag)]) -> f64 {
    let Some((first, _)) = seen.first() else {
        return 0.0;
    };
    let points: Vec<_> = seen
        .iter()
        .map(|(at, lag)| ((*at - *first).as_secs_f64(), lag.total() as f64))
        .collect();
    let n = points.len() as f64;
    let mean_x = points.iter().map(|p| p.0).sum::<f64>() / n;
    let mean_y = points.iter().map(|p| p.1).sum::<f64>() / n;
    let over: f64 = points.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
    let under: f64 = points.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
    if under > 0.0 { over / under } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_lag_that_grows_by_ten_a_second_is_ten() {
        let begun = Instant::now();
        let at = |s: u64| {
            let unread = i64::try_from(s).expect("small") * 10;
            (
                begun + Duration::from_secs(s),
                Lag {
                    unread,
                    ..Lag::default()
                },
            )
        };
        assert!((slope(&[at(0), at(1), at(2), at(5)]) - 10.0).abs() < 1e-9);
        assert_eq!(slope(&[]), 0.0);
    }
}
