//! Is supply really back? Draws the sample of a restoration, tells notify whom to ask, and takes in what they answer. All of it
//! in the transaction of what caused it: an event told twice asks nobody twice.

mod answers;
mod draw;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{
    Work,
    timer::{Handler, Timer},
    wire::timestamp,
};
use relight_proto::events::v1::{RestorationQuestion, restoration_question};
use uuid::Uuid;

pub(crate) use self::{
    answers::{Answer, answered, heard, late},
    draw::draw,
};
use crate::{
    desk::Desk,
    domain::check::sample::Rules,
    error::Error,
    store::check::{self as store, Check, Row},
};

/// The timer of a check: a stage of it is over. Its subject is the check.
pub(crate) const LATE: &str = "restoration.check";
/// Source of evidence that people said.
pub(crate) const BY_ANSWER: &str = "answer";
/// Customers in one question.
const TOLD_MAX: usize = 500;

/// The numbers of a check, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// How many are asked. None at most: nobody is.
    pub rules: Rules,
    /// Neighbours of a meter that says "off" who are asked too.
    pub widen: usize,
    /// How long a meter has to answer.
    pub ping_wait: TimeDelta,
    /// Nobody is asked by text sooner after the restoration: who is still off may call.
    pub ask_after: TimeDelta,
    /// How long a text has to be answered.
    pub answer_wait: TimeDelta,
    /// A meter that spoke within this time can be pinged.
    pub heard: TimeDelta,
    /// How often one service point is asked in a day.
    pub per_day: u32,
}

/// Fires the timers of intake.
#[derive(Debug, Clone)]
pub struct Timers {
    desk: Arc<Desk>,
}

impl Timers {
    /// For this desk.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }
}

impl Handler for Timers {
    type Error = Error;

    async fn fire(&self, work: &mut Work, timer: &Timer) -> Result<(), Error> {
        match timer.kind.as_str() {
            LATE => late(&self.desk, work, timer.subject).await,
            // A kind of a later release that runs beside this one: an error puts it off until that one takes it.
            _ => Err(Error::Stored("timer of a kind this release does not know")),
        }
    }
}

/// Tells whom to ask, and whom not any more: at most [`TOLD_MAX`] in one question.
async fn tell(
    desk: &Desk,
    work: &mut Work,
    check: &Check,
    ask: &[&Row],
    settled: &[Uuid],
) -> Result<(), Error> {
    let parts = ask.len().div_ceil(TOLD_MAX).max(settled.len().div_ceil(TOLD_MAX));
    for part in 0..parts {
        let asked = ask.iter().skip(part * TOLD_MAX).take(TOLD_MAX);
        let until = asked.clone().map(|row| row.due_at).max();
        let settled = settled.iter().skip(part * TOLD_MAX).take(TOLD_MAX);
        let told = store::next_question(work.conn(), check.id).await?;
        let question = RestorationQuestion {
            check_id: check.id.to_string(),
            incident_id: check.incident.to_string(),
            restored_at: Some(timestamp(check.restored_at)),
            not_before: Some(timestamp(told.created_at + desk.numbers_of.checks.ask_after)),
            asked: asked.filter_map(|row| asked_of(row)).collect(),
            settled_ids: settled.map(Uuid::to_string).collect(),
            answer_until: Some(timestamp(until.unwrap_or(told.created_at))),
            zone: told.zone,
        };
        work.tell(
            "restoration.question",
            check.id,
            told.version,
            &told.org_path,
            &question,
        );
    }
    Ok(())
}

fn asked_of(row: &Row) -> Option<restoration_question::Asked> {
    Some(restoration_question::Asked {
        asked_id: row.id.to_string(),
        customer_id: row.customer?.to_string(),
        night: row.night,
    })
}

/// Wakes the check when its next stage is over.
async fn wake(work: &mut Work, check: Uuid) -> Result<(), Error> {
    match store::next_due(work.conn(), check).await? {
        Some(due_at) => work.set_timer(LATE, check, due_at, 1).await?,
        None => work.clear_timer(LATE, check).await?,
    }
    Ok(())
}

/// When a stage that begins now is over.
fn due(numbers: &Numbers, is_ping: bool, now: DateTime<Utc>) -> DateTime<Utc> {
    now + if is_ping {
        numbers.ping_wait
    } else {
        numbers.ask_after + numbers.answer_wait
    }
}
