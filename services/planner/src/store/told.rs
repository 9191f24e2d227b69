//! Evidence: who was told what, when, by which channel. Rows are added and never changed.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    domain::{event::Kind, ids::OutageId, window::Instant},
    error::Error,
};

/// One proof that somebody was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Its id; the same proof told twice has the same.
    pub id: Uuid,
    /// Who was told.
    pub customer: Uuid,
    /// How: sms, email, visit, post, call, community, esign.
    pub channel: String,
    /// The moment it took effect.
    pub at: Instant,
    /// Who recorded it: a person, or notify from the provider's receipt.
    pub by: String,
    /// What was noted.
    pub note: String,
    /// SHA-256 of the photo.
    pub photo: Option<Vec<u8>>,
    /// The call that reached them.
    pub call: Option<Uuid>,
}

/// Adds evidence about one notice. Evidence of an earlier plan is stored too; it just proves nothing for the present one.
///
/// # Errors
/// [`Error::Common`].
pub async fn add(
    conn: &mut PgConnection,
    (id, plan_no, kind): (OutageId, u32, Kind),
    all: &[Evidence],
) -> Result<(), Error> {
    let of = |value: fn(&Evidence) -> String| all.iter().map(value).collect::<Vec<_>>();
    sqlx::query!(
        "insert into planner.evidence (id, outage_id, plan_no, kind, customer_id, channel, at, recorded_by, note, photo_sha256,
             call_id, call_outcome)
         select n.id, $1, $2, $3, n.customer, n.channel, n.at, n.by, n.note, n.photo, n.call,
             case when n.call is not null then 'reached' end
         from unnest($4::uuid[], $5::uuid[], $6::text[], $7::timestamptz[], $8::text[], $9::text[], $10::bytea[], $11::uuid[])
             as n (id, customer, channel, at, by, note, photo, call)
         join planner.recipient r on r.outage_id = $1 and r.customer_id = n.customer
         on conflict (id) do nothing",
        id.uuid(),
        i32::try_from(plan_no).unwrap_or(i32::MAX),
        kind.word(),
        &all.iter().map(|one| one.id).collect::<Vec<_>>(),
        &all.iter().map(|one| one.customer).collect::<Vec<_>>(),
        &of(|one| one.channel.clone()),
        &all.iter().map(|one| one.at).collect::<Vec<_>>(),
        &of(|one| one.by.clone()),
        &of(|one| one.note.clone()),
        &all.iter().map(|one| one.photo.clone()).collect::<Vec<_>>() as &[Option<Vec<u8>>],
        &all.iter().map(|one| one.call).collect::<Vec<_>>() as &[Option<Uuid>]
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("store evidence"))?;
    let customers: Vec<Uuid> = all.iter().map(|one| one.customer).collect();
    count(conn, (id, plan_no, kind), &customers).await
}

/// These proofs prove nothing any more: whoever got the message is somebody else.
///
/// # Errors
/// [`Error::Common`].
pub async fn void(
    conn: &mut PgConnection,
    (id, plan_no, kind): (OutageId, u32, Kind),
    strangers: &[(Uuid, String)],
    at: Instant,
) -> Result<(), Error> {
    let (customers, channels): (Vec<Uuid>, Vec<String>) = strangers.iter().cloned().unzip();
    sqlx::query!(
        "insert into planner.evidence_void (evidence_id, at)
         select e.id, $6 from planner.evidence e
         join unnest($4::uuid[], $5::text[]) as n (customer, channel) on e.customer_id = n.customer and e.channel = n.channel
         where e.outage_id = $1 and e.plan_no = $2 and e.kind = $3 on conflict do nothing",
        id.uuid(),
        i32::try_from(plan_no).unwrap_or(i32::MAX),
        kind.word(),
        &customers,
        &channels,
        at
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("void evidence"))?;
    count(conn, (id, plan_no, kind), &customers).await
}

async fn count(
    conn: &mut PgConnection,
    (id, plan_no, kind): (OutageId, u32, Kind),
    customers: &[Uuid],
) -> Result<(), Error> {
    match kind {
        Kind::Notice => count_notice(conn, id, plan_no, customers).await,
        Kind::LateStart => count_late_start(conn, id, plan_no, customers).await,
        _ => Ok(()),
    }
}

/// The first effective notice of the plan counts (domain.md 5.5 no. 15).
async fn count_notice(
    conn: &mut PgConnection,
    id: OutageId,
    plan_no: u32,
    customers: &[Uuid],
) -> Result<(), Error> {
    sqlx::query!(
        "update planner.recipient r set served_at = e.at, served_channel = e.channel
         from planner.outage o, planner.recipient n
         left join lateral (
             select at, channel from planner.evidence e
             where outage_id = $1 and plan_no = $2 and kind = 'notice' and customer_id = n.customer_id
               -- What they were told before they were released says nothing of what came after.
               and (not n.own_lead or e.at >= n.added_at)
               and not exists (select 1 from planner.evidence_void v where v.evidence_id = e.id)
             order by at, id limit 1
         ) e on true
         where o.id = $1 and o.plan_no = $2 and n.outage_id = $1 and n.customer_id = any($3)
           and r.outage_id = $1 and r.customer_id = n.customer_id
           -- Whose wish it is knew before any message.
           and r.served_channel is distinct from 'request'",
        id.uuid(),
        i32::try_from(plan_no).unwrap_or(i32::MAX),
        customers
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("count who was told"))
}

async fn count_late_start(
    conn: &mut PgConnection,
    id: OutageId,
    plan_no: u32,
    customers: &[Uuid],
) -> Result<(), Error> {
    sqlx::query!(
        "update planner.recipient r set late_told_at = e.at
         from planner.outage o, lateral (
             select customer_id, max(at) as at from planner.evidence e
             where outage_id = $1 and plan_no = $2 and kind = 'late_start' and customer_id = any($3)
               and at >= (o.life -> 'late_start' ->> 'at')::timestamptz
               and not exists (select 1 from planner.evidence_void v where v.evidence_id = e.id)
             group by customer_id
         ) e
         where o.id = $1 and o.plan_no = $2 and r.outage_id = $1 and r.customer_id = e.customer_id",
        id.uuid(),
        i32::try_from(plan_no).unwrap_or(i32::MAX),
        customers
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("count who was told of the late start"))
}
