//! From the commit of a report to the commit of its incident, by Postgres' own commit times, while a thousand reports a
//! second come for a minute and every role is on. They are stored by the statement that accepting uses, as many at a time
//! as accepting takes together; HTTP and look-ups are left out, since a driver of a thousand requests a second takes the
//! machine that is measured. The worker hears no bell then: it looks by itself.

use std::{collections::BTreeMap, time::Duration};

use chrono::Utc;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use relight_intake::{
    domain::{
        ReportId,
        place::{Place, Position},
        report::{Channel, Neighbours, Standing, Triage},
    },
    store::{
        accepted::{self, New},
        report::Report,
    },
};
use relight_policy::AreaClass;
use sqlx::{Connection, FromRow, PgConnection};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use super::{Options, Row, events::track_commits};
use crate::{
    house::House,
    server::{Given, Starter},
    statistics::{ms, per_s, percentile},
};

/// Towns of about 5,000 customers: twice as many customers as report.
const TOWNS: usize = 24;
const REPORTS: usize = 60_000;
const PER_S: usize = 1_000;
/// Stored in one transaction; accepting takes 64 together at the most.
const BATCH: usize = 50;
/// A fault begins within this time, and who is below it calls within the next, seconds.
const BEGINS_S: f64 = 45.0;
const CALLS_S: f64 = 15.0;
const SEED: u64 = 42;
/// Longest wait until every report has an incident.
const DRAIN_MAX: Duration = Duration::from_secs(60);

/// The engine moves reports later: what counts is the transaction that first gave one an incident.
const FIRST_LINKS: &str = "
    create schema bench;
    create table bench.linked (report_id uuid primary key);
    create function bench.note() returns trigger language plpgsql security definer as
        $$ begin insert into bench.linked select report_id from new_link; return null; end $$;
    create trigger bench_note after insert on intake.report_link referencing new table as new_link
        for each statement execute function bench.note();";

/// A customer without supply.
#[derive(Debug, Clone, FromRow)]
struct Caller {
    id: Uuid,
    customer_id: Uuid,
    external_id: String,
    transformer_id: String,
    lon: f64,
    lat: f64,
    area_class: String,
    org_path: String,
    zone: String,
}

/// One minute.
pub(super) async fn measure(given: &Given, options: &Options, starter: &Starter) -> anyhow::Result<Row> {
    track_commits(given, starter).await?;
    let house = House::build(given, "bench_grouping").await?;
    house.populate(TOWNS).await?;
    let mut conn = house.connect().await?;
    sqlx::raw_sql(FIRST_LINKS).execute(&mut conn).await?;
    let (faults, callers) = calls(&mut conn).await?;
    let relight = house.program.up(&house.log("up")).await?;
    // The start: networks load, readers and leases begin.
    sleep(options.round()).await;
    let taken = store(&mut conn, &callers).await?;
    let times = until_linked(&mut conn, callers.len()).await?;
    let incidents: i64 = sqlx::query_scalar("select count(*) from intake.incident")
        .fetch_one(&mut conn)
        .await?;
    anyhow::ensure!(
        relight.stop().await?.success(),
        "relight did not stop in good order"
    );
    Ok(Row::new(
        &format!(
            "report -> incident: commit -> commit, {} reports below {faults} transformers",
            times.len()
        ),
        "-",
        format!(
            "{:.0} reports/s; p50 {}, p99 {}, max {}; {incidents} incidents",
            per_s(callers.len(), taken),
            ms(percentile(&times, 50.0)),
            ms(percentile(&times, 99.0)),
            ms(percentile(&times, 100.0))
        ),
        "-",
        "1000/s, p99 < 1 s",
    ))
}

