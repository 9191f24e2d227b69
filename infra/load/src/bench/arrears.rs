//! A night's feed over every account, and payments by day that end cases whose crew is on its way.

mod crews;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use relight_arrears::domain::{
    State,
    case::{Approval, Basis, Notice, PreNotice, Proposal, Reminder, Served as Handed},
    proof::{Method, Proof},
};
use relight_common::{
    Claims,
    claims::{Grant, Role},
    grpc::Outgoing,
    wire::timestamp,
};
use relight_proto::arrears::v1::{
    Balance, Bill, FeedLine, FeedRequest, FeedResult, Payment, arrears_client::ArrearsClient, feed_line::What,
};
use sqlx::PgConnection;
use tokio::{task::JoinSet, time::sleep_until};
use uuid::Uuid;

use super::{Options, Row, events::track_commits, floor, served::Served};
use crate::{
    house::House,
    lag,
    server::{Given, Starter},
    statistics::{ms, percentile},
};

/// Lines of one request.
const LINES: usize = 1_000;
/// Requests at one time: billing sends a few files.
const FEEDERS: usize = 4;
/// One account in so many owes.
const OWING: usize = 20;
/// One debt in so many is old enough to be cut for; the others are past their day and not old enough yet. Of debts spread
/// evenly over a month and more about as many come of age in one night.
const OLD: usize = 50;
/// One warned case in so many has an order of dispatch and a crew on its way.
const ORDERED: usize = 5;
/// Payments a second.
const PAYMENTS: f64 = 500.0;
/// Callers that pay.
const TILLS: usize = 64;
const DEBT: i64 = 50_000;
/// Longest wait until the events of the nights are read.
const READ_WITHIN: Duration = Duration::from_secs(300);

/// The feed of two nights, then payments.
pub(super) async fn measure(given: &Given, options: &Options, starter: &Starter) -> anyhow::Result<Vec<Row>> {
    track_commits(given, starter).await?;
    let accounts = usize::try_from(options.accounts).expect("a few millions at most");
    let mut house = House::build(given, "bench_arrears").await?;
    let served = Served::start(given, &mut house).await?;
    let mut conn = house.connect().await?;
    fill(&mut conn, accounts).await?;
    let begun = Utc::now();
    let opening = night(&served, accounts, begun - TimeDelta::hours(2)).await?;
    remind(&mut conn).await?;
    let again = night(&served, accounts, begun - TimeDelta::hours(1)).await?;
    judged(&mut conn, accounts).await?;
    println!(
        "arrears: {accounts} accounts, first night {:.1} s ({} cases opened), next night {:.1} s",
        opening.as_secs_f64(),
        accounts / OWING,
        again.as_secs_f64()
    );
    let state = warned(Utc::now());
    let cases = warn(&mut conn, &state).await?;
    let payments = payments(cases, options.round());
    let ordered: Vec<String> = (0..payments)
        .step_by(ORDERED)
        .map(|n| account(n * OWING))
        .collect();
    crews::send(&served, &mut conn, &ordered, &state).await?;
    morning(&mut conn).await?;
    let began = Utc::now();
    let paid = pay(&served, payments).await?;
    let stopped = stopped(&mut conn, &ordered, began).await?;
    floor::prepare(&mut conn, accounts).await?;
    let floor_night = floor::night(&house, accounts, (LINES, FEEDERS)).await?;
    let floor_paid = floor::payments(&house, (paid.len(), PAYMENTS), TILLS).await?;
    let cancelled: i64 =
        sqlx::query_scalar("select count(*) from arrears.debt_case where state = 'settled_before'")
            .fetch_one(&mut conn)
            .await?;
    anyhow::ensure!(
        usize::try_from(cancelled)? == paid.len(),
        "{cancelled} cases ended by {} payments",
        paid.len()
    );
    anyhow::ensure!(
        served.relight.stop().await?.success(),
        "relight did not stop in good order"
    );
    Ok(vec![
        Row::new(
            &format!("nightly feed, {accounts} accounts evaluated again, {FEEDERS} at a time"),
            format!("plain rows in Postgres {:.1} s", floor_night.as_secs_f64()),
            format!(
                "{:.1} s (first night {:.1} s)",
                again.as_secs_f64(),
                opening.as_secs_f64()
            ),
            format!("{:.1}x", again.as_secs_f64() / floor_night.as_secs_f64()),
            "< 60 s",
        ),
        Row::new(
            &format!("{PAYMENTS:.0} payments/s, the crew's leave void, p50 / p99"),
            format!(
                "plain rows in Postgres {} / {}",
                ms(percentile(&floor_paid, 50.0)),
                ms(percentile(&floor_paid, 99.0))
            ),
            format!(
                "{} / {} of {}",
                ms(percentile(&paid, 50.0)),
                ms(percentile(&paid, 99.0)),
                paid.len()
            ),
            format!(
                "{:.1}x at p99",
                percentile(&paid, 99.0).as_secs_f64() / percentile(&floor_paid, 99.0).as_secs_f64()
            ),
            "p99 < 1 s",
        ),
        Row::new(
            &format!(
                "the same, from the payment to the crew's order withdrawn (one case in {ORDERED}), p50 / p99"
            ),
            "-",
            format!(
                "{} / {} of {}",
                ms(percentile(&stopped, 50.0)),
                ms(percentile(&stopped, 99.0)),
                stopped.len()
            ),
            "-",
            "p99 < 1 s",
        ),
    ])
}

