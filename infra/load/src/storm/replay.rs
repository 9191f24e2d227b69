//! Lives through a storm at a chosen speed, over HTTP, and counts from outside what was acknowledged.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use chrono::Utc;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use uuid::Uuid;

use super::{Moment, Storm};
use crate::{
    checks::Acknowledged,
    line::{Answer, Line},
    report::{self, PATH, Receipt},
};

/// The name under which the meters speak.
pub const SOURCE: &str = "storm";
/// Most signals of one batch.
const BATCH: usize = 1_000;
/// Between two tries when the answer names no time.
const AGAIN: Duration = Duration::from_millis(50);
/// After the last moment everything has to be acknowledged within this time.
const CALM_DOWN: Duration = Duration::from_secs(120);

/// What was seen from outside.
#[derive(Debug, Default)]
pub struct Lived {
    /// Answers to reports.
    pub acknowledged: Acknowledged,
    /// Signals that were taken.
    pub signals: usize,
    /// From when a report was due to its answer.
    pub times: Vec<Duration>,
    /// Answers that asked to send again, and connections that broke.
    pub again: usize,
}

/// One report to be made.
struct Job {
    due: Instant,
    account: String,
}

/// Reports through the edge at `address`, one line per token; `desk` is the session that passes on what meters say.
///
/// # Errors
/// A report or signal that is refused for another reason than load, or is not acknowledged in the end.
pub async fn replay(
    address: &str,
    (tokens, desk): (&[String], &str),
    storm: &Storm,
    speed: f64,
) -> anyhow::Result<Lived> {
    let begin = Instant::now();
    let due = |moment: &Moment| begin + moment.at.div_f64(speed);
    let end = begin + storm.length().div_f64(speed) + CALM_DOWN;
    let off = storm.moments.iter().filter(|moment| moment.is_off);
    let jobs = off.flat_map(|moment| {
        let due = due(moment);
        let accounts = moment.accounts.iter();
        accounts.map(move |account| Job {
            due,
            account: account.clone(),
        })
    });
    let (jobs, next): (Arc<Vec<Job>>, _) = (Arc::new(jobs.collect()), Arc::new(AtomicUsize::new(0)));
    let mut running = JoinSet::new();
    for token in tokens {
        let caller = Caller::new(address, token, end);
        running.spawn(caller.reports(jobs.clone(), next.clone()));
    }
    let back: Vec<(Instant, Vec<String>)> = storm
        .moments
        .iter()
        .filter(|moment| !moment.is_off)
        .map(|moment| (due(moment), moment.accounts.clone()))
        .collect();
    running.spawn(Caller::new(address, desk, end).meters(back));
    let mut lived = Lived::default();
    while let Some(done) = running.join_next().await {
        lived.add(done??);
    }
    Ok(lived)
}

impl Lived {
    fn add(&mut self, other: Lived) {
        let Acknowledged { reports, urges } = other.acknowledged;
        self.acknowledged.reports.extend(reports);
        self.acknowledged.urges.extend(urges);
        self.signals += other.signals;
        self.times.extend(other.times);
        self.again += other.again;
    }
}

/// One connection with a session.
struct Caller {
    line: Line,
    end: Instant,
    lived: Lived,
}

#[derive(Deserialize)]
struct Taken {
    taken: usize,
    repeated: usize,
    faults: Vec<serde_json::Value>,
}

impl Caller {
    fn new(address: &str, token: &str, end: Instant) -> Self {
        let mut line = Line::to(address);
        line.sign(token);
        Self {
            line,
            end,
            lived: Lived::default(),
        }
    }

    /// Makes reports as they fall due, until there are none.
    async fn reports(mut self, jobs: Arc<Vec<Job>>, next: Arc<AtomicUsize>) -> anyhow::Result<Lived> {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            sleep_until(job.due).await;
            let answer = self
                .until_taken(PATH, report::body(&job.account, "no light"))
                .await?;
            let receipt: Receipt = serde_json::from_slice(&answer.body)?;
            self.lived.times.push(job.due.elapsed());
            self.lived.acknowledged.put(receipt);
        }
        Ok(self.lived)
    }

    /// Passes on what meters say, everything that is due in one batch.
    async fn meters(mut self, back: Vec<(Instant, Vec<String>)>) -> anyhow::Result<Lived> {
        let mut back = back.into_iter().peekable();
        while let Some((due, mut accounts)) = back.next() {
            sleep_until(due).await;
            while let Some((_, more)) = back
                .next_if(|(due, more)| due.elapsed() > Duration::ZERO && accounts.len() + more.len() <= BATCH)
            {
                accounts.extend(more);
            }
            self.pass_on(&accounts).await?;
        }
        Ok(self.lived)
    }

    async fn pass_on(&mut self, accounts: &[String]) -> anyhow::Result<()> {
        let now = Utc::now();
        let signals: Vec<_> = accounts
            .iter()
            .map(|account| {
                json!({ "external_id": format!("back {account}"), "kind": "ping_on", "account": account, "at": now })
            })
            .collect();
        let body = serde_json::to_vec(&json!({ "source": SOURCE, "signals": signals }))?;
        let answer = self.until_taken("/api/v1/signals", Bytes::from(body)).await?;
        let taken: Taken = serde_json::from_slice(&answer.body)?;
        anyhow::ensure!(
            taken.faults.is_empty() && taken.taken + taken.repeated == accounts.len(),
            "{} of {} signals were taken: {:?}",
            taken.taken,
            accounts.len(),
            taken.faults.first()
        );
        self.lived.signals += accounts.len();
        Ok(())
    }

    /// The same command until it is acknowledged: broken connections and answers that ask for it are tried again.
    async fn until_taken(&mut self, path: &str, body: Bytes) -> anyhow::Result<Answer> {
        let id = Uuid::now_v7();
        loop {
            let answer = timeout_at(self.end, self.line.post(path, id, body.clone())).await;
            let wait = match answer {
                Err(_) => anyhow::bail!("{path}: not acknowledged in the end"),
                Ok(Ok(answer)) if answer.status.is_success() => return Ok(answer),
                Ok(Ok(answer))
                    if answer.status == StatusCode::TOO_MANY_REQUESTS || answer.status.is_server_error() =>
                {
                    answer.retry_after_s.map_or(AGAIN, Duration::from_secs)
                }
                Ok(Ok(answer)) => anyhow::bail!(
                    "{path}: {}: {}",
                    answer.status,
                    String::from_utf8_lossy(&answer.body)
                ),
                Ok(Err(_)) => AGAIN,
            };
            self.lived.again += 1;
            sleep(wait).await;
        }
    }
}
