//! What answers and receipts do to messages: each batch one transaction, then parked receipts are looked at again.

use chrono::{DateTime, Utc};
use relight_common::Db;

use crate::{
    error::Error,
    store::{
        attempt::{self, Answered},
        receipt::{self, Told},
    },
};

/// Writes answers down and lets receipts that came before them in.
///
/// # Errors
/// [`Error::Common`]; nothing of the batch is stored then.
pub async fn answers(
    db: &Db,
    provider: &str,
    answered: &[Answered],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    let messages = attempt::answer(&mut tx, answered, now).await?;
    attempt::rejudge(&mut tx, &messages, now, rand::random()).await?;
    tx.commit().await.map_err(Error::db("commit answers"))?;
    match_parked(db, provider, now).await
}

/// Writes receipts down, or parks them. After this they may be acknowledged: a repeat changes nothing.
///
/// # Errors
/// [`Error::Common`]; nothing of the batch is stored then.
pub async fn receipts(db: &Db, provider: &str, told: &[Told], now: DateTime<Utc>) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    let mut messages = Vec::new();
    for one in told {
        match receipt::apply(&mut tx, provider, one, now).await? {
            Some(message) => messages.push(message),
            None => receipt::park(&mut tx, provider, one, now).await?,
        }
    }
    attempt::rejudge(&mut tx, &messages, now, rand::random()).await?;
    tx.commit().await.map_err(Error::db("commit receipts"))?;
    if messages.len() < told.len() {
        // The answer may have been committed between our look and our commit; whoever commits last matches.
        match_parked(db, provider, now).await?;
    }
    Ok(())
}

/// Matches parked receipts with attempts whose answer is there by now.
///
/// # Errors
/// [`Error::Common`].
pub async fn match_parked(db: &Db, provider: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    let parked = receipt::parked(&mut tx, provider).await?;
    if parked.is_empty() {
        return Ok(());
    }
    let (mut found, mut messages) = (Vec::new(), Vec::new());
    for (id, told) in parked {
        if let Some(message) = receipt::apply(&mut tx, provider, &told, now).await? {
            found.push(id);
            messages.push(message);
        }
    }
    receipt::unpark(&mut tx, &found).await?;
    attempt::rejudge(&mut tx, &messages, now, rand::random()).await?;
    tx.commit().await.map_err(Error::db("commit parked receipts"))
}

/// Ends attempts a dead sender left behind: they are unknown, and nobody sends them again.
///
/// # Errors
/// [`Error::Common`].
pub async fn orphans(db: &Db, provider: &str, now: DateTime<Utc>) -> Result<usize, Error> {
    let mut tx = db.begin().await?;
    let messages = attempt::orphan(&mut tx, provider, now).await?;
    attempt::rejudge(&mut tx, &messages, now, rand::random()).await?;
    tx.commit()
        .await
        .map_err(Error::db("commit unfinished attempts"))?;
    Ok(messages.len())
}