/// Whole transformers drawn until there are enough customers below them, in the order of their calls.
async fn calls(conn: &mut PgConnection) -> anyhow::Result<(usize, Vec<Caller>)> {
    let all: Vec<Caller> = sqlx::query_as(
        "select distinct on (p.customer_id) p.id, p.customer_id, p.external_id, p.transformer_id, p.lon, p.lat,
             p.area_class, p.org_path, p.zone
         from registry.service_point p where p.transformer_id is not null and p.in_service
         order by p.customer_id, p.external_id",
    )
    .fetch_all(conn)
    .await?;
    let mut below: BTreeMap<String, Vec<Caller>> = BTreeMap::new();
    for caller in all {
        below
            .entry(caller.transformer_id.clone())
            .or_default()
            .push(caller);
    }
    let mut random = StdRng::seed_from_u64(SEED);
    let mut faults: Vec<_> = below.into_values().collect();
    faults.shuffle(&mut random);
    let (mut count, mut timed) = (0, Vec::new());
    for fault in faults {
        if timed.len() >= REPORTS {
            break;
        }
        count += 1;
        let begins_s = random.random_range(0.0..BEGINS_S);
        timed.extend(
            fault
                .into_iter()
                .map(|caller| (begins_s + random.random_range(0.0..CALLS_S), caller)),
        );
    }
    anyhow::ensure!(timed.len() >= REPORTS, "only {} customers", timed.len());
    timed.sort_by(|a, b| a.0.total_cmp(&b.0));
    timed.truncate(REPORTS);
    Ok((count, timed.into_iter().map(|(_, caller)| caller).collect()))
}

/// Stores them at the rate, a batch in a transaction; gives the time it took.
async fn store(conn: &mut PgConnection, callers: &[Caller]) -> anyhow::Result<Duration> {
    let mut due = interval(Duration::from_secs(1) * u32::try_from(BATCH)? / u32::try_from(PER_S)?);
    // What is late is caught up with: the rate is part of the promise.
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let begun = Instant::now();
    for (n, batch) in callers.chunks(BATCH).enumerate() {
        due.tick().await;
        let reports: Vec<Report> = (n * BATCH..)
            .zip(batch)
            .map(|(number, caller)| report(number, caller))
            .collect();
        let new: Vec<New<'_>> = reports
            .iter()
            .map(|report| New {
                report,
                trace: String::new(),
            })
            .collect();
        let mut tx = conn.begin().await?;
        accepted::insert_all(&mut tx, &new).await?;
        tx.commit().await?;
    }
    Ok(begun.elapsed())
}

fn report(number: usize, caller: &Caller) -> Report {
    let now = Utc::now();
    let place = Place {
        service_point_id: Some(caller.id),
        customer_id: Some(caller.customer_id),
        load_id: Some(caller.external_id.clone()),
        transformer_id: Some(caller.transformer_id.clone()),
        area: AreaClass::parse(&caller.area_class),
        important: false,
        life_support: false,
        org_path: caller.org_path.clone(),
        zone: caller.zone.clone(),
        position: Some(Position {
            lon: caller.lon,
            lat: caller.lat,
        }),
    };
    Report {
        id: ReportId::new(),
        number: format!("bench-{number}"),
        accepted_at: now,
        received_at: now,
        channel: Channel::Hotline,
        actor: "bench".to_owned(),
        triage: Triage::New,
        hint: None,
        danger: false,
        danger_note: String::new(),
        note: String::new(),
        account: None,
        place,
        place_pending: false,
        name: None,
        phone: None,
        address: String::new(),
        language: String::new(),
        neighbours: Neighbours::Unknown,
        confidential: false,
        call_wanted: false,
        standing: Standing::Open,
    }
}

/// The time of each report, once all have an incident.
async fn until_linked(conn: &mut PgConnection, reports: usize) -> anyhow::Result<Vec<Duration>> {
    let begun = Instant::now();
    loop {
        let linked: i64 = sqlx::query_scalar("select count(*) from bench.linked")
            .fetch_one(&mut *conn)
            .await?;
        if usize::try_from(linked)? == reports {
            break;
        }
        anyhow::ensure!(
            begun.elapsed() < DRAIN_MAX,
            "{linked} of {reports} have an incident"
        );
        sleep(Duration::from_millis(500)).await;
    }
    let seconds: Vec<f64> = sqlx::query_scalar(
        "select extract(epoch from pg_xact_commit_timestamp(l.xmin) - pg_xact_commit_timestamp(r.xmin))::float8
         from bench.linked l join intake.report r on r.id = l.report_id",
    )
    .fetch_all(conn)
    .await?;
    Ok(seconds
        .into_iter()
        .map(|s| Duration::from_secs_f64(s.max(0.0)))
        .collect())
}
