//! The transaction of reports that came at the same time. In a storm hundreds a second do, and what a transaction costs
//! is then paid once for all of them. Each is answered as if it had been alone. At first all are taken to be new, which
//! nearly all are; when one was sent before, they are looked up; when the shared transaction fails, each is tried alone,
//! so that none suffers from another one.

use std::{collections::HashSet, sync::Arc};

use chrono::TimeDelta;
use futures_util::future::join_all;
use relight_common::{
    Work,
    batch::{Batcher, Size},
    command::Meta,
};
use relight_proto::intake::v1 as pb;
use tracing::Span;

use super::{
    danger,
    urge::{self, Asked},
};
use crate::{
    desk::Desk,
    domain::report::KnownOutage,
    error::Error,
    news,
    store::{
        accepted::{self, New},
        report::{self, MayUrge, Report, Stored},
    },
};

/// A report that has only to be stored.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) meta: Meta,
    pub(super) report: Report,
    /// What the ledger knows of its customer.
    pub(super) told: Option<KnownOutage>,
    /// Of the request: news carries its trace.
    pub(super) span: Span,
}

impl Ready {
    /// Whose open report this one may only urge: the window lies before the moment it was made. None when there is danger.
    fn may_urge(&self, window: TimeDelta) -> Option<MayUrge> {
        let (made_at, entered_at) = (self.report.accepted_at, self.report.received_at);
        let customer = self.report.place.customer_id.filter(|_| !self.report.danger)?;
        Some(MayUrge {
            customer,
            since: made_at - window,
            until: (made_at < entered_at).then_some(made_at),
        })
    }
}

type Answer = Result<pb::Report, Error>;
/// Stores reports, those that wait at the same time together.
pub(super) type Accepting = Batcher<Ready, Answer>;

/// Two at a time: while one waits for the disk, the other one is written.
const SIZE: Size = Size { most: 64, at_once: 2 };

/// Stores reports at this desk.
pub(super) fn accepting(desk: &Arc<Desk>) -> Accepting {
    let desk = desk.clone();
    Batcher::new("accept the report", SIZE, move |batch| {
        let desk = desk.clone();
        async move { all(&desk, batch).await }
    })
}

/// In rounds, so that no round has a command or a customer twice: the second one has to see what the first did.
async fn all(desk: &Desk, batch: Vec<Ready>) -> Vec<Answer> {
    let mut answers: Vec<Option<Answer>> = batch.iter().map(|_| None).collect();
    let mut left: Vec<usize> = (0..batch.len()).collect();
    while !left.is_empty() {
        let (now, later) = round(&batch, left);
        let these: Vec<&Ready> = now.iter().map(|&at| &batch[at]).collect();
        for (at, answer) in now.into_iter().zip(each(desk, &these).await) {
            answers[at] = Some(answer);
        }
        left = later;
    }
    answers.into_iter().flatten().collect()
}

/// The next round, and who is not in it.
fn round(batch: &[Ready], left: Vec<usize>) -> (Vec<usize>, Vec<usize>) {
    let (mut commands, mut customers) = (HashSet::new(), HashSet::new());
    left.into_iter().partition(|&at| {
        let ready = &batch[at];
        let is_first_command = commands.insert(ready.meta.id);
        let customer = ready.report.place.customer_id;
        is_first_command && customer.is_none_or(|customer| customers.insert(customer))
    })
}

/// Together, or each alone when that fails; at the same time, so that nobody waits for another one's failure.
async fn each(desk: &Desk, round: &[&Ready]) -> Vec<Answer> {
    if let Ok(replies) = as_new(desk, round).await {
        return replies.into_iter().map(Ok).collect();
    }
    match together(desk, round).await {
        Ok(answers) => answers,
        Err(error) if round.len() == 1 => vec![Err(error)],
        Err(_) => join_all(round.iter().map(|ready| alone(desk, ready))).await,
    }
}

async fn alone(desk: &Desk, ready: &Ready) -> Answer {
    together(desk, &[ready]).await?.remove(0)
}

