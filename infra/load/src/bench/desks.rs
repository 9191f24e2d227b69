//! Agents at their desks, one connection each: as fast as answers come (closed loop), or at a given rate whatever the
//! answers do (open loop, times counted from when a report was due, so that waiting is not left out).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use hyper::StatusCode;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use uuid::Uuid;

use crate::{line::Line, report};

/// Accounts that have not reported yet.
#[derive(Debug, Clone)]
pub struct Callers {
    accounts: Arc<Vec<String>>,
    next: Arc<AtomicUsize>,
}

impl Callers {
    /// Everybody, in this order.
    pub fn new(accounts: Vec<String>) -> Self {
        Self {
            accounts: Arc::new(accounts),
            next: Arc::default(),
        }
    }

    /// How many reported.
    pub fn used(&self) -> usize {
        self.next.load(Ordering::Relaxed).min(self.accounts.len())
    }

    fn next(&self) -> anyhow::Result<Bytes> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        let account = self.accounts.get(at);
        let account = account
            .ok_or_else(|| anyhow::anyhow!("everybody has reported; use more --towns or fewer --seconds"))?;
        Ok(report::body(account, ""))
    }
}

/// What one round brought.
#[derive(Debug, Clone)]
pub struct Round {
    /// Time from sending (closed) or from when it was due (open) to the answer, of each accepted report.
    pub times: Vec<Duration>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
}

/// Desks with sessions.
pub struct Desks {
    lines: Vec<Line>,
}

impl Desks {
    /// `count` desks at `gateway`, sharing the sessions in turn.
    pub fn new(gateway: &str, tokens: &[String], count: usize) -> Self {
        let lines = tokens.iter().cycle().take(count).map(|token| {
            let mut line = Line::to(gateway);
            line.sign(token);
            line
        });
        Self {
            lines: lines.collect(),
        }
    }

    /// Everybody sends the next report when the last is answered, for `time`.
    ///
    /// # Errors
    /// When a report is not accepted.
    pub async fn closed(&mut self, callers: &Callers, time: Duration) -> anyhow::Result<Round> {
        let end = Instant::now() + time;
        self.each(callers, move |_| {
            let now = Instant::now();
            (now < end).then_some(now)
        })
        .await
    }

    /// `rate` reports a second for `time`.
    ///
    /// # Errors
    /// When a report is not accepted.
    pub async fn open(&mut self, callers: &Callers, rate: f64, time: Duration) -> anyhow::Result<Round> {
        let begun = Instant::now();
        self.each(callers, move |n| {
            let due = Duration::from_secs_f64(n as f64 / rate);
            (due < time).then(|| begun + due)
        })
        .await
    }

    /// Sends at the times `due` gives for 0, 1, 2, ... until it gives none.
    async fn each(
        &mut self,
        callers: &Callers,
        due: impl Fn(usize) -> Option<Instant> + Copy + Send + Sync + 'static,
    ) -> anyhow::Result<Round> {
        let begun = Instant::now();
        let sent = Arc::new(AtomicUsize::new(0));
        let mut desks = JoinSet::new();
        for line in self.lines.drain(..) {
            let (callers, sent) = (callers.clone(), sent.clone());
            desks.spawn(async move { desk(line, &callers, &sent, due).await });
        }
        let mut times = Vec::new();
        while let Some(desk) = desks.join_next().await {
            let (line, mut answered) = desk??;
            self.lines.push(line);
            times.append(&mut answered);
        }
        Ok(Round {
            times,
            elapsed: begun.elapsed(),
        })
    }
}

async fn desk(
    mut line: Line,
    callers: &Callers,
    sent: &AtomicUsize,
    due: impl Fn(usize) -> Option<Instant>,
) -> anyhow::Result<(Line, Vec<Duration>)> {
    let mut times = Vec::new();
    while let Some(due) = due(sent.fetch_add(1, Ordering::Relaxed)) {
        sleep_until(due).await;
        let answer = line.post(report::PATH, Uuid::now_v7(), callers.next()?).await?;
        let body = &answer.body;
        anyhow::ensure!(
            answer.status == StatusCode::CREATED,
            "a report was not accepted: {}: {}",
            answer.status,
            String::from_utf8_lossy(body)
        );
        times.push(due.elapsed());
    }
    Ok((line, times))
}
