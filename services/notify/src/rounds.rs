//! One channel first, another when the first did not reach somebody by its deadline: automatic, once. Of whoever has a phone
//! the mail is held back; what must be told by law, changes of the day and danger go on every channel at once
//! (domain.md 4.3).

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use relight_common::Db;
use uuid::Uuid;

use crate::{
    domain::notice::{Channel, Purpose},
    error::Error,
    store::{message::Row, result, round},
};

/// Holds the second channel of these people back; who stands beside them has no second round, and makes none. One whose deadline is past its worth is not written at all.
pub fn hold(rows: Vec<Row>, purpose: Purpose, at_once: impl Fn(&Row) -> bool) -> Vec<Row> {
    let Some(after) = purpose.second_round_after() else {
        return rows;
    };
    let by_text: HashSet<Uuid> = rows
        .iter()
        .filter(|row| row.channel == Channel::Sms && !row.role.is_beside())
        .filter_map(Row::customer)
        .collect();
    rows.into_iter()
        .filter_map(|mut row| {
            let waits = row.channel == Channel::Email
                && !row.role.is_beside()
                && row.customer().is_some_and(|customer| by_text.contains(&customer))
                && !at_once(&row);
            if waits {
                row.held = true;
                row.due_at += after;
            }
            (row.due_at < row.expires_at).then_some(row)
        })
        .collect()
}

/// Sends the second rounds that are due. Returns how many messages left the hold for the queue.
///
/// # Errors
/// [`Error::Common`].
pub async fn second(db: &Db, now: DateTime<Utc>) -> Result<u64, Error> {
    let mut sent = 0;
    loop {
        let mut tx = db.begin().await?;
        let decided = round::decide(&mut tx, now).await?;
        if decided.looked == 0 {
            break;
        }
        let replaced = round::replaced(&mut tx, &decided.sent).await?;
        result::of(&mut tx, &replaced, now).await?;
        tx.commit().await.map_err(Error::db("commit a second round"))?;
        sent += decided.sent.len() as u64;
    }
    metrics::counter!("relight_second_rounds_total").increment(sent);
    Ok(sent)
}