/// All of them in one transaction, as commands that nobody sent before.
async fn as_new(desk: &Desk, round: &[&Ready]) -> Result<Vec<pb::Report>, Error> {
    let work = Work::begin_new(&desk.db).await?;
    finish(desk, work, round).await
}

/// All of them in one transaction. What is known of a command already is no failure of the others.
async fn together(desk: &Desk, round: &[&Ready]) -> Result<Vec<Answer>, Error> {
    let metas: Vec<&Meta> = round.iter().map(|ready| &ready.meta).collect();
    let (work, found) = Work::begin_all::<pb::Report>(&desk.db, &metas).await?;
    let mut answers: Vec<Option<Answer>> = found
        .into_iter()
        .map(|found| found.map_err(Error::from).transpose())
        .collect();
    let fresh: Vec<usize> = (0..round.len()).filter(|&at| answers[at].is_none()).collect();
    if !fresh.is_empty() {
        let these: Vec<&Ready> = fresh.iter().map(|&at| round[at]).collect();
        let replies = finish(desk, work, &these).await?;
        for (at, reply) in fresh.into_iter().zip(replies) {
            answers[at] = Some(Ok(reply));
        }
    }
    Ok(answers.into_iter().flatten().collect())
}

/// Does them, and wakes the worker.
async fn finish(desk: &Desk, mut work: Work, round: &[&Ready]) -> Result<Vec<pb::Report>, Error> {
    let replies = store(desk, &mut work, round).await?;
    let done: Vec<(&Meta, &pb::Report)> = round.iter().map(|ready| &ready.meta).zip(&replies).collect();
    work.commit_all(&done).await?;
    desk.bell.notify_one();
    Ok(replies)
}

/// Urges what they only urge, stores the others.
async fn store(desk: &Desk, work: &mut Work, round: &[&Ready]) -> Result<Vec<pb::Report>, Error> {
    // Those of one round came within moments.
    let now = round.iter().map(|ready| ready.meta.at).min().unwrap_or_default();
    let window = desk.pack.duration("urge.window", now)?;
    let may_urge: Vec<MayUrge> = round.iter().filter_map(|ready| ready.may_urge(window)).collect();
    let mut open = report::open_of_customers(work.conn(), &may_urge).await?;
    let (mut replies, mut new) = (Vec::with_capacity(round.len()), Vec::new());
    for ready in round {
        work.on_behalf(&ready.meta);
        let urged = ready.may_urge(window).and_then(|may| open.remove(&may.customer));
        replies.push(match urged {
            Some(urged) => urge::add_urge(work, urged, asked(&ready.report), ready.told.as_ref()).await?,
            None => {
                new.push(*ready);
                ready.span.in_scope(|| tell(work, &ready.report))
            }
        });
    }
    insert(desk, work, &new).await?;
    Ok(replies)
}

fn asked(report: &Report) -> Asked<'_> {
    Asked {
        at: Some(report.accepted_at),
        channel: report.channel.word(),
        note: &report.note,
    }
}

/// What the others hear of a new report, and the reply.
pub(crate) fn tell(work: &mut Work, report: &Report) -> pb::Report {
    news::tell_report(work, report, news::ACCEPTED);
    if report.call_wanted {
        news::tell_call_wanted(work, report);
    }
    news::report(&Stored {
        report: report.clone(),
        incident: None,
        incident_state: None,
        urge_count: 0,
        owner: None,
    })
}

async fn insert(desk: &Desk, work: &mut Work, new: &[&Ready]) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    let rows: Vec<New<'_>> = new
        .iter()
        .map(|ready| New {
            report: &ready.report,
            trace: ready.span.in_scope(relight_common::telemetry::traceparent),
        })
        .collect();
    accepted::insert_all(work.conn(), &rows).await?;
    let reports: Vec<&Report> = new.iter().map(|ready| &ready.report).collect();
    danger::open(desk, work, &reports).await
}
