//! What became of the messages of notices, until it is told (event `notice.served`).

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::error::Error;

/// Notes what became of messages that just reached their end; of those that did not, and of mail, which has no receipt,
/// nothing. Everybody who shares the contact has the same result, unless it is somebody else's for them. What went to who stands
/// beside a customer says nothing of the customer.
///
/// # Errors
/// [`Error::Common`].
pub async fn of(conn: &mut PgConnection, messages: &[Uuid], now: DateTime<Utc>) -> Result<(), Error> {
    if messages.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into notify.result (notice_id, customer_id, channel, result, at)
         select m.subject, c.customer_id, m.channel,
             case when m.state = 'delivered' and not exists (select from notify.wrong_contact w
                 where w.customer_id = c.customer_id and w.channel = m.channel and w.recipient = m.recipient
                   and w.withdrawn_at is null) then 'delivered' else 'failed' end,
             coalesce(m.delivered_at, $2)
         from notify.message m
         cross join lateral (select m.customer_id where not m.beside
             union all select a.customer_id from notify.also_told a where a.message_id = m.id) c
         where m.id = any($1) and (m.outage_id is not null or m.case_id is not null)
           and (m.state in ('failed', 'expired', 'superseded') or (m.state = 'delivered' and m.channel = 'sms'))",
        messages,
        now
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note what became of messages"))
}

/// A customer whose contact has a message already.
#[derive(Debug, Clone)]
pub struct Sharer {
    /// Who.
    pub customer: Uuid,
    /// The channel.
    pub channel: &'static str,
    /// HMAC of the contact value.
    pub recipient: [u8; 32],
}

/// Notes customers whose contact got the message of this notice for somebody else; what became of it so far is theirs too.
/// `key`: purpose, subject and version of the messages.
///
/// # Errors
/// [`Error::Common`].
pub async fn share(
    conn: &mut PgConnection,
    (purpose, subject, version): (&str, Uuid, i64),
    sharers: &[Sharer],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if sharers.is_empty() {
        return Ok(());
    }
    let customers: Vec<Uuid> = sharers.iter().map(|one| one.customer).collect();
    let channels: Vec<String> = sharers.iter().map(|one| one.channel.to_owned()).collect();
    let recipients: Vec<Vec<u8>> = sharers.iter().map(|one| one.recipient.to_vec()).collect();
    // The lock keeps a receipt from settling the message between our look and our commit; it is taken in the order in
    // which receipts lock messages.
    sqlx::query!(
        "with shared as (
             select m.id, m.channel, m.recipient, m.state, m.delivered_at, r.customer_id from notify.message m
             join (select distinct * from unnest($4::uuid[], $5::text[], $6::bytea[])) r (customer_id, channel, recipient)
                 on m.recipient = r.recipient and m.channel = r.channel
             where m.purpose = $1 and m.subject = $2 and m.version = $3 and m.customer_id <> r.customer_id
             order by m.id for share of m
         ), noted as (
             insert into notify.also_told (message_id, customer_id) select id, customer_id from shared
             on conflict on constraint also_told_once do nothing returning message_id, customer_id
         )
         insert into notify.result (notice_id, customer_id, channel, result, at)
         select $2, n.customer_id, s.channel,
             case when s.state = 'delivered' and not exists (select from notify.wrong_contact w
                 where w.customer_id = n.customer_id and w.channel = s.channel and w.recipient = s.recipient
                   and w.withdrawn_at is null) then 'delivered' else 'failed' end,
             coalesce(s.delivered_at, $7)
         from noted n join shared s on s.id = n.message_id and s.customer_id = n.customer_id
         where s.state in ('failed', 'expired', 'superseded') or (s.state = 'delivered' and s.channel = 'sms')",
        purpose,
        subject,
        version,
        &customers,
        &channels,
        &recipients,
        now
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note who shares a message"))
}

/// Notes who has no contact at all; once per notice and customer.
///
/// # Errors
/// [`Error::Common`].
pub async fn unreached(
    conn: &mut PgConnection,
    notice: Uuid,
    customers: &[Uuid],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if customers.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with noted as (
             insert into notify.unreached (notice_id, customer_id) select $1, unnest($2::uuid[])
             on conflict on constraint unreached_once do nothing returning customer_id
         )
         insert into notify.result (notice_id, customer_id, channel, result, at)
         select $1, customer_id, 'none', 'failed', $3 from noted",
        notice,
        customers,
        now
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note who has no contact"))
}

/// What is to be told next: the notice, and which part of its results this is.
#[derive(Debug)]
pub struct Part {
    /// The notice.
    pub notice: Uuid,
    /// The outage it is about.
    pub outage: Option<Uuid>,
    /// Or the arrears case.
    pub case: Option<Uuid>,
    /// Plan of the outage.
    pub plan_no: i32,
    /// Why people were told.
    pub kind: String,
    /// Where in the organisation.
    pub org_path: String,
    /// Number of the part, from 1.
    pub no: i64,
}

/// Opens the next part; `None` when everything is told.
///
/// # Errors
/// [`Error::Common`].
pub async fn next_part(conn: &mut PgConnection) -> Result<Option<Part>, Error> {
    sqlx::query_as!(
        Part,
        r#"update notify.notice n set told = told + 1
         from (select notice_id from notify.result order by id limit 1) r where n.id = r.notice_id
         returning n.id as notice, n.outage_id as outage, n.case_id as "case", n.plan_no, n.kind, n.org_path,
             n.told as no"#
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("look for results to tell"))
}

/// One result.
#[derive(Debug)]
pub struct Told {
    /// In the order they came.
    pub id: i64,
    /// Who.
    pub customer_id: Uuid,
    /// The channel.
    pub channel: String,
    /// What became of the message.
    pub result: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Takes results of a notice, at most `limit`; they are gone with the transaction.
///
/// # Errors
/// [`Error::Common`].
pub async fn take(conn: &mut PgConnection, notice: Uuid, limit: i64) -> Result<Vec<Told>, Error> {
    let mut taken = sqlx::query_as!(
        Told,
        "delete from notify.result
         where id in (select id from notify.result where notice_id = $1 order by id limit $2)
         returning id, customer_id, channel, result, at",
        notice,
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("take results"))?;
    taken.sort_by_key(|one| one.id);
    Ok(taken)
}

/// Whether something is to be told.
///
/// # Errors
/// [`Error::Common`].
pub async fn is_waiting(pool: &PgPool) -> Result<bool, Error> {
    sqlx::query_scalar!(r#"select exists(select from notify.result) as "is!""#)
        .fetch_one(pool)
        .await
        .map_err(Error::db("look for results to tell"))
}