fn account(n: usize) -> String {
    format!("B-{n:07}")
}

/// The accounts as registry told of them when each came for the first time.
async fn fill(conn: &mut PgConnection, accounts: usize) -> anyhow::Result<()> {
    sqlx::query(
        "insert into arrears.account (id, account, account_key, customer_id, service_point_id, org_path, zone, meter_no, class)
         select gen_random_uuid(), 'B-' || lpad(n::text, 7, '0'), 'b-' || lpad(n::text, 7, '0'), gen_random_uuid(),
             gen_random_uuid(), 'bench/city', 'Asia/Shanghai', 'M-' || n, 'ordinary'
         from generate_series(0, $1::bigint - 1) n",
    )
    .bind(i64::try_from(accounts)?)
    .execute(&mut *conn)
    .await?;
    sqlx::query("analyze arrears.account").execute(conn).await?;
    Ok(())
}

/// Every account's balance, once.
async fn night(served: &Served, accounts: usize, as_of: DateTime<Utc>) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let mut feeders = JoinSet::new();
    for _ in 0..FEEDERS {
        let (mut client, peers) = (client(served), served.peers.clone());
        let next = Arc::clone(&next);
        feeders.spawn(async move {
            let mut fed = 0;
            loop {
                let first = next.fetch_add(LINES, Ordering::Relaxed);
                if first >= accounts {
                    return anyhow::Ok(fed);
                }
                let lines = (first..accounts.min(first + LINES)).map(|n| balance(n, as_of));
                let ask = FeedRequest {
                    command_id: Uuid::now_v7().to_string(),
                    source: "bench".to_owned(),
                    lines: lines.collect(),
                };
                let results = client
                    .feed(peers.request(ask, &billing()))
                    .await?
                    .into_inner()
                    .results;
                fed += results.iter().filter(|result| result.outcome == "taken").count();
            }
        });
    }
    let mut fed = 0;
    while let Some(feeder) = feeders.join_next().await {
        fed += feeder??;
    }
    anyhow::ensure!(fed == accounts, "{fed} of {accounts} lines were taken");
    Ok(begun.elapsed())
}

/// The billing system's account. Its token lives 60 s, so each request has its own, as at the gateway.
fn billing() -> Claims {
    let grant = Grant {
        role: Role::Admin,
        org_path: String::new(),
    };
    Claims::of(Uuid::from_u128(1).to_string(), vec![grant])
}

fn client(served: &Served) -> ArrearsClient<Outgoing> {
    ArrearsClient::new(served.peers.to("arrears"))
}

