//! What answers and receipts do to messages: each batch one transaction, whatever it is of.
//!
//! Transactions of one provider account wait for each other. So a receipt that comes before the answer to its submit is
//! either seen as parked by whoever stores the answer, or finds the answer stored; there is no moment between. It also
//! means that nobody else changes what is said of attempts, and two processes cannot block each other over them.

use chrono::{DateTime, Utc};
use relight_common::Db;
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::{
    domain::receipt::{Told, hear},
    error::Error,
    store::{
        attempt::{self, Answered},
        receipt::{self, Parked},
        standing,
    },
};

/// Parked receipts looked at in one transaction.
const PARKED: i64 = 1_000;

/// Writes answers and receipts down, in this order: an answer lets in the receipts that came before it. Receipts no
/// attempt fits yet are parked. After this all of them may be acknowledged: a repeat changes nothing.
///
/// # Errors
/// [`Error::Common`]; nothing of the batch is stored then.
pub async fn settle(
    db: &Db,
    provider: &str,
    answered: &[Answered],
    told: &[Told],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let mut tx = alone(db, provider).await?;
    let mut messages = Vec::new();
    if !answered.is_empty() {
        messages = attempt::answer(&mut tx, answered, now).await?;
        let waited = receipt::waiting_for(&mut tx, provider, answered).await?;
        messages.extend(let_in(&mut tx, provider, waited, now).await?);
    }
    if !told.is_empty() {
        let (changed, is_matched) = match_with_attempts(&mut tx, provider, told, now).await?;
        messages.extend(changed);
        let early = chosen(told, |place| !is_matched[place]);
        if !early.is_empty() {
            receipt::park(&mut tx, provider, &early, now).await?;
        }
    }
    standing::rejudge(&mut tx, &messages, now, rand::random()).await?;
    tx.commit()
        .await
        .map_err(Error::db("commit answers and receipts"))
}

/// Matches parked receipts with attempts, should one have missed its answer.
///
/// # Errors
/// [`Error::Common`].
pub async fn match_parked(db: &Db, provider: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let mut after = Uuid::nil();
    loop {
        let mut tx = alone(db, provider).await?;
        let parked = receipt::parked(&mut tx, provider, after, PARKED).await?;
        let Some(last) = parked.last().map(|one| one.id) else {
            return Ok(());
        };
        let messages = let_in(&mut tx, provider, parked, now).await?;
        standing::rejudge(&mut tx, &messages, now, rand::random()).await?;
        tx.commit().await.map_err(Error::db("commit parked receipts"))?;
        after = last;
    }
}

/// Ends attempts a dead sender left behind: they are unknown, and nobody sends them again.
///
/// # Errors
/// [`Error::Common`].
pub async fn orphans(db: &Db, provider: &str, now: DateTime<Utc>) -> Result<usize, Error> {
    let mut tx = alone(db, provider).await?;
    let messages = attempt::orphan(&mut tx, provider, now).await?;
    standing::rejudge(&mut tx, &messages, now, rand::random()).await?;
    tx.commit()
        .await
        .map_err(Error::db("commit unfinished attempts"))?;
    Ok(messages.len())
}

/// A transaction beside which nobody else writes down what this provider said.
async fn alone(db: &Db, provider: &str) -> Result<Transaction<'static, Postgres>, Error> {
    let mut tx = db.begin().await?;
    attempt::alone(&mut tx, provider).await?;
    Ok(tx)
}

/// Receipts that waited and find their attempt now. Returns the messages.
async fn let_in(
    conn: &mut PgConnection,
    provider: &str,
    parked: Vec<Parked>,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, Error> {
    if parked.is_empty() {
        return Ok(Vec::new());
    }
    let (ids, told): (Vec<Uuid>, Vec<Told>) = parked.into_iter().map(|one| (one.id, one.told)).unzip();
    let (messages, is_matched) = match_with_attempts(conn, provider, &told, now).await?;
    receipt::unpark(conn, &chosen(&ids, |place| is_matched[place])).await?;
    Ok(messages)
}

/// Writes receipts to their attempts. Returns the messages, and for each receipt whether it found its attempt.
async fn match_with_attempts(
    conn: &mut PgConnection,
    provider: &str,
    told: &[Told],
    now: DateTime<Utc>,
) -> Result<(Vec<Uuid>, Vec<bool>), Error> {
    let candidates = receipt::candidates(conn, provider, told).await?;
    let heard = hear(candidates, told);
    if !heard.changed.is_empty() {
        receipt::write(conn, &heard.changed, now).await?;
    }
    let messages = heard.changed.iter().map(|one| one.message_id);
    Ok((messages.collect(), heard.is_matched))
}

/// Those of `all` at the places that are wanted.
fn chosen<T: Clone>(all: &[T], is_wanted: impl Fn(usize) -> bool) -> Vec<T> {
    let numbered = all.iter().enumerate();
    numbered
        .filter(|(place, _)| is_wanted(*place))
        .map(|(_, one)| one.clone())
        .collect()
}
