//! Receipts: matched to their attempts, or parked until the answer to the submit is written down.
//!
//! What is looked up here is looked up one by one from a list, and `offset 0` keeps the planner from turning that into
//! a join: by its guesses about a table nobody has analysed yet it would read all of it.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    channel::{
        Outcome,
        smpp::{lookup_ids, wire_reference},
    },
    domain::{
        delivery::Receipt,
        receipt::{Candidate, Told},
    },
    error::Error,
    store::attempt::Answered,
};

/// The attempts that receipts may be about.
///
/// # Errors
/// [`Error::Common`].
pub async fn candidates(
    conn: &mut PgConnection,
    provider: &str,
    told: &[Told],
) -> Result<Vec<Candidate>, Error> {
    let ids: Vec<String> = told.iter().flat_map(Told::ids).collect();
    let echoed = || {
        told.iter()
            .filter_map(|one| Some((one.reference?, &one.recipient)))
    };
    let references: Vec<i32> = echoed().map(|(reference, _)| reference).collect();
    let recipients: Vec<Vec<u8>> = echoed().map(|(_, recipient)| recipient.clone()).collect();
    let rows = sqlx::query!(
        r#"select c.id as "id!", c.message_id as "message_id!", c.provider_message_id,
             c.wire_reference as "wire_reference!", c.recipient as "recipient!", c.outcome as "outcome!",
             c.receipt_state, c.receipt_error
         from unnest($2::text[]) i (id) cross join lateral (
             select a.id, a.message_id, a.provider_message_id, a.wire_reference, m.recipient, a.outcome,
                 a.receipt_state, a.receipt_error
             from notify.attempt a join notify.message m on m.id = a.message_id
             where a.provider = $1 and a.provider_message_id = i.id offset 0) c
         union
         select c.* from unnest($3::int4[], $4::bytea[]) r (reference, recipient) cross join lateral (
             select a.id, a.message_id, a.provider_message_id, a.wire_reference, m.recipient, a.outcome,
                 a.receipt_state, a.receipt_error
             from notify.attempt a join notify.message m on m.id = a.message_id
             where a.provider = $1 and a.outcome = 'unknown' and a.wire_reference = r.reference
               and m.recipient = r.recipient offset 0) c"#,
        provider,
        &ids,
        &references,
        &recipients
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for the attempts of receipts"))?;
    let found = rows.into_iter().map(|row| Candidate {
        id: row.id,
        message_id: row.message_id,
        provider_message_id: row.provider_message_id,
        wire_reference: row.wire_reference,
        recipient: row.recipient,
        is_unknown: row.outcome == "unknown",
        receipt: row.receipt_state.as_deref().and_then(Receipt::parse),
        error: row.receipt_error,
    });
    Ok(found.collect())
}

/// Writes down what receipts said of attempts: the candidates of this transaction, which nobody else changes meanwhile
/// ([`alone`](super::attempt::alone)).
///
/// # Errors
/// [`Error::Common`].
pub async fn write(conn: &mut PgConnection, changed: &[Candidate], now: DateTime<Utc>) -> Result<(), Error> {
    let ids: Vec<Uuid> = changed.iter().map(|one| one.id).collect();
    let words: Vec<Option<String>> = changed
        .iter()
        .map(|one| one.receipt.map(|receipt| receipt.word().to_owned()))
        .collect();
    let errors: Vec<Option<String>> = changed.iter().map(|one| one.error.clone()).collect();
    let provider_ids: Vec<Option<String>> = changed
        .iter()
        .map(|one| one.provider_message_id.clone())
        .collect();
    sqlx::query!(
        "update notify.attempt a set receipt_state = r.state, receipt_error = r.error, receipt_at = $5,
             outcome = case when a.outcome = 'unknown' then 'accepted' else a.outcome end,
             provider_message_id = r.provider_id
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) r (id, state, error, provider_id)
         where a.id = r.id",
        &ids,
        &words as &[Option<String>],
        &errors as &[Option<String>],
        &provider_ids as &[Option<String>],
        now
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("write receipts down"))
}