fn balance(n: usize, as_of: DateTime<Utc>) -> FeedLine {
    let owes = n.is_multiple_of(OWING);
    let overdue = if is_old(n) { 40 } else { 20 };
    let due_on = (as_of - TimeDelta::days(overdue)).date_naive().to_string();
    let bill = Bill {
        period: "2026-05".to_owned(),
        amount_cents: DEBT,
        late_fee_cents: 0,
        due_on: due_on.clone(),
    };
    FeedLine {
        external_id: format!("{n}@{}", as_of.timestamp()),
        account: account(n),
        what: Some(What::Balance(Balance {
            balance_cents: if owes { DEBT } else { 0 },
            as_of: Some(timestamp(as_of)),
            due_on: if owes { due_on } else { String::new() },
            bills: if owes { vec![bill] } else { Vec::new() },
        })),
    }
}

/// Whether the debt of this account is old enough to be cut for.
fn is_old(n: usize) -> bool {
    (n / OWING).is_multiple_of(OLD)
}

/// Every debtor was reminded by day: with the next balance the policy is asked about each whether the debt is old enough.
async fn remind(conn: &mut PgConnection) -> anyhow::Result<()> {
    let state = State::Reminded {
        reminder: Reminder {
            at: Utc::now() - TimeDelta::days(9),
            channel: "phone".to_owned(),
            record: "1".to_owned(),
            call: None,
            photo_sha256: None,
        },
    };
    sqlx::query(
        "update arrears.debt_case set state = 'reminded', doc = jsonb_set(doc, '{state}', $1), version = version + 1",
    )
    .bind(serde_json::to_value(state)?)
    .execute(&mut *conn)
    .await?;
    sqlx::query("analyze arrears.debt_case").execute(conn).await?;
    Ok(())
}

/// The second night decided about every case: the old ones moved, the others stayed.
async fn judged(conn: &mut PgConnection, accounts: usize) -> anyhow::Result<()> {
    let owing = (0..accounts).step_by(OWING);
    let old = i64::try_from(owing.filter(|n| is_old(*n)).count())?;
    let eligible: i64 = sqlx::query_scalar("select count(*) from arrears.debt_case where state = 'eligible'")
        .fetch_one(conn)
        .await?;
    anyhow::ensure!(
        eligible == old,
        "{eligible} of {old} old debts were found old enough"
    );
    Ok(())
}

