//! The transaction of feeds that came at the same time: tills send payment by payment, hundreds a second, and what a
//! transaction costs is then paid once for all of them. Each is answered as if it had been alone. When the shared transaction
//! fails, or an account is new, each is taken alone, so that none suffers from another one.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use futures_util::future::join_all;
use relight_common::{
    Begun, Db, Work,
    batch::{Batcher, Size},
    command::Meta,
};
use relight_proto::arrears::v1::FeedReply;
use serde_json::json;
use tracing::Instrument;

use super::feed::Asked;
use crate::{
    desk::{self, Fed, FeedLine, House},
    error::Error,
    outside::Outside,
    store::account::Supply,
};

type Answer = Result<FeedReply, Error>;
/// Takes feeds, those that wait at the same time together.
pub(super) type Feeding = Batcher<Asked, Answer>;

/// Two at a time: while one waits for the disk, the other one is written.
const SIZE: Size = Size { most: 64, at_once: 2 };

/// Where feeds are taken.
#[derive(Debug)]
pub(super) struct Till<O> {
    pub(super) db: Db,
    pub(super) house: House,
    pub(super) outside: Arc<O>,
}

/// Takes feeds at this till.
pub(super) fn feeding<O: Outside>(till: &Arc<Till<O>>) -> Feeding {
    let till = Arc::clone(till);
    Batcher::new("take the feed", SIZE, move |batch| {
        let till = Arc::clone(&till);
        async move { till.all(batch).await }
    })
}

/// The next round, and who is not in it: no command twice, so that the second one sees what the first did, and only of one
/// source and sender, whose names are in what is written.
fn round(batch: &[Asked], left: Vec<usize>) -> (Vec<usize>, Vec<usize>) {
    let mut commands = HashSet::new();
    let of = |asked: &Asked| (asked.source.clone(), asked.meta.actor.clone());
    let first = left.first().map(|&at| of(&batch[at]));
    left.into_iter()
        .partition(|&at| Some(of(&batch[at])) == first && commands.insert(batch[at].meta.id))
}

impl<O: Outside> Till<O> {
    async fn all(&self, batch: Vec<Asked>) -> Vec<Answer> {
        let mut answers: Vec<Option<Answer>> = batch.iter().map(|_| None).collect();
        let mut left: Vec<usize> = (0..batch.len()).collect();
        while !left.is_empty() {
            let (now, later) = round(&batch, left);
            let these: Vec<&Asked> = now.iter().map(|&at| &batch[at]).collect();
            for (at, answer) in now.into_iter().zip(self.each(&these).await) {
                answers[at] = Some(answer);
            }
            left = later;
        }
        answers.into_iter().flatten().collect()
    }

    async fn each(&self, round: &[&Asked]) -> Vec<Answer> {
        if round.len() > 1
            && let Ok(Some(answers)) = self.together(round).await
        {
            return answers;
        }
        join_all(round.iter().map(|asked| self.alone(asked))).await
    }

    /// All of them in one transaction; none when an account is new here. What is known of a command already is no failure
    /// of the others.
    async fn together(&self, round: &[&Asked]) -> Result<Option<Vec<Answer>>, Error> {
        let metas: Vec<&Meta> = round.iter().map(|asked| &asked.meta).collect();
        let (work, found) = Work::begin_all::<FeedReply>(&self.db, &metas).await?;
        let mut answers: Vec<Option<Answer>> = found
            .into_iter()
            .map(|found| found.map_err(Error::from).transpose())
            .collect();
        let fresh: Vec<usize> = (0..round.len()).filter(|&at| answers[at].is_none()).collect();
        let these: Vec<&Asked> = fresh.iter().map(|&at| round[at]).collect();
        let Some(replies) = self.take(work, &these).await? else {
            return Ok(None);
        };
        for (at, reply) in fresh.into_iter().zip(replies) {
            answers[at] = Some(Ok(reply));
        }
        Ok(Some(answers.into_iter().flatten().collect()))
    }

    async fn take(&self, mut work: Work, these: &[&Asked]) -> Result<Option<Vec<FeedReply>>, Error> {
        let Some(first) = these.first() else {
            return Ok(Some(Vec::new()));
        };
        for asked in these {
            note(&mut work, asked);
        }
        let lines: Vec<FeedLine> = these.iter().flat_map(|asked| asked.lines()).collect();
        let none_new = BTreeMap::new();
        let told = match desk::feed(&mut work, &self.house, &first.source, &lines, &none_new).await? {
            Fed::Told(told) => told,
            Fed::New(_) => return Ok(None),
        };
        let mut told = told.into_iter();
        let replies: Vec<FeedReply> = these.iter().map(|asked| asked.answer(&mut told)).collect();
        let done: Vec<(&Meta, &FeedReply)> = these.iter().map(|asked| &asked.meta).zip(&replies).collect();
        work.commit_all(&done).await?;
        Ok(Some(replies))
    }

    /// One of them in its own transaction.
    pub(super) async fn alone(&self, asked: &Asked) -> Answer {
        let mut supplies = BTreeMap::new();
        let lines: Vec<FeedLine> = asked.lines().collect();
        // Twice at most: nearly every line is of an account that is known, so nothing is asked before the attempt.
        loop {
            let mut work = match Work::begin(&self.db, asked.meta.clone()).await? {
                Begun::Before(reply) => return Ok(reply),
                Begun::New(work) => work,
            };
            note(&mut work, asked);
            let fed = desk::feed(&mut work, &self.house, &asked.source, &lines, &supplies);
            match fed.instrument(asked.span.clone()).await? {
                Fed::Told(told) => return Ok(work.commit(asked.answer(&mut told.into_iter())).await?),
                Fed::New(accounts) => {
                    drop(work);
                    supplies = self.supplies(accounts).await?;
                }
            }
        }
    }

    /// What registry says of accounts that are new here.
    async fn supplies(
        &self,
        accounts: Vec<String>,
    ) -> Result<BTreeMap<String, Result<Supply, String>>, Error> {
        let mut supplies = BTreeMap::new();
        for key in accounts {
            let supply = self.outside.supply(&key).await?;
            supplies.insert(key, supply);
        }
        Ok(supplies)
    }
}

/// Whose feed it is, and that it came.
fn note(work: &mut Work, asked: &Asked) {
    work.on_behalf(&asked.meta);
    work.audit(
        "arrears.feed",
        &asked.source,
        json!({ "lines": asked.lines().count() }),
    );
}