/// Keeps receipts that no attempt fits yet. A repeat is kept once.
///
/// # Errors
/// [`Error::Common`].
pub async fn park(
    conn: &mut PgConnection,
    provider: &str,
    told: &[Told],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = told.iter().map(|_| Uuid::now_v7()).collect();
    let provider_ids: Vec<Option<String>> = told.iter().map(|one| one.message_id.clone()).collect();
    let words: Vec<String> = told.iter().map(|one| one.receipt.word().to_owned()).collect();
    let errors: Vec<Option<String>> = told.iter().map(|one| one.error.clone()).collect();
    let references: Vec<Option<i32>> = told.iter().map(|one| one.reference).collect();
    let recipients: Vec<Vec<u8>> = told.iter().map(|one| one.recipient.clone()).collect();
    sqlx::query!(
        "insert into notify.parked_receipt
             (id, provider_message_id, state, error, wire_reference, recipient, provider, received_at)
         select r.*, $7, $8 from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int4[], $6::bytea[]) r
         on conflict on constraint parked_receipt_once do nothing",
        &ids,
        &provider_ids as &[Option<String>],
        &words,
        &errors as &[Option<String>],
        &references as &[Option<i32>],
        &recipients,
        provider,
        now
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("park receipts"))
}

/// A receipt that waits for its attempt.
#[derive(Debug)]
pub struct Parked {
    /// Its id; later ones are greater.
    pub id: Uuid,
    /// What was said.
    pub told: Told,
}

/// A row as it is stored.
struct Row {
    id: Uuid,
    provider_message_id: Option<String>,
    state: String,
    error: Option<String>,
    wire_reference: Option<i32>,
    recipient: Vec<u8>,
}

impl TryFrom<Row> for Parked {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            told: Told {
                message_id: row.provider_message_id,
                receipt: Receipt::parse(&row.state).ok_or(Error::Stored("receipt state"))?,
                error: row.error,
                reference: row.wire_reference,
                recipient: row.recipient,
            },
        })
    }
}

/// Parked receipts that may be about these attempts, oldest first: by the provider's id where it gave one, by our
/// reference where nobody knows. The readings of an id are the same in both directions.
///
/// # Errors
/// [`Error::Common`].
pub async fn waiting_for(
    conn: &mut PgConnection,
    provider: &str,
    answered: &[Answered],
) -> Result<Vec<Parked>, Error> {
    let (mut ids, mut references) = (Vec::new(), Vec::new());
    for one in answered {
        match &one.outcome {
            Outcome::Accepted { message_id } => ids.extend(lookup_ids(message_id)),
            Outcome::Unknown(_) => references.push(i32::from(wire_reference(one.id))),
            Outcome::Refused { .. } | Outcome::Unsent(_) => {}
        }
    }
    let rows = sqlx::query_as!(
        Row,
        r#"select p.id as "id!", p.provider_message_id, p.state as "state!", p.error, p.wire_reference,
             p.recipient as "recipient!"
         from unnest($2::text[]) i (id) cross join lateral (
             select id, provider_message_id, state, error, wire_reference, recipient from notify.parked_receipt
             where provider = $1 and provider_message_id = i.id offset 0) p
         union
         select p.* from unnest($3::int4[]) r (reference) cross join lateral (
             select id, provider_message_id, state, error, wire_reference, recipient from notify.parked_receipt
             where provider = $1 and wire_reference = r.reference offset 0) p
         order by 1"#,
        provider,
        &ids,
        &references
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for receipts that waited"))?;
    rows.into_iter().map(Parked::try_from).collect()
}

/// The next parked receipts of a provider behind `after`, oldest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn parked(
    conn: &mut PgConnection,
    provider: &str,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Parked>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, provider_message_id, state, error, wire_reference, recipient from notify.parked_receipt
         where provider = $1 and id > $2 order by id limit $3",
        provider,
        after,
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read parked receipts"))?;
    rows.into_iter().map(Parked::try_from).collect()
}

/// Forgets parked receipts that found their attempt.
///
/// # Errors
/// [`Error::Common`].
pub async fn unpark(conn: &mut PgConnection, ids: &[Uuid]) -> Result<(), Error> {
    sqlx::query!("delete from notify.parked_receipt where id = any($1)", ids)
        .execute(conn)
        .await
        .map(drop)
        .map_err(Error::db("forget parked receipts"))
}

/// Forgets receipts nobody waited for.
///
/// # Errors
/// [`Error::Common`].
pub async fn forget(pool: &PgPool, before: DateTime<Utc>) -> Result<u64, Error> {
    sqlx::query!("delete from notify.parked_receipt where received_at < $1", before)
        .execute(pool)
        .await
        .map(|done| done.rows_affected())
        .map_err(Error::db("forget old receipts"))
}
