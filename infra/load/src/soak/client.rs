//! One client: reports at its pace, repeats itself, loses answers, reuses ids, and never gives up before it is told
//! that its report is taken.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::StatusCode;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use super::{
    counter::{self, Counter},
    pair::{BOTH, Pair},
};
use crate::{
    line::{Answer, Line},
    report::{self, PATH, Receipt},
};

/// Longest time before an answer is thrown away, milliseconds.
const IMPATIENCE_MAX_MS: u64 = 30;

/// A client with a connection to each process.
pub(super) struct Client {
    random: StdRng,
    lines: [Line; BOTH],
    pair: Arc<Pair>,
    counter: Arc<Counter>,
    give_up: Instant,
}

/// One command.
struct Command {
    id: Uuid,
    account: String,
    body: Bytes,
}

impl Command {
    fn new(account: &str) -> Self {
        Self {
            id: Uuid::now_v7(),
            account: account.to_owned(),
            body: report::body(account, "no light"),
        }
    }
}

impl Client {
    pub(super) fn new(seed: u64, token: &str, pair: Arc<Pair>, counter: Arc<Counter>) -> Self {
        // Where they call is told before each call.
        let lines = [0; BOTH].map(|_| {
            let mut line = Line::to("");
            line.sign(token);
            line
        });
        Self {
            random: StdRng::seed_from_u64(seed),
            lines,
            pair,
            counter,
            give_up: Instant::now(),
        }
    }

    /// Reports for these accounts until `end`; what was begun is seen through until `give_up`.
    pub(super) async fn run(
        mut self,
        accounts: Vec<String>,
        every: Duration,
        end: Instant,
        give_up: Instant,
    ) {
        self.give_up = give_up;
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for account in accounts {
            ticks.tick().await;
            if Instant::now() >= end {
                return;
            }
            self.report(&account).await;
        }
    }

    async fn report(&mut self, account: &str) {
        let command = Command::new(account);
        match self.random.random_range(0..100) {
            0..12 => self.lose_the_answer(&command).await,
            12..21 => return self.at_once(&command).await,
            _ => {}
        }
        let Some(first) = self.until_acknowledged(&command).await else {
            return;
        };
        match self.random.random_range(0..100) {
            0..15 => self.again(&command, &first).await,
            15..25 => self.other_body(&command).await,
            25..31 => {
                let urge = Command::new(account);
                self.until_acknowledged(&urge).await;
            }
            _ => {}
        }
    }

    /// Sends, hangs up before or after the answer, up to three times.
    async fn lose_the_answer(&mut self, command: &Command) {
        for _ in 0..self.random.random_range(1..=3) {
            let patience = Duration::from_millis(self.random.random_range(0..IMPATIENCE_MAX_MS));
            if let Some(line) = self.line().await {
                line.post_and_hang_up(PATH, command.id, command.body.clone(), patience)
                    .await;
                self.counter.count(counter::THROWN_AWAY);
            }
        }
    }

    /// The same command to both processes in the same moment.
    async fn at_once(&mut self, command: &Command) {
        let Some(addresses) = self.pair.both() else {
            self.until_acknowledged(command).await;
            return;
        };
        let [one, other] = &mut self.lines;
        one.turn_to(&addresses[0]);
        other.turn_to(&addresses[1]);
        let body = || command.body.clone();
        let answers = tokio::join!(
            one.post(PATH, command.id, body()),
            other.post(PATH, command.id, body())
        );
        let Some(first) = self.until_acknowledged(command).await else {
            return;
        };
        for answer in [answers.0, answers.1].into_iter().flatten() {
            if answer.status.is_success() {
                self.compare(command, &first, &answer);
            } else {
                self.counter.status(answer.status.as_u16());
            }
        }
    }

    /// The same command once more, to whichever process.
    async fn again(&mut self, command: &Command, first: &Value) {
        if let Some(answer) = self.answered(command, command.body.clone()).await {
            self.compare(command, first, &answer);
        }
    }

    fn compare(&self, command: &Command, first: &Value, answer: &Answer) {
        self.counter.count(counter::REPEATED);
        if json(answer).as_ref() != Some(first) {
            let said = String::from_utf8_lossy(&answer.body);
            self.counter
                .unequal(format!("{}: {} instead of {first}", command.id, said));
        }
    }

    /// The id again with another body.
    async fn other_body(&mut self, command: &Command) {
        let body = report::body(&command.account, "something else");
        if let Some(answer) = self.answered(command, body).await {
            self.counter.count(counter::OTHER_BODY);
            if answer.status != StatusCode::BAD_REQUEST && answer.status != StatusCode::UNPROCESSABLE_ENTITY {
                self.counter.taken(format!("{}: {}", command.id, answer.status));
            }
        }
    }

    /// Sends until it is acknowledged, counts the answer and gives it back; none when it was refused or time is over.
    async fn until_acknowledged(&mut self, command: &Command) -> Option<Value> {
        let answer = self.answered(command, command.body.clone()).await?;
        let said = || {
            format!(
                "{}: {}: {}",
                command.id,
                answer.status,
                String::from_utf8_lossy(&answer.body)
            )
        };
        let Some((first, receipt)) = answer
            .status
            .is_success()
            .then(|| receipt(command, &answer))
            .flatten()
        else {
            self.counter.refused(said());
            return None;
        };
        self.counter.acknowledge(receipt);
        Some(first)
    }

    /// Sends until the answer is one that stays: success, or a refusal that would come again.
    async fn answered(&mut self, command: &Command, body: Bytes) -> Option<Answer> {
        while Instant::now() < self.give_up {
            let answer = match self.line().await {
                Some(line) => line.post(PATH, command.id, body.clone()).await,
                None => continue,
            };
            match answer {
                Ok(answer) if is_passing(answer.status) => self.counter.status(answer.status.as_u16()),
                Ok(answer) => return Some(answer),
                Err(_) => self.counter.count(counter::BROKEN),
            }
            sleep(Duration::from_millis(self.random.random_range(20..300))).await;
        }
        self.counter.given_up(command.id.to_string());
        None
    }

    /// A connection to a process that lives, or none after a short wait.
    async fn line(&mut self) -> Option<&mut Line> {
        let first = self.random.random_range(0..BOTH);
        let living = [first, (first + 1) % BOTH]
            .into_iter()
            .find_map(|n| Some((n, self.pair.address(n)?)));
        match living {
            Some((n, address)) => {
                self.lines[n].turn_to(&address);
                Some(&mut self.lines[n])
            }
            None => {
                sleep(Duration::from_millis(100)).await;
                None
            }
        }
    }
}

/// Answers that mean: send the same thing again.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        )
}

fn json(answer: &Answer) -> Option<Value> {
    serde_json::from_slice(&answer.body).ok()
}

fn receipt(command: &Command, answer: &Answer) -> Option<(Value, Receipt)> {
    let value = json(answer)?;
    let mut whole = value.clone();
    whole["account"] = Value::String(command.account.clone());
    Some((value, serde_json::from_value(whole).ok()?))
}
