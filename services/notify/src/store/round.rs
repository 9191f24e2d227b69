//! The second round: messages by another channel that are held back until the deadline of the first.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;

/// Messages decided in one transaction.
const BATCH: i64 = 1_000;

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decided {
    /// Held messages that were looked at.
    pub looked: usize,
    /// Those that are sent now.
    pub sent: Vec<Uuid>,
}

/// Decides about held messages whose deadline passed. Sent: nothing of the first round is with one of its people. What was
/// handed over and has no receipt may have arrived: that counts as with them (delivery.md 7), for nobody is told twice. A
/// contact that is somebody else's reached nobody.
///
/// # Errors
/// [`Error::Common`].
pub async fn decide(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Decided, Error> {
    let due = sqlx::query_scalar!(
        "select id from notify.message where state = 'held' and due_at <= $1 order by due_at limit $2
         for update skip locked",
        now,
        BATCH
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(Error::db("look for a second round"))?;
    if due.is_empty() {
        return Ok(Decided::default());
    }
    let sent = sqlx::query_scalar!(
        "with people as (
             select id, purpose, subject, version, customer_id from notify.message where id = any($1)
             union select m.id, m.purpose, m.subject, m.version, a.customer_id
             from notify.message m join notify.also_told a on a.message_id = m.id where m.id = any($1)
         ), waiting as (
             select distinct p.id from people p where not exists (
                 select from notify.message f
                 where f.id in (select id from notify.message where customer_id = p.customer_id and not beside
                         union all select message_id from notify.also_told where customer_id = p.customer_id)
                   and f.purpose = p.purpose and f.subject = p.subject and f.version = p.version and f.id <> p.id
                   and f.state in ('submitting', 'submitted', 'delivered', 'unknown')
                   and not exists (select from notify.wrong_contact w
                       where w.customer_id = p.customer_id and w.channel = f.channel and w.recipient = f.recipient
                         and w.withdrawn_at is null))
         )
         update notify.message m set due_at = $2,
             state = case when w.id is null then 'spared' else 'queued' end,
             reason = case when w.id is null then 'the first channel reached them in time, or may have'
                 else 'the first channel did not reach them in time' end
         from notify.message l left join waiting w on w.id = l.id
         where m.id = l.id and l.id = any($1)
         returning case when w.id is null then null else m.id end",
        &due,
        now
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("decide about a second round"))?;
    Ok(Decided {
        looked: due.len(),
        sent: sent.into_iter().flatten().collect(),
    })
}

/// First messages that still wait here though their second round leaves now: they would be the second of the same. Those
/// that somebody else shares stay. Returns them.
///
/// # Errors
/// [`Error::Common`].
pub async fn replaced(conn: &mut PgConnection, sent: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "update notify.message f set state = 'superseded', reason = 'it was told by another channel'
         from notify.message s
         where s.id = any($1) and f.customer_id = s.customer_id and f.purpose = s.purpose and f.subject = s.subject
           and f.version = s.version and f.id <> s.id and f.state = 'queued' and f.channel <> s.channel and not f.beside
           and not exists (select from notify.also_told a where a.message_id = f.id)
         returning f.id",
        sent
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("end what the second round replaces"))
}
