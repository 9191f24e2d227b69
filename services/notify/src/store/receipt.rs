//! Receipts: matched to their attempt, or parked until the answer to the submit is written down.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{channel::smpp::lookup_ids, domain::delivery::Receipt, error::Error};

/// What a provider said of one message, ready to be matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Id at the provider, in its normal form.
    pub message_id: Option<String>,
    /// What it says.
    pub receipt: Receipt,
    /// The provider's error code.
    pub error: Option<String>,
    /// Our reference, where it is echoed.
    pub reference: Option<i32>,
    /// HMAC of the recipient.
    pub recipient: Vec<u8>,
}

/// An attempt that a receipt may be about.
struct Candidate {
    id: Uuid,
    message_id: Uuid,
    provider_message_id: Option<String>,
    wire_reference: i32,
    recipient: Vec<u8>,
}

impl Candidate {
    /// The id as it was answered is enough; another reading of it, or no id at all, needs the recipient and our
    /// reference where it is echoed (delivery.md 2.5).
    fn is_meant(&self, told: &Told) -> bool {
        if self.provider_message_id.is_some() && self.provider_message_id == told.message_id {
            return true;
        }
        let same_person = self.recipient == told.recipient;
        match (told.reference, &self.provider_message_id) {
            (Some(reference), _) => same_person && reference == self.wire_reference,
            (None, Some(_)) => same_person,
            (None, None) => false,
        }
    }
}

/// Matches a receipt with its attempt and writes it there. Returns the message, `None` when no attempt fits yet.
///
/// # Errors
/// [`Error::Common`].
pub async fn apply(
    conn: &mut PgConnection,
    provider: &str,
    told: &Told,
    now: DateTime<Utc>,
) -> Result<Option<Uuid>, Error> {
    let ids = told.message_id.as_deref().map(lookup_ids).unwrap_or_default();
    let candidates = sqlx::query_as!(
        Candidate,
        "select a.id as \"id!\", a.message_id as \"message_id!\", a.provider_message_id,
             a.wire_reference as \"wire_reference!\", m.recipient as \"recipient!\"
         from notify.attempt a join notify.message m on m.id = a.message_id
         where a.provider = $1 and a.provider_message_id = any($2)
         union all
         select a.id, a.message_id, a.provider_message_id, a.wire_reference, m.recipient
         from notify.attempt a join notify.message m on m.id = a.message_id
         where a.provider = $1 and a.outcome = 'unknown' and a.wire_reference = $3",
        provider,
        &ids,
        told.reference
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(Error::db("look for the attempt of a receipt"))?;
    let exact = candidates
        .iter()
        .find(|one| one.provider_message_id == told.message_id);
    let Some(meant) = exact
        .filter(|one| one.is_meant(told))
        .or_else(|| candidates.iter().find(|one| one.is_meant(told)))
    else {
        return Ok(None);
    };
    sqlx::query!(
        "update notify.attempt set receipt_state = $2, receipt_error = $3, receipt_at = $4,
             outcome = case when outcome = 'unknown' then 'accepted' else outcome end,
             provider_message_id = coalesce(provider_message_id, $5)
         where id = $1 and (receipt_state is null or receipt_state = 'under_way')",
        meant.id,
        told.receipt.word(),
        told.error,
        now,
        told.message_id
    )
    .execute(conn)
    .await
    .map_err(Error::db("write a receipt down"))?;
    Ok(Some(meant.message_id))
}

/// Keeps a receipt that no attempt fits yet. A repeat of it is kept once.
///
/// # Errors
/// [`Error::Common`].
pub async fn park(
    conn: &mut PgConnection,
    provider: &str,
    told: &Told,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into notify.parked_receipt
             (id, provider, provider_message_id, state, error, wire_reference, recipient, received_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict on constraint parked_receipt_once do nothing",
        Uuid::now_v7(),
        provider,
        told.message_id,
        told.receipt.word(),
        told.error,
        told.reference,
        &told.recipient,
        now
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("park a receipt"))
}

/// The parked receipts of a provider, oldest first. Waits for whoever looks at them now: it may have looked before the
/// answer was there that we know of.
///
/// # Errors
/// [`Error::Common`].
pub async fn parked(conn: &mut PgConnection, provider: &str) -> Result<Vec<(Uuid, Told)>, Error> {
    let rows = sqlx::query!(
        "select id, provider_message_id, state, error, wire_reference, recipient from notify.parked_receipt
         where provider = $1 order by id limit 1000 for update",
        provider
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read parked receipts"))?;
    rows.into_iter()
        .map(|row| {
            let told = Told {
                message_id: row.provider_message_id,
                receipt: Receipt::parse(&row.state).ok_or(Error::Stored("receipt state"))?,
                error: row.error,
                reference: row.wire_reference,
                recipient: row.recipient,
            };
            Ok((row.id, told))
        })
        .collect()
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