/// Every open case stands at its last warning, with leave given to a crew. Returns how many there are.
async fn warn(conn: &mut PgConnection, state: &State) -> anyhow::Result<usize> {
    sqlx::query(
        "update arrears.debt_case set state = 'pre_noticed', doc = jsonb_set(doc, '{state}', $1), version = version + 1",
    )
    .bind(serde_json::to_value(state)?)
    .execute(&mut *conn)
    .await?;
    let given = sqlx::query(
        "insert into arrears.release (id, case_id, hash, meter_no, made_at, expires_at)
         select gen_random_uuid(), id, sha256(id::text::bytea), doc ->> 'meter_no', now(), now() + interval '5 minutes'
         from arrears.debt_case",
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query("analyze arrears.debt_case").execute(conn).await?;
    Ok(usize::try_from(given.rows_affected())?)
}

/// Payments come by day: hours after the night everybody has read its events and the tables are swept, which here would
/// fall into the few seconds that are measured.
async fn morning(conn: &mut PgConnection) -> anyhow::Result<()> {
    let begun = Instant::now();
    let read = lag::drain(conn, READ_WITHIN).await?;
    anyhow::ensure!(
        read.is_some(),
        "the events of the nights are not read after minutes"
    );
    sqlx::query("vacuum analyze arrears.account, arrears.feed_line, arrears.debt_case, arrears.release")
        .execute(conn)
        .await?;
    println!(
        "arrears: read and swept {:.1} s after the nights",
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

fn warned(now: DateTime<Utc>) -> State {
    let before = now - TimeDelta::days(8);
    let somebody = || "bench".to_owned();
    let notice = Notice {
        number: "T-20260101-0001".to_owned(),
        issued_at: before,
        issuer: somebody(),
        stop_at: now + TimeDelta::minutes(30),
        amount_cents: DEBT,
        serve_from: before,
        serve_by: before,
        overdue: None,
    };
    let proof = Proof {
        method: Method::PostedWithWitness,
        served_at: before,
        server: somebody(),
        server_name: somebody(),
        position: Some((120.0, 30.0)),
        photo_sha256: Some("ab".repeat(32)),
        received_by: Some(somebody()),
        signature_sha256: None,
        witness: Some("zhou".to_owned()),
        record: None,
        call: None,
    };
    let basis = Basis {
        reminder: Reminder {
            at: before,
            channel: "phone".to_owned(),
            record: "1".to_owned(),
            call: None,
            photo_sha256: None,
        },
        proposal: Proposal {
            author: somebody(),
            reason: somebody(),
        },
        approval: Approval {
            approver: "hu".to_owned(),
            approver_name: somebody(),
            manager: false,
            at: before,
            exception: None,
        },
    };
    State::PreNoticed {
        served: Handed {
            basis,
            notice,
            proof,
            all: Vec::new(),
            filing: None,
            occupants: None,
            opens_at: now - TimeDelta::hours(1),
            ends_at: now + TimeDelta::hours(8),
        },
        pre_notice: PreNotice {
            at: now,
            channel: "phone".to_owned(),
            record: "2".to_owned(),
            by: somebody(),
            by_name: somebody(),
            call: None,
            photo_sha256: None,
            witness: None,
        },
    }
}

/// Payments of single accounts at a steady rate, each counted from when it was due to the answer: the case is settled and
/// the crew's leave void by then.
async fn pay(served: &Served, payments: usize) -> anyhow::Result<Vec<Duration>> {
    let begun = tokio::time::Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let mut tills = JoinSet::new();
    for _ in 0..TILLS {
        let (mut client, peers) = (client(served), served.peers.clone());
        let next = Arc::clone(&next);
        tills.spawn(async move {
            let mut times = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let due = due_after(n);
                if n >= payments {
                    return anyhow::Ok(times);
                }
                sleep_until(begun + due).await;
                let reply = client
                    .feed(peers.request(payment(n), &billing()))
                    .await?
                    .into_inner();
                check(reply.results.first())?;
                times.push((begun + due).elapsed());
            }
        });
    }
    let mut times = Vec::new();
    while let Some(till) = tills.join_next().await {
        times.extend(till??);
    }
    times.sort_unstable();
    Ok(times)
}

/// How many payments come in that time, of as many cases at most.
fn payments(cases: usize, time: Duration) -> usize {
    cases.min((time.as_secs_f64() * PAYMENTS) as usize)
}

/// When the n-th payment is due.
fn due_after(n: usize) -> Duration {
    Duration::from_secs_f64(n as f64 / PAYMENTS)
}

/// How long after its payment was due each order was withdrawn from the crew that had it.
async fn stopped(
    conn: &mut PgConnection,
    ordered: &[String],
    began: DateTime<Utc>,
) -> anyhow::Result<Vec<Duration>> {
    let read = lag::drain(conn, READ_WITHIN).await?;
    anyhow::ensure!(
        read.is_some(),
        "the events of the payments are not read after minutes"
    );
    let withdrawn = crews::withdrawn(conn, ordered).await?;
    anyhow::ensure!(
        withdrawn.len() == ordered.len(),
        "{} of {} orders were withdrawn",
        withdrawn.len(),
        ordered.len()
    );
    let no_of = |paid: &str| ordered.iter().position(|account| account == paid);
    let after = withdrawn.iter().filter_map(|(paid, at)| {
        let due = began + TimeDelta::from_std(due_after(no_of(paid)? * ORDERED)).ok()?;
        Some((*at - due).to_std().unwrap_or_default())
    });
    let mut after: Vec<Duration> = after.collect();
    after.sort_unstable();
    Ok(after)
}

fn payment(n: usize) -> FeedRequest {
    FeedRequest {
        command_id: Uuid::now_v7().to_string(),
        source: "bench-till".to_owned(),
        lines: vec![FeedLine {
            external_id: n.to_string(),
            account: account(n * OWING),
            what: Some(What::Payment(Payment {
                amount_cents: DEBT,
                paid_at: Some(timestamp(Utc::now())),
            })),
        }],
    }
}

fn check(result: Option<&FeedResult>) -> anyhow::Result<()> {
    anyhow::ensure!(
        result.is_some_and(|result| result.outcome == "taken" && result.balance_cents == 0),
        "a payment was not taken: {result:?}"
    );
    Ok(())
}
